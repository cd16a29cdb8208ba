"""Faster Mean-shift on plain tensors."""

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from functools import wraps
from typing import Any, Concatenate, Literal, ParamSpec, TypeAlias, cast

import numpy as np
import torch
from torch import Tensor

from fastershift.errors import InputError
from fastershift.meanshift._memory import is_shortage
from fastershift.meanshift._points import Rows, spread_rows
from fastershift.meanshift._policy import SeedPolicy
from fastershift.meanshift._prepare import prepare
from fastershift.meanshift._search import SAMPLE, Search

__all__ = ["Background", "Clustering", "Mean", "StopReason", "cluster"]

Background: TypeAlias = Literal["none", "largest"]
Mean: TypeAlias = Literal["unit", "raw"]
StopReason: TypeAlias = Literal[
    "enough seeds", "all reached", "all points", "max_seeds", "rounds"
]

_MAX_ROUNDS = 5


@dataclass(frozen=True)
class Clustering:
    """What one run of Faster Mean-shift found.

    Attributes
    ----------
    labels : Tensor
        (n,) int64 cluster of every point; -1 for a zero row, for points of a cluster
        below `min_cluster_size` and, with re-seeding, for points beyond the bandwidth
        of every mode with fewer than `min_cluster_size` points within the bandwidth.
    centers : Tensor
        (k, d) float32 modes, best supported first.
    sizes : Tensor
        (k,) int64 points in each cluster.
    n_seeds : int
        Seeds N used, those of re-seeding included.
    n_min : float
        N_min (Eq 19) before rounding; 0 if there was nothing to cluster.
    n_rounds, n_iter : int
        Rounds of seeds, at most 5, and shifts of all of them together.
    converged_fraction : float
        Share of the seeds that stood still in time, 0 to 1.
    stopped_by : str
        Why no further seeds were tried. ``"enough seeds"``: N reached L·N_min, or the
        seeds were given, and re-seeding is off. ``"all reached"``: with re-seeding,
        fewer than `min_cluster_size` untried points lie together beyond the bandwidth
        of every mode. ``"all points"``: every point is a seed. ``"max_seeds"`` and
        ``"rounds"``: more were wanted, but these bounds (5 rounds) were met.
    policy : SeedPolicy
        What the next frame starts from.
    seconds : float
        Wall time.
    seeds : Tensor
        (n_seeds,) int64 rows used as seeds, in order.
    seed_modes : Tensor
        (n_seeds,) int64 cluster in which each seed ended; -1 if the seed was discarded
        or its cluster dropped.
    """

    labels: Tensor
    centers: Tensor
    sizes: Tensor
    n_seeds: int
    n_min: float
    n_rounds: int
    n_iter: int
    converged_fraction: float
    stopped_by: StopReason
    policy: SeedPolicy
    seconds: float
    seeds: Tensor
    seed_modes: Tensor


def _require(condition: bool, sentence: str) -> None:
    if not condition:
        raise InputError(sentence)


def _nothing(n: int, points: Tensor, policy: SeedPolicy, started: float) -> Clustering:
    none = torch.empty(0, dtype=torch.int64, device=points.device)
    return Clustering(
        labels=torch.full((n,), -1, dtype=torch.int64, device=points.device),
        centers=torch.empty(0, points.shape[1], device=points.device),
        sizes=none,
        n_seeds=0,
        n_min=0.0,
        n_rounds=0,
        n_iter=0,
        converged_fraction=1.0,
        stopped_by="all points",
        policy=policy,
        seconds=time.perf_counter() - started,
        seeds=none,
        seed_modes=none,
    )


