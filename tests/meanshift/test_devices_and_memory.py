"""What the shift costs: memory, synchronisations, and where tensors live."""

import threading
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

from fastershift import FasterMeanShift
from fastershift.meanshift import ClusterOptions, cluster
from fastershift.meanshift._host import _in_threads
from helpers.agreement import assert_same_clustering

aten = torch.ops.aten


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


class Elsewhere(Tensor):
    """A tensor on a pretended device: not usable together with tensors of the CPU."""

    inner: Tensor

    @staticmethod
    def __new__(cls, inner: Tensor):
        made = Tensor._make_wrapper_subclass(
            cls,
            inner.shape,
            strides=inner.stride(),
            storage_offset=inner.storage_offset(),
            dtype=inner.dtype,
            device="meta",
        )
        made.inner = inner
        return made

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        raise AssertionError(f"{func} ran outside the pretended device")


class PretendedDevice(TorchDispatchMode):
    """Runs operations on "meta" tensors on the CPU, and watches the border."""

    def __init__(self) -> None:
        super().__init__()
        self.mixed: list[str] = []
        self.to_host = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        tensors = [x for x in tree_leaves((args, kwargs)) if isinstance(x, Tensor)]
        here = [x for x in tensors if isinstance(x, Elsewhere)]
        target = kwargs.get("device")
        lands_elsewhere = target.type == "meta" if target is not None else bool(here)
        copies = func is aten._to_copy.default or func is aten.copy_.default
        if here and not copies:
            self.mixed += [
                str(func)
                for x in tensors
                if not isinstance(x, Elsewhere) and x.dim() > 0
            ]
        waits = (aten._local_scalar_dense.default, aten.nonzero.default)
        if here and (func in waits or (copies and not lands_elsewhere)):
            self.to_host += 1
        if lands_elsewhere and target is not None:
            kwargs["device"] = torch.device("cpu")
        wrappers = {id(x.inner): x for x in here}
        inside: tuple[Any, Any] = tree_map(
            lambda x: x.inner if isinstance(x, Elsewhere) else x, (args, kwargs)
        )
        out = func(*inside[0], **inside[1])
        if not lands_elsewhere:
            return out
        for leaf in tree_leaves(out):
            if isinstance(leaf, Tensor) and id(leaf) not in wrappers:
                wrappers[id(leaf)] = Elsewhere(leaf)
        return tree_map(lambda x: wrappers[id(x)] if isinstance(x, Tensor) else x, out)


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


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cuda_agrees_with_the_cpu():
    X = points(20_000)
    here = FasterMeanShift(device="cpu", random_state=0).fit(X)
    there = FasterMeanShift(random_state=0).fit(X.cuda())
    assert there.labels_.is_cuda
    assert (there.labels_.cpu() == here.labels_).float().mean() > 0.999


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
