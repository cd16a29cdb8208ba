"""Suite ``fig9``: tracking accuracy against the number of seeds, as in Figure 9."""

from fastershift.benchmark._runs import OF_CLUSTERS, movies_at_hand
from fastershift.benchmark._suite import (
    BenchmarkOptions,
    Cell,
    Plot,
    Series,
    SuiteResult,
    Table,
)
from fastershift.benchmark._sweep import sweep

__all__ = ["run"]

_SEEDS = (8, 16, 32, 64, 128, 256, 512)
_QUICK_SEEDS = (8, 32, 128)
# Stands for all pixels as seeds: there are no more clusters to be found by then.
_BOUND = 4096
_FRAMES, _QUICK_FRAMES = 50, 4


def run(options: BenchmarkOptions) -> SuiteResult:
    """Run the movies at hand with fixed numbers of seeds.

    Parameters
    ----------
    options : BenchmarkOptions
        In the quick form a few frames of the first movie, and fewer numbers.

    Returns
    -------
    SuiteResult
    """
    count = _QUICK_FRAMES if options.quick else _FRAMES
    numbers = _QUICK_SEEDS if options.quick else _SEEDS
    rows: list[tuple[Cell, ...]] = []
    series = []
    summary: dict[str, dict[str, float | None]] = {}
    for movie in movies_at_hand(options, count):
        variants = [
            {"n_initial": n, "max_seeds": n, "reseed": False}
            for n in (*numbers, _BOUND)
        ]
        *runs, bound = sweep(movie, variants, options.device)
        rows += [
            (movie.name, one.model, n, one.tra, one.clusters, one.clustering)
            for n, one in zip((*numbers, _BOUND), (*runs, bound), strict=True)
        ]
        summary[movie.name] = {
            str(n): one.tra for n, one in zip(numbers, runs, strict=True)
        } | {"bound": bound.tra}
        x = tuple(map(float, numbers))
        series += [
            Series(movie.name, x, tuple(one.tra for one in runs)),
            Series(
                f"{movie.name}, {_BOUND} seeds",
                x,
                (bound.tra,) * len(x),
                dashed=True,
            ),
        ]
        if options.quick:
            break
    columns = ("movie", "model", "seeds N", "TRA", "clusters", "clustering (s)")
    return SuiteResult(
        summary=summary,
        tables=(Table("TRA and number of seeds", columns, tuple(rows)),),
        plots=(
            Plot(
                "TRA and number of seeds", "seeds N", "TRA", tuple(series), log_x=True
            ),
        ),
        notes=(
            "The number of seeds is fixed and re-seeding off. The paper's upper bound "
            f"makes every pixel a seed; here {_BOUND} seeds stand for it.",
            OF_CLUSTERS,
        ),
    )