@dataclass
class _Rounds:
    """Decides, after each round, whether and where further seeds are tried."""

    search: Search
    order: Rows
    n_points: int
    policy: SeedPolicy
    generator: torch.Generator | None
    n_initial: int
    low: float
    high: float
    coverage: float
    background: Background
    reseed: bool
    max_seeds: int
    min_cluster_size: int
    adapts: bool
    n_rounds: int = 0
    reseeding: bool = False

    def run(self, first: Rows) -> StopReason:
        """Try rounds of seeds until one of the reasons to stop holds."""
        answer: Rows | StopReason = first
        while not isinstance(answer, str):
            self.search.add(answer)
            self.n_rounds += 1
            self._observe()
            answer = self._next()
        return answer

    def _observe(self) -> None:
        support = self.search.merged.support
        instances = int((support >= self.min_cluster_size).sum())
        share = 1.0
        if self.background == "largest":
            instances -= 1
            share -= self.search.assigned.sizes.max() / self.n_points
        self.policy = self.policy.observed(instances, share, self.coverage)

    def _next(self) -> Rows | StopReason:
        drawn = len(self.search.seeds)
        if self.adapts and not self.reseeding and not self.policy.is_enough(self.low):
            if drawn == self.n_points:
                return "all points"
            if self.policy.n >= self.max_seeds:
                return "max_seeds"
            if self.n_rounds == _MAX_ROUNDS:
                return "rounds"
            self.policy = self.policy.doubled(self.max_seeds)
            return self.order[drawn : self.policy.n]
        if not self.reseed:
            return "enough seeds"
        # From here on seeds are put where they are missing; chance has nothing to add.
        self.reseeding = True
        chosen = self.search.orphans(
            least=self.min_cluster_size,
            most=self.n_initial,
            generator=self.generator,
        )
        if not len(chosen):
            return "all reached"
        if drawn >= self.max_seeds:
            return "max_seeds"
        if self.n_rounds == _MAX_ROUNDS:
            return "rounds"
        return chosen[: self.max_seeds - drawn]


_Options = ParamSpec("_Options")


def _else_on_cpu(
    run: Callable[Concatenate[Tensor, _Options], Clustering],
) -> Callable[Concatenate[Tensor, _Options], Clustering]:
    """Cluster on the CPU what the memory of another device cannot hold, and say so."""

    @wraps(run)
    def tried(
        points: Tensor, *arguments: _Options.args, **options: _Options.kwargs
    ) -> Clustering:
        generator: Any = options.get("generator")
        state = None if generator is None else generator.get_state()
        try:
            return run(points, *arguments, **options)
        except (RuntimeError, MemoryError) as error:
            if points.device.type == "cpu" or not is_shortage(error):
                raise
        warnings.warn(
            f"The memory of {points.device} does not hold {len(points)} vectors; they "
            "are clustered on the CPU instead.",
            RuntimeWarning,
            stacklevel=3,
        )
        if generator is not None:
            generator.set_state(state)
        found = run(points.cpu(), *arguments, **options)
        tensors = {
            field.name: getattr(found, field.name).to(points.device)
            for field in fields(found)
            if isinstance(getattr(found, field.name), Tensor)
        }
        return replace(found, **tensors)

    return cast("Callable[Concatenate[Tensor, _Options], Clustering]", tried)


@_else_on_cpu
@torch.no_grad()
def cluster(
    points: Tensor,
    *,
    bandwidth: float = 0.1,
    n_initial: int = 128,
    gamma: float = 0.9,
    low: float = 2.0,
    high: float = 8.0,
    coverage: float = 0.95,
    background: Background = "none",
    mean: Mean = "unit",
    reseed: bool = True,
    max_seeds: int = 4096,
    min_cluster_size: int = 1,
    max_iter: int = 300,
    seeds: Tensor | None = None,
    policy: SeedPolicy | None = None,
    generator: torch.Generator | None = None,
) -> Clustering:
    """Cluster vectors by cosine with Faster Mean-shift (Zhao et al. 2021).

    Parameters
    ----------
    points : Tensor
        (n, d) finite floating-point vectors on any device; no rows give no clusters.
    bandwidth, n_initial, gamma, low, high, coverage, background, mean, reseed, \
max_seeds, min_cluster_size, max_iter
        As for `FasterMeanShift`.
    seeds : Tensor, optional
        Rows to start from. The number of seeds is then not adapted.
    policy : SeedPolicy, optional
        Of the frame before; replaces `n_initial` in the first round.
    generator : torch.Generator, optional
        On the CPU, whatever the device of the points, so that draws agree between
        devices.

    Returns
    -------
    Clustering
        Tensors lie on the device of the points.

    Raises
    ------
    InputError
        For a parameter out of range or seeds that are no rows of the points.
    """
    started = time.perf_counter()
    _require(points.ndim == 2, "Points must have two axes: one row for each vector.")
    _require(points.is_floating_point(), "Points must be floating-point numbers.")
    _require(0 < bandwidth < 2, "The bandwidth h must lie between 0 and 2.")
    _require(0 < gamma <= 1, "The early stop γ must lie above 0 and up to 1.")
    _require(high >= 2 * low > 0, "H must be at least 2·L, and L above 0.")
    _require(0 < coverage < 1, "The coverage P must lie between 0 and 1.")
    _require(background in ("none", "largest"), "Background is 'none' or 'largest'.")
    _require(mean in ("unit", "raw"), "The mean is 'unit' or 'raw'.")
    for name, value in (
        ("n_initial", n_initial),
        ("max_seeds", max_seeds),
        ("min_cluster_size", min_cluster_size),
        ("max_iter", max_iter),
    ):
        _require(value >= 1, f"{name} must be at least 1.")

    policy = policy or SeedPolicy(n_initial)
    given = None if seeds is None else _checked_seeds(seeds, len(points))
    if points.numel() == 0:
        return _nothing(len(points), points, policy, started)
    rows, prepared = prepare(points, unit_means=mean == "unit")
    kept = len(prepared)
    if kept == 0:
        return _nothing(len(points), points, policy, started)
    # Who names the seeds and waits for all of them wants to know where each one ends.
    samples = given is None or gamma < 1
    order = np.empty(0, dtype=np.int64)
    if samples:
        order = _drawn_rows(kept, max(max_seeds, SAMPLE), generator)
    if given is None:
        first = order[: min(policy.n, max_seeds)]
    else:
        first = given
        if rows is not None:
            position = np.full(len(points), -1, dtype=np.int64)
            position[rows.cpu().numpy()] = np.arange(kept)
            first = position[given]
            first = first[first >= 0]
        _require(len(first) > 0, "All seeds are zero vectors; choose other rows.")
    rounds = _Rounds(
        search=Search(
            prepared,
            order if samples else None,
            bandwidth=bandwidth,
            gamma=gamma,
            max_iter=max_iter,
            generator=generator,
        ),
        order=order,
        n_points=kept,
        policy=policy,
        generator=generator,
        n_initial=n_initial,
        low=low,
        high=high,
        coverage=coverage,
        background=background,
        reseed=reseed,
        max_seeds=max_seeds,
        min_cluster_size=min_cluster_size,
        adapts=given is None,
    )
    stopped_by = rounds.run(first)
    return _clustering(len(points), rows, rounds, stopped_by, started)


