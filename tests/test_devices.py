"""Where to compute, and processes that are copied after torch was used."""

import os
import subprocess
import sys
from types import SimpleNamespace

import pytest
import torch

from fastershift import _devices
from fastershift._devices import choose_device, free_memory
from fastershift.errors import InputError

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


@pytest.mark.slow  # a process that loads everything anew
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_process_goes_on_after_a_first_use():
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    environment.pop("OMP_NUM_THREADS", None)
    done = subprocess.run(
        [sys.executable, "-c", CODE], env=environment, check=False, timeout=200
    )
    assert done.returncode == 0


@pytest.fixture
def machine(monkeypatch):
    """Pretend that a machine has so many GPUs, or Apple's."""

    def pretend(*, cuda=0, mps=False):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: cuda)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)

    return pretend


@pytest.mark.parametrize(
    ("has", "taken"),
    [({}, "cpu"), ({"mps": True}, "mps"), ({"cuda": 2, "mps": True}, "cuda")],
)
def test_the_fastest_device_is_taken_and_the_cpu_always_works(machine, has, taken):
    machine(**has)
    assert choose_device() == torch.device(taken)
    assert choose_device("cpu") == torch.device("cpu")


@pytest.mark.parametrize(
    ("name", "has", "works"),
    [
        ("cuda", {"cuda": 1}, True),
        ("cuda:1", {"cuda": 2}, True),
        ("cuda:1", {"cuda": 1}, False),
        ("cuda", {}, False),
        ("mps", {"mps": True}, True),
        ("mps", {"cuda": 1}, False),
        ("meta", {}, False),
    ],
)
def test_a_device_that_is_not_there_is_refused(machine, name, has, works):
    machine(**has)
    if works:
        assert str(choose_device(name)) == name
    else:
        with pytest.raises(InputError, match=f"'{name}' is not available"):
            choose_device(name)


def test_a_name_that_is_no_device_is_refused():
    with pytest.raises(InputError, match="no device 'gpu'"):
        choose_device("gpu")


def test_free_memory_is_that_of_the_device(monkeypatch):
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (7, 9))
    assert free_memory(torch.device("cuda")) == 7
    memory = SimpleNamespace(available=11)
    monkeypatch.setattr(_devices.psutil, "virtual_memory", lambda: memory)
    assert free_memory(torch.device("cpu")) == 11
