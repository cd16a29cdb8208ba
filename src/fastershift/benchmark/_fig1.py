"""Suite ``fig1``: images of 256 x 256 and 512 x 512 vectors, as in Figure 1."""

from fastershift.benchmark._comparison import (
    compare,
    comparison_plot,
    comparison_table,
)
from fastershift.benchmark._suite import BenchmarkOptions, SuiteResult
from fastershift.benchmark._table1 import seconds_by_method

__all__ = ["run"]

_IMAGES = (256**2, 512**2)
# Smaller sets, from which it is seen how long the images would take.
_BEFORE = (2_048, 8_192)
_LIMIT, _QUICK_LIMIT = 1800.0, 3.0


def run(options: BenchmarkOptions) -> SuiteResult:
    """Cluster as many vectors of 18 components as the images have pixels.

    Parameters
    ----------
    options : BenchmarkOptions
        In the quick form no row takes longer than seconds.

    Returns
    -------
    SuiteResult
    """
    limit = _QUICK_LIMIT if options.quick else _LIMIT
    fresh = () if options.quick else _IMAGES
    measured = compare(options, (*_BEFORE, *_IMAGES), 18, limit=limit, fresh=fresh)
    return SuiteResult(
        summary=seconds_by_method(measured),
        tables=(comparison_table("Figure 1", measured),),
        plots=(comparison_plot("Figure 1", measured),),
        notes=(
            "65,536 and 262,144 points are images of 256 and 512 pixels a side. A "
            f"size that would take longer than {limit:g} s is extrapolated.",
        ),
    )
