import copy
import subprocess
import sys

import pytest
import torch

from fastershift.training._optimiser import AdamW


def network():
    torch.manual_seed(0)
    return torch.nn.Sequential(
        torch.nn.Conv2d(1, 3, 3), torch.nn.ReLU(), torch.nn.Conv2d(3, 2, 1)
    )


def gradients(net, seed):
    torch.manual_seed(seed)
    net.zero_grad(set_to_none=True)
    net(torch.randn(2, 1, 8, 8)).square().mean().backward()


@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_it_moves_weights_as_torch_does(weight_decay):
    own, other = network(), network()
    ours = AdamW(own.parameters(), weight_decay)
    theirs = torch.optim.AdamW(other.parameters(), weight_decay=weight_decay)
    for step in range(12):
        rate = 0.1 / (1 + step)
        gradients(own, step)
        gradients(other, step)
        for group in theirs.param_groups:
            group["lr"] = rate
        ours.step(rate)
        theirs.step()
        for mine, known in zip(own.parameters(), other.parameters(), strict=True):
            assert torch.equal(mine, known)


def test_it_goes_on_where_another_one_was():
    net = network()
    first = AdamW(net.parameters(), 0.1)
    for step in range(3):
        gradients(net, step)
        first.step(0.1)
    again = copy.deepcopy(net)
    second = AdamW(again.parameters(), 0.1)
    second.load(copy.deepcopy(first.state))
    for one, optimiser in ((net, first), (again, second)):
        gradients(one, 7)
        optimiser.step(0.05)
    for mine, known in zip(again.parameters(), net.parameters(), strict=True):
        assert torch.equal(mine, known)


def test_what_has_no_gradient_stays():
    net = network()
    before = copy.deepcopy(net.state_dict())
    AdamW(net.parameters(), 0.1).step(0.1)
    assert all(torch.equal(before[k], v) for k, v in net.state_dict().items())


def test_a_training_does_not_load_the_compiler_of_torch():
    """It takes three seconds, in which a window does not respond."""
    code = """
import sys
from fastershift.simulate import simulate_movie
from fastershift.training import Trainer, TrainSettings, from_simulation, prepare_movie
made = simulate_movie(3, (64, 64), 4, diameter=20, seed=0)
movie = prepare_movie(from_simulation(made, 20.0), 20.0)
settings = TrainSettings(filters=2, levels=2, channels=8, size=64, length=2)
for _ in Trainer((movie,), settings).run(iterations=2):
    pass
assert "torch._dynamo" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)
