"""Where the work is done: this process, processes of this machine, or a cluster."""

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from fastershift.errors import InputError

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["connect"]

#: Seconds that a scheduler may take to answer.
_PATIENCE = 20


@contextmanager
def connect(
    scheduler: str | None = None, workers: int | None = None
) -> "Iterator[Client]":
    """Connect to a Dask scheduler, or start one for the time of the block.

    Parameters
    ----------
    scheduler : str, optional
        Address of a running scheduler, such as ``tcp://node1:8786``.
    workers : int, optional
        Processes to start on this machine; by default the work is done in this
        process.

    Yields
    ------
    distributed.Client

    Raises
    ------
    InputError
        When both are given, no scheduler answers, or Dask is missing.
    """
    if scheduler and workers:
        raise InputError("Give either a scheduler or a number of workers, not both.")
    try:
        import dask
        from distributed import Client, LocalCluster
    except ImportError as error:
        raise InputError(
            "Many movies need Dask; install it with pip install 'fastershift[batch]'."
        ) from error
    if scheduler:
        try:
            client = Client(scheduler, timeout=_PATIENCE, set_as_default=False)
        except (OSError, TimeoutError, ValueError) as error:
            raise InputError(
                f"No Dask scheduler answers at {scheduler}; check the address, and "
                "that it can be reached from here."
            ) from error
        with client:
            yield client
        return
    threads = max(1, (os.cpu_count() or 1) // (workers or 1))
    environment = {
        "OMP_NUM_THREADS": str(threads),
        "MKL_NUM_THREADS": str(threads),
        "OMP_WAIT_POLICY": os.environ.get("OMP_WAIT_POLICY", "PASSIVE"),
    }
    with dask.config.set({"distributed.nanny.pre-spawn-environ": environment}):
        with _without_script():
            cluster = LocalCluster(
                n_workers=workers or 1,
                threads_per_worker=1,
                processes=workers is not None,
                dashboard_address=None,
                # Without it Dask warns where another batch has taken its usual port.
                scheduler_kwargs={"dashboard_address": ":0"},
                silence_logs=logging.CRITICAL,
            )
        with cluster, Client(cluster, set_as_default=False) as client:
            yield client


@contextmanager
def _without_script() -> Iterator[None]:
    """Start processes that do not run the script of the user once more.

    A new process reads the main module again, and a script that starts workers outside
    of ``if __name__ == "__main__"`` would start workers of workers. Nothing of it is
    needed there.
    """
    main = vars(sys.modules["__main__"])
    names: tuple[str, ...] = ("__file__", "__spec__")
    hidden = {name: main.pop(name) for name in names if name in main}
    main["__spec__"] = None
    try:
        yield
    finally:
        main.update(hidden)
