"""Suites ``table1`` and ``fig1``: every method on the same points, at several sizes.

Table I has time and memory against the number of points; Figure 1 has images of 256 x
256 and 512 x 512 vectors.
"""

from dataclasses import dataclass
from typing import Any

from sklearn.metrics import adjusted_rand_score

from fastershift._devices import choose_device
from fastershift.benchmark._data import blobs
from fastershift.benchmark._measure import ON_THE_CPU, fresh_process, seconds_of
from fastershift.benchmark._peers import PEERS
from fastershift.benchmark._suite import (
    BenchmarkOptions,
    Cell,
    Plot,
    Series,
    SuiteResult,
    Table,
)

__all__ = ["compare", "run_fig1", "run_table1"]

_BANDWIDTH, _SEEDS, _CLUSTERS = 0.1, 128, 10

# Table I: numbers of points, and the seconds after which a size is extrapolated.
_SIZES = (1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000)
_QUICK_SIZES = (1_000, 5_000, 20_000)
_LIMIT, _QUICK_LIMIT = 1800.0, 2.0

# Figure 1.
_IMAGES = (256**2, 512**2)
# Smaller sets, from which it is seen how long the images would take.
_BEFORE = (2_048, 8_192)
_QUICK_IMAGES_LIMIT = 3.0

# Methods in which every point moves and meets every other.
_QUADRATIC = ("GPU_H", "GPU_P")

# Of the table that `_table` makes.
_COLUMNS = (
    "method",
    "d",
    "n",
    "warm (s)",
    "cold (s)",
    "peak over input (MB)",
    "ARI with the truth",
    "extrapolated",
)


def run_table1(options: BenchmarkOptions) -> SuiteResult:
    """Cluster ten tight clusters in 2 and in 18 dimensions.

    Parameters
    ----------
    options : BenchmarkOptions
        In the quick form fewer sizes, and no row that takes longer than seconds.

    Returns
    -------
    SuiteResult
    """
    sizes = _QUICK_SIZES if options.quick else _SIZES
    fresh = () if options.quick else _SIZES
    limit = _QUICK_LIMIT if options.quick else _LIMIT
    measured = {
        d: compare(options, sizes, d, limit=limit, fresh=fresh) for d in (2, 18)
    }
    return SuiteResult(
        summary={f"d{d}": _seconds_by_method(rows) for d, rows in measured.items()},
        tables=tuple(_table(f"Table I, d = {d}", rows) for d, rows in measured.items()),
        plots=tuple(_plot(f"Table I, d = {d}", rows) for d, rows in measured.items()),
        notes=(
            "h = 0.1; 128 seeds, where seeds are few. Warm is the least of four calls, "
            "or one call where it is long; cold is the first call of a process. A "
            f"size that would take longer than {limit:g} s is extrapolated.",
            ON_THE_CPU,
        ),
    )


def run_fig1(options: BenchmarkOptions) -> SuiteResult:
    """Cluster as many vectors of 18 components as the images have pixels.

    Parameters
    ----------
    options : BenchmarkOptions
        In the quick form no row takes longer than seconds.

    Returns
    -------
    SuiteResult
    """
    limit = _QUICK_IMAGES_LIMIT if options.quick else _LIMIT
    fresh = () if options.quick else _IMAGES
    measured = compare(options, (*_BEFORE, *_IMAGES), 18, limit=limit, fresh=fresh)
    return SuiteResult(
        summary=_seconds_by_method(measured),
        tables=(_table("Figure 1", measured),),
        plots=(_plot("Figure 1", measured),),
        notes=(
            "65,536 and 262,144 points are images of 256 and 512 pixels a side. A "
            f"size that would take longer than {limit:g} s is extrapolated.",
            ON_THE_CPU,
        ),
    )


