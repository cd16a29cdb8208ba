"""How the time of many movies falls with the number of workers."""

import math
import os
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fastershift.batch import BatchTask, MovieEnded, connect, run_many
from fastershift.benchmark._suite import BenchmarkOptions, Plot, Series, Table
from fastershift.errors import FastershiftError
from fastershift.io import write_simulation
from fastershift.simulate import simulate_movie

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["time_of_workers"]

_MOVIES, _QUICK_MOVIES = 16, 4
_FRAMES, _SIDE, _DIAMETER = 6, 128, 24.0


def time_of_workers(
    options: BenchmarkOptions,
) -> tuple[dict[str, float], Table, Plot]:
    """Run the same movies with one worker, with two, and so on up to all cores.

    Parameters
    ----------
    options : BenchmarkOptions
        In the quick form there are fewer movies.

    Returns
    -------
    summary : dict
        ``workers_exponent``: power of the number of workers that the time follows; -1
        is a straight line.
    table, plot
        The times.

    Raises
    ------
    FastershiftError
        When a movie cannot be run.
    """
    cores = os.cpu_count() or 1
    counts = [2**power for power in range(int(math.log2(cores)) + 1)]
    n_movies = _QUICK_MOVIES if options.quick else _MOVIES
    with tempfile.TemporaryDirectory(prefix="fastershift-") as folder:
        place = Path(folder)
        for number in range(n_movies + max(counts)):
            kind = "movies" if number < n_movies else "first"
            movie = simulate_movie(
                _FRAMES, (_SIDE, _SIDE), 8, diameter=_DIAMETER, seed=number
            )
            write_simulation(movie, place / kind / f"{number:03d}")
        seconds = [_seconds(place, count, options.device) for count in counts]
    movies_per_minute = [round(60 * n_movies / one, 1) for one in seconds]
    table = Table(
        "Workers",
        ("workers", "seconds", "movies a minute", "times as fast"),
        tuple(
            (count, round(one, 2), rate, round(seconds[0] / one, 2))
            for count, one, rate in zip(counts, seconds, movies_per_minute, strict=True)
        ),
    )
    plot = Plot(
        "Time and workers",
        "workers",
        f"seconds for {n_movies} movies",
        (Series("batch", tuple(counts), tuple(seconds)),),
        log_x=True,
        log_y=True,
    )
    summary = {}
    if len(counts) > 1:
        slope = np.polyfit(np.log(counts), np.log(seconds), 1)[0]
        summary["workers_exponent"] = round(float(slope), 3)
    return summary, table, plot


def _seconds(place: Path, workers: int, device: str) -> float:
    """Time a batch on workers that have imported and loaded everything before."""
    with connect(workers=workers) as client:
        _run(place / "first", place / f"warm-{workers}", client, device)
        started = time.perf_counter()
        _run(place / "movies", place / f"out-{workers}", client, device)
        return time.perf_counter() - started


def _run(inputs: Path, output: Path, client: "Client", device: str) -> None:
    frames = [folder / "01" for folder in sorted(inputs.iterdir())]
    embed = {"diameter": _DIAMETER, "model": "generalist"}
    task = BatchTask(frames, output, settings={"embed": embed}, device=device)
    for event in run_many(task, client):
        if isinstance(event, MovieEnded) and event.outcome.status == "failed":
            raise FastershiftError(event.outcome.sentence)
