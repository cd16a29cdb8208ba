"""A virtual screen for windows."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from fastershift.errors import InputError

__all__ = ["screen"]

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
