"""Suite ``table1``: time and memory against the number of points, as in Table I."""

from typing import Any

from fastershift.benchmark._comparison import (
    Measured,
    compare,
    comparison_plot,
    comparison_table,
)
from fastershift.benchmark._suite import BenchmarkOptions, SuiteResult

__all__ = ["run", "seconds_by_method"]

_SIZES = (1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000)
_QUICK_SIZES = (1_000, 5_000, 20_000)
_LIMIT, _QUICK_LIMIT = 1800.0, 2.0


def run(options: BenchmarkOptions) -> SuiteResult:
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
        summary={f"d{d}": seconds_by_method(rows) for d, rows in measured.items()},
        tables=tuple(
            comparison_table(f"Table I, d = {d}", rows) for d, rows in measured.items()
        ),
        plots=tuple(
            comparison_plot(f"Table I, d = {d}", rows) for d, rows in measured.items()
        ),
        notes=(
            "h = 0.1; 128 seeds, where seeds are few. Warm is the least of four calls, "
            "or one call where it is long; cold is the first call of a process. A "
            f"size that would take longer than {limit:g} s is extrapolated.",
        ),
    )


def seconds_by_method(measured: list[Measured]) -> dict[str, Any]:
    """Give seconds by method and number of points, without what is extrapolated."""
    found: dict[str, Any] = {}
    for one in measured:
        if not one.extrapolated:
            found.setdefault(one.method, {})[str(one.points)] = one.warm
    return found
