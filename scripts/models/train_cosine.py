"""Train the shipped ``cosine`` model, in two stages.

    script=scripts/models/train_cosine.py
    python $script ../shared/data model.train --minutes 115
    python $script ../shared/data model.train --minutes 42 --large

The first stage learns on small clips, two at a time; it was stopped after 69 minutes
and 3880 iterations. The second goes on with clips of four times the area, because cells
far from any border of the frame were told apart less well.

Frames 24 to 35 of Fluo-N2DL-HeLa and the last fifth of the other movies are kept out.
Started again with the same file it goes on where it stopped.
"""

import argparse
import time
from functools import partial
from pathlib import Path

from fastershift.simulate import simulate_movie
from fastershift.training import (
    Trainer,
    TrainingMovie,
    TrainSettings,
    from_simulation,
    load_ctc_truth,
    prepare_movie,
)

# Name: frames learned from, border without truth, reach of lone markers, grow, weight.
MOVIES = {
    "Fluo-N2DL-HeLa": ((0, 24), 25, 0.5, False, 0.27),
    "Fluo-N2DH-SIM+": ((0, 32), 0, 0.5, False, 0.11),
    "Fluo-N2DH-GOWT1": ((0, 30), 50, 0.5, True, 0.12),
    "DIC-C2DH-HeLa": ((0, 68), 50, 0.5, False, 0.12),  # 0.16 in the second stage
    "Fluo-C2DL-MSC": ((0, 16), 50, 2.0, False, 0.08),
    "PhC-C2DL-PSC": ((0, 32), 25, 0.5, False, 0.16),
}
SIMULATED = {"nuclei": 0.07, "phase": 0.03, "dic": 0.02, "elongated": 0.02}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--minutes", type=float, default=100)
    parser.add_argument("--filters", type=int, default=24)
    parser.add_argument("--large", action="store_true", help="second stage")
    options = parser.parse_args()
    settings = TrainSettings(
        filters=options.filters,
        size=128,
        batch=2,
        recurrent_from=0,
        embedding="cosine",
    )
    if options.large:
        large = {"size": 256, "batch": 1, "learning_rate": 7e-4, "seed": 1}
        settings = settings.model_copy(update=large)
    movies = prepared_movies(options.data, settings, MOVIES, SIMULATED, seeds=6)
    go_on(Trainer(movies, settings), options.output, options.minutes, 100, 180)


def prepared_movies(
    data: Path,
    settings: TrainSettings,
    real: dict[str, tuple[tuple[int, int], int, float, bool, float]],
    simulated: dict[str, float],
    *,
    seeds: int,
) -> tuple[TrainingMovie, ...]:
    """Read movies as `MOVIES` lists them, and simulate some of each kind, by weight."""
    prepared = partial(
        prepare_movie,
        network_diameter=settings.network_diameter,
        embedding=settings.embedding,
    )
    movies = []
    for name, (frames, border, reach, grow, weight) in real.items():
        truth = load_ctc_truth(
            data / name / "01", frames=frames, border=border, reach=reach, grow=grow
        )
        print(truth.source, f"diameter {truth.diameter:.1f}", flush=True)
        movies.append(prepared(truth, weight=weight))
    for kind, weight in simulated.items():
        for seed in range(seeds):
            movie = simulate_movie(
                12, (256, 256), 30, kind=kind, diameter=24, seed=seed
            )
            truth = from_simulation(movie, 24)
            movies.append(prepared(truth, weight=weight / seeds))
    return tuple(movies)


def go_on(
    trainer: Trainer, output: Path, minutes: float, told: int, saved_after: float
) -> None:
    """Train from where a file stopped; tell every so many iterations, save by time."""
    if output.exists():
        trainer.load(output)
        print("going on at iteration", trainer.iteration, flush=True)
    saved = time.monotonic()
    losses: list[float] = []
    for progress in trainer.run(minutes=minutes):
        losses.append(progress.loss)
        if progress.iteration % told == 0:
            mean = sum(losses) / len(losses)
            print(
                f"{progress.iteration} loss {mean:.4f} done {progress.done:.3f} "
                f"{progress.seconds:.0f} s",
                flush=True,
            )
            losses = []
        if time.monotonic() - saved > saved_after:
            trainer.save(output)
            saved = time.monotonic()
    trainer.save(output)


if __name__ == "__main__":
    main()
