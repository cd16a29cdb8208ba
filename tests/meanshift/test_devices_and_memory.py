"""What the shift costs: memory, synchronisations, and where tensors live."""

import threading
from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from fastershift import FasterMeanShift
from fastershift.meanshift import ClusterOptions, cluster
from fastershift.meanshift._host import _in_threads
from helpers.agreement import assert_same_clustering
from helpers.elsewhere import Elsewhere, PretendedDevice


def points(n: int, dimension: int = 16) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    centers = torch.randn(12, dimension, generator=generator)
    number = torch.randint(12, (n,), generator=generator)
    return centers[number] + 0.2 * torch.randn(n, dimension, generator=generator)


class LargestTensor(TorchDispatchMode):
    """Remembers the number of elements of the largest tensor any operation made."""

    largest = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        for leaf in tree_leaves(out):
            if isinstance(leaf, Tensor):
                self.largest = max(self.largest, leaf.numel())
        return out


@pytest.mark.parametrize("mean", ["unit", "raw"])
@pytest.mark.parametrize("given", [True, False])
def test_no_tensor_holds_seeds_times_points(mean, given):
    n, n_seeds, dimension = 20_000, 500, 16
    X = points(n, dimension)
    seeds = torch.arange(n_seeds) if given else None
    with LargestTensor() as memory:
        found = cluster(
            X,
            ClusterOptions(n_initial=n_seeds, mean=mean),
            seeds=seeds,
            generator=torch.Generator().manual_seed(0),
        )
    assert found.n_seeds >= n_seeds
    # The points themselves with a column of ones, never 500 x 20,000.
    assert memory.largest <= n * (dimension + 1)


@pytest.mark.parametrize("mean", ["unit", "raw"])
@pytest.mark.parametrize("n", [3_000, 12_000])
def test_nothing_is_done_on_the_cpu_in_secret(mean, n):
    X = points(n)
    X[5] = 0
    options = ClusterOptions(n_initial=64, mean=mean, background="largest")
    expected = cluster(X, options, generator=torch.Generator().manual_seed(0))
    device = PretendedDevice()
    with device:
        found = cluster(
            Elsewhere(X), options, generator=torch.Generator().manual_seed(0)
        )
    assert device.mixed == []
    assert isinstance(found.labels, Elsewhere)
    tensors = {
        name: value.inner
        for name, value in vars(found).items()
        if isinstance(value, Elsewhere)
    }
    assert_same_clustering(X, replace(found, **tensors), expected)
    # One look at which seeds have converged in each iteration; a few for each round.
    assert device.to_host <= found.n_iter + 8 * found.n_rounds + 4


def test_the_pretended_device_notices():
    with PretendedDevice() as device:
        Elsewhere(torch.ones(3)) + torch.ones(3)
        float(Elsewhere(torch.ones(())))
    assert device.mixed == ["aten.add.Tensor"]
    assert device.to_host == 1


def test_an_array_goes_to_the_named_device():
    X = points(300)
    named = FasterMeanShift(device="cpu", random_state=0).fit_predict(X.numpy())
    assert (named == FasterMeanShift(random_state=0).fit_predict(X).cpu().numpy()).all()


def test_a_thread_that_is_held_up_leaves_its_work_to_the_others(monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    caller, done = threading.get_ident(), []
    others_ended = threading.Event()

    def work(first, last):
        if threading.get_ident() == caller:
            # As on a machine where another program has the core.
            assert others_ended.wait(20)
        done.extend(range(first, last))
        if len(done) >= 80:
            others_ended.set()

    _in_threads(work, 100)
    assert sorted(done) == list(range(100))
