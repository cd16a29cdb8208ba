"""Train a specialist from ``cosine``, or ``simulated`` from nothing.

    python scripts/models/train_specialist.py dic ../shared/data dic.train --minutes 40

Frames 24 to 35 of Fluo-N2DL-HeLa and the last fifth of the other movies are kept out.
Started again with the same output it goes on where it stopped.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import torch
from train_cosine import MOVIES, go_on, prepared_movies

from fastershift.rshn import load_model
from fastershift.training import Trainer, TrainSettings


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
    real = {name: (*MOVIES[name][:4], weight) for name, weight in what.movies.items()}
    movies = prepared_movies(options.data, settings, real, what.simulated, seeds=8)
    start = options.start or what.start
    network = None if start is None else load_model(start).network
    trainer = Trainer(movies, settings, network=network)
    go_on(trainer, options.output, options.minutes, 50, 120)


if __name__ == "__main__":
    main()
