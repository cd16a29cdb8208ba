"""One parameter of the seeds at a time: what Tables III and IV have in common."""

from collections.abc import Mapping

from fastershift.benchmark._runs import movies_at_hand
from fastershift.benchmark._suite import (
    BenchmarkOptions,
    Cell,
    Plot,
    Series,
    SuiteResult,
    Table,
)
from fastershift.benchmark._sweep import sweep

__all__ = ["parameter_suite"]

_FRAMES, _QUICK_FRAMES = 50, 4


def parameter_suite(
    options: BenchmarkOptions,
    name: str,
    symbol: str,
    values: tuple[int, ...],
    paper: Mapping[str, tuple[float, ...]],
    title: str,
) -> SuiteResult:
    """Run the movies at hand with several values of a cluster setting.

    Parameters
    ----------
    options : BenchmarkOptions
        In the quick form a few frames of the first movie.
    name, symbol : str
        Of the setting, in `ClusterSettings` and in the paper.
    values : tuple of int
        To try.
    paper : mapping
        Seconds a frame in the paper, by movie, as many as there are values.
    title : str
        Of the table.

    Returns
    -------
    SuiteResult
    """
    count = _QUICK_FRAMES if options.quick else _FRAMES
    rows: list[tuple[Cell, ...]] = []
    series = []
    summary: dict[str, dict[str, float]] = {}
    for movie in movies_at_hand(options, count):
        runs = sweep(movie, [{name: value} for value in values], options.device)
        published = paper.get(movie.name, (None,) * len(values))
        rows += [
            (
                movie.name,
                value,
                run.frame,
                run.clustering,
                run.seeds,
                run.clusters,
                run.tra,
                theirs,
            )
            for value, run, theirs in zip(values, runs, published, strict=True)
        ]
        summary[movie.name] = {
            str(value): run.frame for value, run in zip(values, runs, strict=True)
        }
        series.append(
            Series(
                movie.name,
                tuple(map(float, values)),
                tuple(run.clustering for run in runs),
            )
        )
        if options.quick:
            break
    columns = (
        "movie",
        symbol,
        "frame (s)",
        "clustering (s)",
        "seeds",
        "clusters",
        "TRA",
        "paper, frame (s)",
    )
    return SuiteResult(
        summary=summary,
        tables=(Table(title, columns, tuple(rows)),),
        plots=(
            Plot(
                title,
                symbol,
                "clustering of a frame (s)",
                tuple(series),
                log_x=True,
            ),
        ),
        notes=(
            "Means over the frames. The network ran once for each movie; its time is "
            "the same in all lines of the movie. Re-seeding is on, as by default.",
        ),
    )
