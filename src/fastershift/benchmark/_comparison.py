"""Every method on the same points, at several sizes."""

from dataclasses import dataclass

from sklearn.metrics import adjusted_rand_score

from fastershift._devices import choose_device
from fastershift.benchmark._data import blobs
from fastershift.benchmark._measure import fresh_process, seconds_of
from fastershift.benchmark._peers import PEERS
from fastershift.benchmark._suite import BenchmarkOptions, Cell, Plot, Series, Table

__all__ = ["COLUMNS", "Measured", "compare", "comparison_plot", "comparison_table"]

_BANDWIDTH, _SEEDS, _CLUSTERS = 0.1, 128, 10

# Methods in which every point moves and meets every other.
_QUADRATIC = ("GPU_H", "GPU_P")

#: Of the table that `comparison_table` makes.
COLUMNS = (
    "method",
    "d",
    "n",
    "warm (s)",
    "cold (s)",
    "peak over input (MB)",
    "ARI with the truth",
    "extrapolated",
)


@dataclass(frozen=True)
class Measured:
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
) -> list[Measured]:
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
        Sizes that are measured in a fresh process, too: cold time and peak memory.

    Returns
    -------
    list of Measured
    """
    device = choose_device(options.device)
    results = []
    for method, peer in PEERS.items():
        known: list[Measured] = []
        for n in sizes:
            expected = _expected(known, n, 2.0 if method in _QUADRATIC else 1.0)
            if expected > limit or (known and known[-1].extrapolated):
                known.append(
                    Measured(method, dimensions, n, expected, extrapolated=True)
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
                if n in fresh
                else (None, None)
            )
            truth = [index % _CLUSTERS for index in range(n)]
            known.append(
                Measured(
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


def _expected(known: list[Measured], n: int, power: float) -> float:
    """Extrapolate from the last size, by the number of pairs of points that meet."""
    if not known:
        return 0.0
    return float(known[-1].warm * (n / known[-1].points) ** power)


def comparison_table(title: str, measured: list[Measured]) -> Table:
    """Put measurements in a table."""
    return Table(title, COLUMNS, tuple(one.row for one in measured))


def comparison_plot(title: str, measured: list[Measured]) -> Plot:
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
