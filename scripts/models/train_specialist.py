"""Train a specialist from ``cosine``, or ``simulated`` from nothing.

    python scripts/models/train_specialist.py dic ../shared/data dic.train --minutes 40

Frames 24 to 35 of Fluo-N2DL-HeLa and the last fifth of the other movies are kept out.
Started again with the same output it goes on where it stopped.
"""

import argparse
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch

from fastershift.rshn import load_model
from fastershift.simulate import simulate_movie
from fastershift.training import (
    Trainer,
    TrainSettings,
    from_simulation,
    load_ctc_truth,
    prepare_movie,
)

# Name: frames learned from, border without truth, reach of lone markers, grow.
MOVIES = {
    "Fluo-N2DL-HeLa": ((0, 24), 25, 0.5, False),
    "Fluo-N2DH-SIM+": ((0, 32), 0, 0.5, False),
    "Fluo-N2DH-GOWT1": ((0, 30), 50, 0.5, True),
    "DIC-C2DH-HeLa": ((0, 68), 50, 0.5, False),
    "Fluo-C2DL-MSC": ((0, 16), 50, 2.0, False),
    "PhC-C2DL-PSC": ((0, 32), 25, 0.5, False),
}


@dataclass(frozen=True)
class Specialist:
    """What a model learns from (weight of each), and how large it sees cells."""

    movies: dict[str, float]
    simulated: dict[str, float]
    diameter: float
    size: int
    start: str | None = "cosine"
    learning_rate: float = 7e-4
    length: int = 4


SPECIALISTS = {
    "nuclei": Specialist(
        {"Fluo-N2DL-HeLa": 0.38, "Fluo-N2DH-SIM+": 0.2, "Fluo-N2DH-GOWT1": 0.24},
        {"nuclei": 0.18},
        24.0,
        320,
        length=3,
    ),
    "dic": Specialist({"DIC-C2DH-HeLa": 0.9}, {"dic": 0.1}, 40.0, 192),
    "phase": Specialist({"PhC-C2DL-PSC": 0.85}, {"phase": 0.15}, 24.0, 256, length=3),
    "elongated": Specialist({"Fluo-C2DL-MSC": 0.75}, {"elongated": 0.25}, 32.0, 224),
    "simulated": Specialist(
        {},
        {"nuclei": 0.5, "phase": 0.2, "dic": 0.15, "elongated": 0.15},
        24.0,
        192,
        start=None,
        learning_rate=1.5e-3,
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=SPECIALISTS)
    parser.add_argument("data", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--minutes", type=float, default=40)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--start", help="a shipped model to go on from")
    parser.add_argument("--rate", type=float, help="highest learning rate")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    what = SPECIALISTS[options.name]
    settings = TrainSettings(
        size=what.size,
        length=what.length,
        batch=1,
        network_diameter=what.diameter,
        reach=what.diameter * 2 / 3,
        learning_rate=options.rate or what.learning_rate,
        recurrent_from=0,
        embedding="cosine",
        seed=2,
    )

    prepared = partial(
        prepare_movie,
        network_diameter=settings.network_diameter,
        embedding=settings.embedding,
    )
    movies = []
    for name, weight in what.movies.items():
        frames, border, reach, grow = MOVIES[name]
        truth = load_ctc_truth(
            options.data / name / "01",
            frames=frames,
            border=border,
            reach=reach,
            grow=grow,
        )
        print(truth.source, f"diameter {truth.diameter:.1f}", flush=True)
        movies.append(prepared(truth, weight=weight))
    for kind, weight in what.simulated.items():
        for seed in range(8):
            movie = simulate_movie(
                12, (256, 256), 30, kind=kind, diameter=24, seed=seed
            )
            truth = from_simulation(movie, 24)
            movies.append(prepared(truth, weight=weight / 8))
    start = options.start or what.start
    network = None if start is None else load_model(start).network
    trainer = Trainer(tuple(movies), settings, network=network)
    if options.output.exists():
        trainer.load(options.output)
        print("going on at iteration", trainer.iteration, flush=True)
    saved = time.monotonic()
    losses: list[float] = []
    for progress in trainer.run(minutes=options.minutes):
        losses.append(progress.loss)
        if progress.iteration % 50 == 0:
            mean = sum(losses) / len(losses)
            print(
                f"{progress.iteration} loss {mean:.4f} done {progress.done:.3f} "
                f"{progress.seconds:.0f} s",
                flush=True,
            )
            losses = []
        if time.monotonic() - saved > 120:
            trainer.save(options.output)
            saved = time.monotonic()
    trainer.save(options.output)


if __name__ == "__main__":
    main()
