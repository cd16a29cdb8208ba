"""Processes that are copied after torch was used."""

import os
import subprocess
import sys

import pytest

CODE = """
import os, signal, sys
import torch
import fastershift._devices
torch.set_num_threads(2)
weights, frame = torch.ones(16, 16, 3, 3), torch.ones(1, 16, 128, 128)

def use():
    frame.clone().add_(1).exp_().sum()
    return torch.nn.functional.conv2d(frame, weights).sum().item()

use()
child = os.fork()
if not child:
    signal.alarm(60)
    use()
    os._exit(0)
sys.exit(os.waitpid(child, 0)[1] != 0)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_process_goes_on_after_a_first_use():
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    environment.pop("OMP_NUM_THREADS", None)
    done = subprocess.run(
        [sys.executable, "-c", CODE], env=environment, check=False, timeout=200
    )
    assert done.returncode == 0