@dataclass(frozen=True)
class _Measured:
    """One method on one set of points.

    Attributes
    ----------
    method : str
        One of `PEERS`.
    dimensions, points : int
        Of the set.
    warm : float
        Seconds.
    cold, peak : float or None
        Seconds and bytes in a fresh process, where it was asked.
    ari : float or None
        Adjusted Rand index with the clusters that were drawn.
    extrapolated : bool
        Whether `warm` follows from smaller sets.
    """

    method: str
    dimensions: int
    points: int
    warm: float
    cold: float | None = None
    peak: int | None = None
    ari: float | None = None
    extrapolated: bool = False

    @property
    def row(self) -> tuple[Cell, ...]:
        """What a table shows of it."""
        megabytes = None if self.peak is None else self.peak / 1e6
        return (
            self.method,
            self.dimensions,
            self.points,
            self.warm,
            self.cold,
            megabytes,
            self.ari,
            "yes" if self.extrapolated else "",
        )


def compare(
    options: BenchmarkOptions,
    sizes: tuple[int, ...],
    dimensions: int,
    *,
    limit: float,
    fresh: tuple[int, ...] = (),
) -> list[_Measured]:
    """Measure all methods at rising sizes.

    Parameters
    ----------
    options : BenchmarkOptions
        Device and seed.
    sizes : tuple of int
        Rising numbers of points.
    dimensions : int
        Of the points.
    limit : float
        Seconds. A size that would take longer, going by the last one, is extrapolated.
    fresh : tuple of int
        Sizes that are measured in a fresh process, too, if on the CPU: cold time and
        peak memory.

    Returns
    -------
    list of _Measured
    """
    device = choose_device(options.device)
    results = []
    for method, peer in PEERS.items():
        known: list[_Measured] = []
        for n in sizes:
            expected = _expected(known, n, 2.0 if method in _QUADRATIC else 1.0)
            if expected > limit or (known and known[-1].extrapolated):
                known.append(
                    _Measured(method, dimensions, n, expected, extrapolated=True)
                )
                continue
            points = blobs(n, dimensions, options.seed).to(device)

            def once() -> object:
                return peer(points, _BANDWIDTH, options.seed, _SEEDS)  # noqa: B023

            labels, seconds = seconds_of(once, device)
            # What is quickly done is done again: the first call warms up.
            for _ in range(3 if seconds < limit / 20 else 0):
                seconds = min(seconds, seconds_of(once, device)[1])
            cold, peak = (
                fresh_process(points, method, _BANDWIDTH)
                if n in fresh and device.type == "cpu"
                else (None, None)
            )
            truth = [index % _CLUSTERS for index in range(n)]
            known.append(
                _Measured(
                    method,
                    dimensions,
                    n,
                    seconds,
                    cold,
                    peak,
                    float(adjusted_rand_score(truth, labels)),
                )
            )
        results += known
    return results


def _expected(known: list[_Measured], n: int, power: float) -> float:
    """Extrapolate from the last size, by the number of pairs of points that meet."""
    if not known:
        return 0.0
    return float(known[-1].warm * (n / known[-1].points) ** power)


def _table(title: str, measured: list[_Measured]) -> Table:
    """Put measurements in a table."""
    return Table(title, _COLUMNS, tuple(one.row for one in measured))


def _plot(title: str, measured: list[_Measured]) -> Plot:
    """Draw time against the number of points, a curve for each method."""
    series = []
    for method in dict.fromkeys(one.method for one in measured):
        own = [one for one in measured if one.method == method]
        series.append(
            Series(
                method,
                tuple(float(one.points) for one in own),
                tuple(one.warm for one in own),
                dashed=any(one.extrapolated for one in own),
            )
        )
    return Plot(title, "points", "seconds, warm", tuple(series), log_x=True, log_y=True)


def _seconds_by_method(measured: list[_Measured]) -> dict[str, Any]:
    """Give seconds by method and number of points, without what is extrapolated."""
    found: dict[str, Any] = {}
    for one in measured:
        if not one.extrapolated:
            found.setdefault(one.method, {})[str(one.points)] = one.warm
    return found
