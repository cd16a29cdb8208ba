"""What a clustering computes: products, passes over all points, shortage of memory."""

import warnings
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor

from fastershift import FasterMeanShift
from fastershift.errors import is_shortage
from fastershift.meanshift import (
    ClusterOptions,
    _cluster,
    _memory,
    _prepare,
    _search,
    cluster,
)
from fastershift.meanshift._device import DevicePoints

N = 40_000


def tight(n: int = N, dimension: int = 16, clusters: int = 10) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(n, dimension, generator=generator)
    return torch.eye(dimension)[torch.arange(n) % clusters] + 0.01 * noise


def draws() -> torch.Generator:
    return torch.Generator().manual_seed(0)


class Looks:
    """Counts how many vectors meet how many directions."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.shapes: list[tuple[int, int]] = []
        for name in ("window_sums", "nearest"):
            monkeypatch.setattr(DevicePoints, name, self._counted(name))
        # The loops of the host are compiled; those of a device can be looked into.
        monkeypatch.setattr(_prepare, "HostPoints", SimpleNamespace(measured=_measured))

    def _counted(self, name: str):
        original = getattr(DevicePoints, name)

        def look(points, directions, *arguments):
            self.shapes.append((len(directions), len(points)))
            return original(points, directions, *arguments)

        return look

    @property
    def similarities(self) -> int:
        return sum(k * n for k, n in self.shapes)


def _measured(rows, *, unit_means):
    return _prepare._measured(torch.from_numpy(rows), unit_means)


def test_all_points_meet_the_modes_and_never_the_seeds(monkeypatch):
    looks = Looks(monkeypatch)
    found = cluster(tight(), generator=draws())
    assert len(found.sizes) == 10
    # 128 seeds on the sample; ten modes shift once on all points and label them once.
    # What is left allows for a few more shifts on the sample.
    assert 0 < looks.similarities <= 2 * 10 * N + 3 * 128 * 4096
    assert looks.similarities < 128 * N


def test_seeds_that_coincide_leave_the_batch(monkeypatch):
    """Given seeds shift on all points: once each, then as one of each cluster."""
    looks = Looks(monkeypatch)
    found = cluster(tight(), ClusterOptions(gamma=1.0), seeds=torch.arange(128))
    assert found.n_iter == 2
    assert looks.similarities == (128 + 10 + 10) * N


def test_points_of_a_device_are_not_copied():
    points = tight()
    made = _prepare._measured(points, True)
    assert made.vectors.data_ptr() == points.data_ptr()
    assert made.averaged.data_ptr() == points.data_ptr()


def test_points_of_the_host_are_copied_once():
    vectors = tight()
    made = _prepare.prepare(vectors, unit_means=True)[1]
    assert made.blocks.nbytes <= 1.01 * vectors.nbytes


def test_seeds_that_meet_on_the_sample_go_on_as_one(monkeypatch):
    looks = Looks(monkeypatch)
    cluster(tight(), ClusterOptions(reseed=False), generator=draws())
    first, *others = looks.shapes
    assert first[0] == 128
    assert max(k for k, _ in others) == 10


@pytest.mark.parametrize(("noise", "sets"), [(0.01, 2), (0.3, 3)])
def test_only_slow_modes_meet_the_larger_sample(noise, sets, monkeypatch):
    met = []

    def counted(points, seeds, **options):
        met.append(len(points))
        return shift(points, seeds, **options)

    shift = _search.shift
    monkeypatch.setattr(_search, "shift", counted)
    points = tight(70_000)
    points += noise * torch.randn(points.shape, generator=draws())
    cluster(
        points,
        ClusterOptions(bandwidth=0.3, reseed=False, n_initial=512),
        generator=draws(),
    )
    assert met == [4096, 16384, 70_000][:: 1 if sets == 3 else 2]


def test_reseeding_does_not_try_the_same_place_twice():
    """Lone orphans whose seeds run into a known mode are not tried again."""
    angle = torch.linspace(0.3, 0.75, 60)
    tail = torch.zeros(60, 16)
    tail[:, 0], tail[:, 1] = angle.cos(), angle.sin()
    points = torch.cat([tight(), tail])
    found = cluster(points, generator=draws())
    assert found.stopped_by == "all reached"
    assert found.n_rounds <= 3


class Scarce:
    """A product that fails while it is larger than the memory."""

    def __init__(self, most: int) -> None:
        self.most, self.failures = most, 0
        self.sizes: list[int] = []

    def __call__(self, block: slice) -> None:
        size = block.stop - block.start
        if size > self.most:
            self.failures += 1
            raise torch.OutOfMemoryError("CUDA out of memory.")
        self.sizes.append(size)


def test_a_block_that_does_not_fit_is_halved_and_none_is_lost():
    body = Scarce(most=1000)
    _memory.for_blocks(10_000, 32, torch.device("cpu"), body)
    assert sum(body.sizes) == 10_000
    assert 0 < body.failures < 10
    with pytest.raises(torch.OutOfMemoryError):
        _memory.for_blocks(10, 1, torch.device("cpu"), Scarce(most=0))


def test_other_errors_are_not_taken_for_a_shortage():
    assert is_shortage(RuntimeError("std::bad_alloc"))
    assert is_shortage(torch.OutOfMemoryError("CUDA out of memory."))
    assert is_shortage(RuntimeError("DefaultCPUAllocator: can't allocate memory"))
    assert not is_shortage(RuntimeError("shapes cannot be multiplied"))


class Elsewhere(Tensor):
    """A tensor that says it lies on a GPU, where there is no memory left."""

    @property
    def device(self):
        return torch.device("cuda:0")

    def cpu(self):
        return self.as_subclass(Tensor)


def test_what_a_device_cannot_hold_is_clustered_on_the_cpu(monkeypatch):
    points = tight(5000)
    expected = cluster(points, generator=draws())
    real = _cluster.prepare

    def scarce(given, **options):
        if isinstance(given, Elsewhere):
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return real(given, **options)

    monkeypatch.setattr(_cluster, "prepare", scarce)
    monkeypatch.setattr(Tensor, "to", lambda self, *_a, **_k: self, raising=True)
    with pytest.warns(RuntimeWarning, match="clustered on the CPU instead"):
        found = cluster(points.as_subclass(Elsewhere), generator=draws())
    assert torch.equal(found.labels, expected.labels)


def test_nan_is_named_without_a_pass_of_its_own():
    points = tight(300)
    points[7, 3] = float("nan")
    with pytest.raises(ValueError, match="NaN or infinity"):
        FasterMeanShift().fit(points)
    with warnings.catch_warnings(), pytest.raises(ValueError, match="NaN or infinity"):
        FasterMeanShift().fit(points.numpy())
