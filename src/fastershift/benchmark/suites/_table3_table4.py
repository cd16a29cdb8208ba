"""Suites ``table3`` and ``table4``: one parameter of the seeds at a time.

Table III has the number of initial seeds, Table IV the upper factor H.
"""

from collections.abc import Mapping

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

__all__ = ["run_table3", "run_table4"]

_FRAMES, _QUICK_FRAMES = 50, 4

# Seconds a frame with 64, 128 and 256 seeds in Zhao et al. (2021).
_TABLE3_PAPER = {
    "DIC-C2DH-HeLa": (2.59, 2.74, 2.98),
    "Fluo-N2DH-GOWT1": (12.18, 11.24, 11.26),
    "Fluo-N2DH-SIM+": (11.24, 11.72, 11.52),
    "PhC-C2DH-U373": (5.66, 5.64, 5.57),
}

# Seconds a frame with H of 4, 8 and 16 in Zhao et al. (2021).
_TABLE4_PAPER = {
    "DIC-C2DH-HeLa": (2.69, 2.74, 2.74),
    "Fluo-N2DH-GOWT1": (11.02, 11.24, 11.30),
    "Fluo-N2DH-SIM+": (11.36, 11.72, 11.81),
    "PhC-C2DH-U373": (5.56, 5.64, 5.67),
}


def run_table3(options: BenchmarkOptions) -> SuiteResult:
    """Run the movies at hand with 64, 128 and 256 initial seeds.

    Parameters
    ----------
    options : BenchmarkOptions
        In the quick form a few frames of the first movie.

    Returns
    -------
    SuiteResult
    """
    return _parameter_suite(
        options, "n_initial", "N_initial", (64, 128, 256), _TABLE3_PAPER, "Table III"
    )


def run_table4(options: BenchmarkOptions) -> SuiteResult:
    """Run the movies at hand with H of 4, 8 and 16.

    Parameters
    ----------
    options : BenchmarkOptions
        In the quick form a few frames of the first movie.

    Returns
    -------
    SuiteResult
    """
    return _parameter_suite(options, "high", "H", (4, 8, 16), _TABLE4_PAPER, "Table IV")


def _parameter_suite(
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
                run.model,
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
        "model",
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
            OF_CLUSTERS,
        ),
    )
