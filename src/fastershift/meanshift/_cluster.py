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

from fastershift.errors import InputError, is_shortage
from fastershift.meanshift._options import ClusterOptions
from fastershift.meanshift._points import Rows, spread_rows
from fastershift.meanshift._policy import SeedPolicy
from fastershift.meanshift._prepare import prepare
from fastershift.meanshift._search import SAMPLE, Search

__all__ = ["Clustering", "StopReason", "cluster"]

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
        Share of the seeds that converged in time, 0 to 1.
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
    options: ClusterOptions
    generator: torch.Generator | None
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
        instances = int((support >= self.options.min_cluster_size).sum())
        share = 1.0
        if self.options.background == "largest":
            instances -= 1
            share -= self.search.assigned.sizes.max() / self.n_points
        self.policy = self.policy.observed(instances, share, self.options.coverage)

    def _next(self) -> Rows | StopReason:
        options, drawn = self.options, len(self.search.seeds)
        doubles = self.adapts and not self.reseeding
        if doubles and not self.policy.is_enough(options.low):
            if drawn == self.n_points:
                return "all points"
            if self.policy.n >= options.max_seeds:
                return "max_seeds"
            if self.n_rounds == _MAX_ROUNDS:
                return "rounds"
            self.policy = self.policy.doubled(options.max_seeds)
            return self.order[drawn : self.policy.n]
        if not options.reseed:
            return "enough seeds"
        # From here on seeds are put where they are missing; chance has nothing to add.
        self.reseeding = True
        chosen = self.search.orphans(
            least=options.min_cluster_size,
            most=options.n_initial,
            generator=self.generator,
        )
        if not len(chosen):
            return "all reached"
        if drawn >= options.max_seeds:
            return "max_seeds"
        if self.n_rounds == _MAX_ROUNDS:
            return "rounds"
        return chosen[: options.max_seeds - drawn]


_Arguments = ParamSpec("_Arguments")


def _else_on_cpu(
    run: Callable[Concatenate[Tensor, _Arguments], Clustering],
) -> Callable[Concatenate[Tensor, _Arguments], Clustering]:
    """Cluster on the CPU what the memory of another device cannot hold, and say so."""

    @wraps(run)
    def tried(
        points: Tensor, *arguments: _Arguments.args, **others: _Arguments.kwargs
    ) -> Clustering:
        generator: Any = others.get("generator")
        state = None if generator is None else generator.get_state()
        try:
            return run(points, *arguments, **others)
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
        found = run(points.cpu(), *arguments, **others)
        tensors = {
            field.name: getattr(found, field.name).to(points.device)
            for field in fields(found)
            if isinstance(getattr(found, field.name), Tensor)
        }
        return replace(found, **tensors)

    return cast("Callable[Concatenate[Tensor, _Arguments], Clustering]", tried)


@_else_on_cpu
@torch.no_grad()
def cluster(
    points: Tensor,
    options: ClusterOptions = ClusterOptions(),  # noqa: B008 (frozen)
    *,
    seeds: Tensor | None = None,
    policy: SeedPolicy | None = None,
    generator: torch.Generator | None = None,
) -> Clustering:
    """Cluster vectors by cosine with Faster Mean-shift (Zhao et al. 2021).

    Parameters
    ----------
    points : Tensor
        (n, d) finite floating-point vectors on any device; no rows give no clusters.
    options : ClusterOptions
        How clusters are looked for.
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
        For points that are not a table of finite floating-point numbers, and for seeds
        that are not rows of it.
    """
    started = time.perf_counter()
    if points.ndim != 2:
        raise InputError("Points must have two axes: one row for each vector.")
    if not points.is_floating_point():
        raise InputError("Points must be floating-point numbers.")
    policy = policy or SeedPolicy(options.n_initial)
    given = None if seeds is None else _checked_seeds(seeds, len(points))
    if points.numel() == 0:
        return _nothing(len(points), points, policy, started)
    rows, prepared = prepare(points, unit_means=options.mean == "unit")
    kept = len(prepared)
    if kept == 0:
        return _nothing(len(points), points, policy, started)
    # Callers that name the seeds and wait for all of them ask where each one ends.
    samples = given is None or options.gamma < 1
    order = np.empty(0, dtype=np.int64)
    if samples:
        order = _drawn_rows(kept, max(options.max_seeds, SAMPLE), generator)
    first = order[: min(policy.n, options.max_seeds)]
    if given is not None:
        first = _rows_among(rows, given, len(points))
    rounds = _Rounds(
        search=Search(prepared, order if samples else None, options, generator),
        order=order,
        n_points=kept,
        policy=policy,
        options=options,
        generator=generator,
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
    # To put all of very many rows in random order would take longer than clustering.
    chance = torch.randperm(most, generator=generator).numpy()
    rows = spread_rows(n, most, generator)[chance]
    return rows


def _checked_seeds(seeds: Tensor, n: int) -> Rows:
    host: Rows = seeds.detach().cpu().to(torch.int64).numpy()
    if host.ndim != 1 or not host.size or host.min() < 0 or host.max() >= n:
        raise InputError("Seeds must be row numbers of the points, at least one.")
    return host


def _rows_among(rows: Tensor | None, seeds: Rows, n: int) -> Rows:
    """Find seeds among the rows that are clustered; zero vectors are not."""
    if rows is None:
        return seeds
    kept = rows.cpu().numpy()
    position = np.full(n, -1, dtype=np.int64)
    position[kept] = np.arange(len(kept))
    found: Rows = position[seeds]
    found = found[found >= 0]
    if not len(found):
        raise InputError("All seeds are zero vectors; choose other rows.")
    return found


def _clustering(
    n: int,
    rows: Tensor | None,
    rounds: _Rounds,
    stopped_by: StopReason,
    started: float,
) -> Clustering:
    """Drop small clusters and put everything in terms of the rows that came in."""
    search, least = rounds.search, rounds.options.min_cluster_size
    if rounds.reseeding and least > 1:
        search.leave_out(least)
    assigned, merged = search.assigned, search.merged
    device = assigned.labels.device
    large = assigned.sizes >= least
    # One more entry, so that -1 for "no cluster" stays -1.
    renumbered = np.full(len(large) + 1, -1, dtype=np.int64)
    renumbered[:-1][large] = np.arange(large.sum())
    labels = assigned.labels
    # A cluster that is nearest to no point leaves a gap in the numbers, too.
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
        policy=policy.reduced(rounds.options.high) if rounds.adapts else policy,
        seconds=time.perf_counter() - started,
        seeds=seeds,
        seed_modes=torch.as_tensor(seed_modes, device=device),
    )
