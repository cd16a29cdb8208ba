"""Processes for many movies."""

import socket
import subprocess
import sys
from contextlib import suppress

import pytest

from fastershift.batch import connect

pytest.importorskip("distributed")

SCRIPT = """
from fastershift.batch import connect

print("script")
with connect(workers=1) as client:
    print(client.submit(sum, [1, 2]).result())
"""


@pytest.mark.slow  # a program of its own, with workers
def test_a_script_without_a_guard_is_not_run_by_its_workers(tmp_path):
    path = tmp_path / "script.py"
    path.write_text(SCRIPT, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, path], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["script", "3"]


def test_two_batches_at_once_say_nothing_of_ports(recwarn):
    """Dask warned of a port that is of no use here, and that another one has."""
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with suppress(OSError):  # where somebody has it, it is taken as well
            taken.bind(("", 8787))
            taken.listen()
        with connect() as client:
            assert client.submit(sum, [1, 2]).result() == 3
    assert not [one for one in recwarn if "Port" in str(one.message)]
