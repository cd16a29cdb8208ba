"""Suite ``busy``: what other programs on the machine cost a run, a preview, a training.

As many busy processes as cores leave half of each core: twice the time is a fair share.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np
import torch

from fastershift._devices import choose_device
from fastershift.benchmark._runs import TrueMovie, timed_run, warm_up
from fastershift.benchmark._suite import (
    BenchmarkOptions,
    Cell,
    SuiteResult,
    Table,
)
from fastershift.benchmark.suites._previews import TimedPreviews
from fastershift.simulate import simulate_movie
from fastershift.training import (
    Trainer,
    TrainSettings,
    from_simulation,
    prepare_movie,
)

__all__ = ["run"]

_SIDE, _FRAMES, _CELLS, _DIAMETER = 512, 8, 65, 24.0

# Seconds that a process has to come to work.
_SETTLE = 1.0

_PREVIEWS, _STEPS = 9, 4
_ROUNDS, _QUICK_ROUNDS = 3, 1


def run(options: BenchmarkOptions) -> SuiteResult:
    """Time the same work alone, and beside processes that do nothing but count.

    Parameters
    ----------
    options : BenchmarkOptions
        `data` is not used: movies are simulated. In the quick form everything is timed
        once.

    Returns
    -------
    SuiteResult
    """
    cores = os.cpu_count() or 1
    loads = {"alone": 0, "one": max(1, cores // 2), "two": cores}
    works = _works(options)
    rounds = _QUICK_ROUNDS if options.quick else _ROUNDS
    times: dict[str, dict[str, list[float]]] = {
        name: {load: [] for load in loads} for name in works
    }
    # In turns, so that what changes on the machine meanwhile meets all alike.
    for _ in range(rounds):
        for name, work in works.items():
            for load, count in loads.items():
                with busy_processes(count):
                    times[name][load].append(work())
    middle = {
        name: {load: float(np.median(found)) for load, found in of.items()}
        for name, of in times.items()
    }
    summary: dict[str, Any] = {
        f"{name}_ratio_{load}": round(of[load] / of["alone"], 2)
        for name, of in middle.items()
        for load in ("one", "two")
    }
    summary["run_seconds_alone"] = round(middle["run"]["alone"], 3)
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (name, *(round(of[load], 4) for load in loads)) for name, of in middle.items()
    )
    columns = ("work", *(f"beside {count}, s" for count in loads.values()))
    policy = os.environ.get("OMP_WAIT_POLICY", "as OpenMP decides")
    return SuiteResult(
        summary,
        (Table("Beside busy processes", columns, rows),),
        notes=(
            f"Busy processes: as many as cores ('two', {loads['two']}) and half as "
            f"many ('one', {loads['one']}). {torch.get_num_threads()} threads; how "
            f"they wait: {policy}.",
            f"A run of {_FRAMES} frames of {_SIDE} × {_SIDE} pixels from the plan to "
            f"the files, a preview of such a frame, and a step of training; medians "
            f"of {rounds} turns.",
        ),
    )


@contextmanager
def busy_processes(count: int) -> Iterator[None]:
    """Keep processes that count, each on a core if it gets one.

    Parameters
    ----------
    count : int
        How many.
    """
    with ExitStack() as stack:
        for _ in range(count):
            process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
            stack.callback(process.wait)
            stack.callback(process.kill)
        if count:
            time.sleep(_SETTLE)
        yield


def _works(options: BenchmarkOptions) -> dict[str, Callable[[], float]]:
    """Prepare what is timed; each gives its seconds."""
    warm_up(options.device)
    made = simulate_movie(
        _FRAMES, (_SIDE, _SIDE), _CELLS, diameter=_DIAMETER, seed=options.seed
    )
    movie = TrueMovie("simulated nuclei", made.frames, None)
    embed = {"diameter": _DIAMETER, "model": "generalist"}
    previews = TimedPreviews(_SIDE, options.device, options.seed)

    def whole() -> float:
        return timed_run(movie, {"embed": embed}, options.device).seconds

    return {
        "run": whole,
        "preview": lambda: float(np.median(previews.seconds(_PREVIEWS))),
        "training": _training(options),
    }


def _training(options: BenchmarkOptions) -> Callable[[], float]:
    """Prepare a training as it is by default; a call takes some of its steps."""
    settings = TrainSettings(seed=options.seed)
    made = simulate_movie(
        _FRAMES,
        (_SIDE // 2, _SIDE // 2),
        _CELLS // 4,
        diameter=_DIAMETER,
        seed=options.seed,
    )
    movie = prepare_movie(from_simulation(made, _DIAMETER), settings.network_diameter)
    device = str(choose_device(options.device))
    trainer = Trainer((movie,), settings, device=device)
    # The first steps pay for what is done once.
    list(trainer.run(iterations=2))

    def step() -> float:
        started = time.perf_counter()
        list(trainer.run(iterations=_STEPS))
        return (time.perf_counter() - started) / _STEPS

    return step
