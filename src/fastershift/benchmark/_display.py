"""A virtual screen for windows, and windows in processes of their own."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from fastershift.errors import FastershiftError, InputError

__all__ = ["in_new_window", "screen"]

_SIZE = "1600x1200x24"


@contextmanager
def screen() -> Iterator[Mapping[str, str]]:
    """Find a screen, or start one for the time being.

    Yields
    ------
    mapping
        Environment for a process that opens windows.

    Raises
    ------
    InputError
        When there is none and none can be started.
    """
    environment = dict(os.environ)
    present = environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY")
    if present or not sys.platform.startswith("linux"):
        yield environment
        return
    server = shutil.which("Xvfb")
    if server is None:
        raise InputError(
            "This measurement opens a window and there is no screen: install Xvfb, or "
            "run it on a desktop."
        )
    # The server chooses a free number and writes it where it is told to.
    reading, writing = os.pipe()
    command = [server, "-displayfd", str(writing), "-screen", "0", _SIZE]
    with subprocess.Popen(  # noqa: S603 (found by name)
        command, pass_fds=(writing,), stderr=subprocess.DEVNULL
    ) as process:
        os.close(writing)
        try:
            with os.fdopen(reading) as answer:
                number = answer.readline().strip()
            if not number:
                raise InputError("Xvfb did not start; run it by hand to see why.")
            yield {
                **environment,
                "DISPLAY": f":{number}",
                "LIBGL_ALWAYS_SOFTWARE": "1",
            }
        finally:
            process.terminate()


def in_new_window(
    module: str, order: Mapping[str, Any], environment: Mapping[str, str]
) -> Mapping[str, Any]:
    """Open a window in a process of its own, with the settings and models of nobody.

    Parameters
    ----------
    module : str
        Run with the order as JSON; it writes what it found to the file ``answer``.
    order : mapping
        What it is to do.
    environment : mapping
        As `screen` gives it.

    Returns
    -------
    mapping
        What it found.

    Raises
    ------
    FastershiftError
        When it did not answer.
    """
    with TemporaryDirectory() as folder:
        answer = Path(folder) / "answer.json"
        done = subprocess.run(  # noqa: S603 (a module of this package)
            [
                sys.executable,
                "-m",
                module,
                json.dumps({**order, "answer": str(answer)}),
            ],
            env={
                **environment,
                "XDG_CONFIG_HOME": folder,
                "XDG_DATA_HOME": folder,
                "NAPARI_CONFIG": str(Path(folder) / "napari.yaml"),
            },
            capture_output=True,
            text=True,
            check=False,
        )
        if not answer.exists():
            last = done.stderr.strip().splitlines()[-1:] or ["it said nothing"]
            raise FastershiftError(f"The window could not be measured: {last[0]}.")
        found: Mapping[str, Any] = json.loads(answer.read_text(encoding="utf-8"))
        return found