def _drawn_rows(n: int, most: int, generator: torch.Generator | None) -> Rows:
    """Draw distinct rows at random; all n of them where that is no more than `most`."""
    rows: Rows
    if n <= 4 * most:
        rows = torch.randperm(n, generator=generator)[:most].numpy()
        return rows
    # Putting all of very many rows in random order would take longer than clustering.
    chance = torch.randperm(most, generator=generator).numpy()
    rows = spread_rows(n, most, generator)[chance]
    return rows


def _checked_seeds(seeds: Tensor, n: int) -> Rows:
    host: Rows = seeds.detach().cpu().to(torch.int64).numpy()
    _require(
        host.ndim == 1 and host.size > 0 and host.min() >= 0 and host.max() < n,
        "Seeds must be row numbers of the points, at least one.",
    )
    return host


def _clustering(
    n: int,
    rows: Tensor | None,
    rounds: _Rounds,
    stopped_by: StopReason,
    started: float,
) -> Clustering:
    """Drop small clusters and put everything in terms of the rows that came in."""
    search = rounds.search
    if rounds.reseeding and rounds.min_cluster_size > 1:
        search.leave_out(rounds.min_cluster_size)
    assigned, merged = search.assigned, search.merged
    device = assigned.labels.device
    large = assigned.sizes >= rounds.min_cluster_size
    # One more entry, so that -1 for "no cluster" stays -1.
    renumbered = np.full(len(large) + 1, -1, dtype=np.int64)
    renumbered[:-1][large] = np.arange(large.sum())
    labels = assigned.labels
    # A cluster that is nobody's nearest leaves a gap in the numbers, too.
    if not large.all():
        labels = torch.as_tensor(renumbered, device=device)[labels]
    seeds = torch.as_tensor(search.seeds, device=device)
    if rows is not None:
        seeds = rows[seeds]
        everywhere = torch.full((n,), -1, dtype=torch.int64, device=device)
        everywhere[rows] = labels
        labels = everywhere
    seed_modes = search.mode_of_seed.copy()
    stayed = seed_modes >= 0
    seed_modes[stayed] = renumbered[merged.center_of_mode[seed_modes[stayed]]]
    policy = rounds.policy
    return Clustering(
        labels=labels,
        centers=torch.as_tensor(merged.centers[large], device=device),
        sizes=torch.as_tensor(assigned.sizes[large], device=device),
        n_seeds=len(search.seeds),
        n_min=policy.n_min,
        n_rounds=rounds.n_rounds,
        n_iter=search.n_iter,
        converged_fraction=float(search.converged.mean()),
        stopped_by=stopped_by,
        policy=policy.reduced(rounds.high) if rounds.adapts else policy,
        seconds=time.perf_counter() - started,
        seeds=seeds,
        seed_modes=torch.as_tensor(seed_modes, device=device),
    )
