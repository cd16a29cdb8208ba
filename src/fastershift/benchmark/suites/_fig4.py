"""Suite ``fig4``: whether every hidden cluster is found, as in Figures 4 and 5."""

import numpy as np
import torch

from fastershift.benchmark._simulations import FIGURE_4, Simulation
from fastershift.benchmark._suite import (
    BenchmarkOptions,
    Cell,
    Plot,
    Series,
    SuiteResult,
    Table,
)
from fastershift.meanshift import ClusterOptions, cluster, coverage_probability

__all__ = ["run"]

_SEEDS = (8, 16, 32, 64, 128)
_RUNS, _QUICK_RUNS = 400, 100


def run(options: BenchmarkOptions) -> SuiteResult:
    """Count runs that find every cluster with a fixed number of seeds.

    Parameters
    ----------
    options : BenchmarkOptions
        The quick form makes fewer runs.

    Returns
    -------
    SuiteResult
    """
    runs = _QUICK_RUNS if options.quick else _RUNS
    rows: list[tuple[Cell, ...]] = []
    plots = []
    summary: dict[str, dict[str, float]] = {}
    for simulation in FIGURE_4:
        found = {n: _share_found(simulation, n, runs, options.seed) for n in _SEEDS}
        exact = {n: _chance(simulation, n, exact=True) for n in _SEEDS}
        paper = {n: _chance(simulation, n, exact=False) for n in _SEEDS}
        rows += [(simulation.name, n, found[n], exact[n], paper[n]) for n in _SEEDS]
        summary[simulation.name] = {str(n): found[n] for n in _SEEDS}
        plots.append(
            Plot(
                f"Every cluster found: {simulation.name}",
                "seeds N",
                "share of runs",
                tuple(
                    Series(
                        name, tuple(map(float, values)), tuple(values.values()), dash
                    )
                    for name, values, dash in (
                        ("found", found, False),
                        ("exact", exact, True),
                        ("Eq 14", paper, True),
                    )
                ),
                log_x=True,
            )
        )
    return SuiteResult(
        summary=summary,
        tables=(
            Table(
                "Share of runs that find every cluster",
                ("simulation", "N", "found", "exact", "Eq 14"),
                tuple(rows),
            ),
        ),
        plots=tuple(plots),
        notes=(f"{runs} runs each; γ = 1, re-seeding off, N fixed.",),
    )


def _chance(simulation: Simulation, n: int, *, exact: bool) -> float:
    return coverage_probability(n, simulation.instances, simulation.share, exact=exact)


def _share_found(simulation: Simulation, n: int, runs: int, seed: int) -> float:
    return sum(_finds_all(simulation, n, seed + run) for run in range(runs)) / runs


def _finds_all(simulation: Simulation, n: int, seed: int) -> bool:
    """Cluster once, and see whether a mode stands in every hidden cluster."""
    points, truth = simulation.draw(np.random.default_rng(seed))
    found = cluster(
        points,
        ClusterOptions(n_initial=n, max_seeds=n, gamma=1.0, reseed=False),
        generator=torch.Generator().manual_seed(seed),
    )
    unit = torch.nn.functional.normalize(points, dim=1)
    middle = torch.stack(
        [
            unit[torch.as_tensor(truth == k)].mean(dim=0)
            for k in range(simulation.instances)
        ]
    )
    nearest = torch.nn.functional.normalize(middle, dim=1) @ found.centers.T
    return bool((nearest.amax(dim=1) > 0.99).all())
