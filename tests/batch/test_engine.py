"""Processes for many movies."""

import subprocess
import sys

import pytest

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
