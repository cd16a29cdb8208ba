"""Time in this process, memory in a fresh one."""

import ctypes
import gc
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import torch
from torch import Tensor

from fastershift.errors import FastershiftError

__all__ = ["ON_THE_CPU", "fresh_process", "least_seconds", "seconds_of"]

#: What a reader must know of what `fresh_process` measures.
ON_THE_CPU = "Fresh processes, of cold time and peak memory, run on the CPU alone."

# Seconds up to which a clustering is done once more for its memory.
_AGAIN = 10.0


def seconds_of(call: Callable[[], Any], device: torch.device) -> tuple[Any, float]:
    """Time one call; give its answer, too."""
    _finish(device)
    started = time.perf_counter()
    answer = call()
    _finish(device)
    return answer, time.perf_counter() - started


def least_seconds(call: Callable[[], Any], device: torch.device, repeats: int) -> float:
    """Time a call several times, the first of which warms up and does not count.

    The least time is taken: other programs on the machine can only add to it.
    """
    call()
    return min(seconds_of(call, device)[1] for _ in range(repeats))


def _finish(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def fresh_process(points: Tensor, method: str, bandwidth: float) -> tuple[float, int]:
    """Cluster points in a fresh process; give its time and the memory it needed.

    Parameters
    ----------
    points : (n, d) Tensor
        On the CPU, where the process computes, too; handed over in a file.
    method : str
        One of `PEERS`.
    bandwidth : float
        Cosine distance h.

    Returns
    -------
    seconds : float
        Of the first clustering in the process.
    peak : int
        Peak memory in bytes, less what was held before. Code that is read or compiled
        when it first runs is not counted where the system tells (Linux), as it is the
        same whatever the points: what counts is a second clustering in the process,
        unless the first took longer than ten seconds.

    Raises
    ------
    FastershiftError
        When the process fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "points.npy"
        np.save(path, points.numpy())
        order = json.dumps(
            {"points": str(path), "method": method, "bandwidth": bandwidth}
        )
        run = subprocess.run(  # noqa: S603 (our own interpreter and module)
            [sys.executable, "-m", "fastershift.benchmark._measure", order],
            capture_output=True,
            text=True,
            check=False,
        )
    if run.returncode:
        raise FastershiftError(
            f"The process that measures memory failed: {run.stderr.strip()[-300:]}"
        )
    seconds, peak = json.loads(run.stdout)
    return float(seconds), int(peak)


def _peak_resident() -> int:
    """Peak resident memory of this process in bytes."""
    status = Path("/proc/self/status")
    if status.is_file():
        # Other than ru_maxrss, this does not count what the parent held.
        for line in status.read_text(encoding="utf-8").splitlines():
            if line.startswith("VmHWM"):
                return 1024 * int(line.split()[1])
    if sys.platform == "win32":
        return int(psutil.Process().memory_info().peak_wset)
    import resource

    return int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def _clustered(points: str, method: str, bandwidth: float) -> tuple[float, int]:
    from fastershift.benchmark._peers import PEERS

    loaded = torch.from_numpy(np.load(points, allow_pickle=False))

    def run() -> tuple[float, int]:
        before = psutil.Process().memory_info()
        _, seconds = seconds_of(
            lambda: PEERS[method](loaded, bandwidth, 0, 128), loaded.device
        )
        after = psutil.Process().memory_info()
        code = getattr(after, "shared", 0) - getattr(before, "shared", 0)
        return seconds, max(0, _peak_resident() - before.rss - code)

    seconds, peak = run()
    if seconds < _AGAIN and _forget_peak():
        _, peak = run()
    return seconds, peak


def _forget_peak() -> bool:
    """Count the peak of this process anew, where the system can (Linux).

    What was freed goes back to the system first: kept for later use, it would hide as
    much of the next peak.
    """
    gc.collect()
    if sys.platform.startswith("linux"):
        # Not in every C library of Linux.
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")
    except OSError:
        return False
    return True


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_clustered(**json.loads(sys.argv[1]))))
