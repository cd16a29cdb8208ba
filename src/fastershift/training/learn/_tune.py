"""The network learns from marks, too."""

import time
from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt

from fastershift.rshn import RSHN, FrameSource, Model
from fastershift.training._augment import TrainingMovie
from fastershift.training._intensity import Augmentation
from fastershift.training._movies import prepare_movie
from fastershift.training._start import decide_settings
from fastershift.training._trainer import Trainer
from fastershift.training._truth import UNKNOWN, TruthSequence
from fastershift.training.learn._annotations import Annotations

__all__ = ["tune_network"]

# Side of a clip in network pixels, frames learned from and frames shown before them,
# the highest learning rate, which few iterations hardly reach, and the averaging.
_SIDE, _LENGTH, _WARMUP = 128, 1, 3
_RATE = 2e-3
_AVERAGE = 0.98

# Iterations, and share of the minutes, after which the network is looked at.
_LOOK_EVERY = 40
_LOOKS = 4


def tune_network(
    movie: FrameSource,
    annotations: Annotations,
    start: Model,
    parts: Mapping[int, npt.NDArray[np.int8]],
    *,
    diameter: float,
    minutes: float | None,
    iterations: int | None,
    seed: int,
    device: str,
    started: float,
) -> Iterator[tuple[int, RSHN | None]]:
    """Train a copy of a network on marks, but for their first part.

    Parameters
    ----------
    movie : sequence of (Y, X) frames
        What is marked.
    annotations : Annotations
        The marks.
    start : Model
        Whose network learns.
    parts : mapping of int to (Y, X) int8
        Which part of the marks a pixel belongs to, see `keep_out`.
    diameter : float
        Pixels of a cell diameter in the movie.
    minutes, iterations : float, int, optional
        How long: since `started`, or how many iterations.
    seed : int
        Of all clips.
    device : str
        As for `Trainer`.
    started : float
        When learning began, by `time.monotonic`.

    Yields
    ------
    iteration : int
        How many were made.
    network : RSHN or None
        From time to time, a network as it has become.
    """
    left = None
    if iterations is None:
        left = (minutes or 0.0) - (time.monotonic() - started) / 60
    if not iterations and (left is None or left <= 0):
        return
    movies = tuple(_movies(movie, annotations, start, parts, diameter))
    if not movies:
        return
    settings = decide_settings(
        {
            "size": _SIDE,
            "length": _LENGTH,
            "warmup": _WARMUP,
            "learning_rate": _RATE,
            "average": _AVERAGE,
            "seed": seed,
        },
        start=start.card,
    )
    network = start.card.network()
    network.load_state_dict(start.network.state_dict())
    trainer = Trainer(
        movies,
        settings,
        network=network,
        augmentation=Augmentation(zoom=1.2),
        device=device,
    )
    yield 0, None
    looked = 0.0
    for progress in trainer.run(iterations=iterations, minutes=left):
        by_time = iterations is None and progress.done - looked >= 1 / _LOOKS
        by_count = iterations is not None and not progress.iteration % _LOOK_EVERY
        if by_time or by_count or progress.done >= 1:
            looked = progress.done
            learned = start.card.network()
            learned.load_state_dict(trainer.weights)
            yield progress.iteration, learned.eval()
        else:
            yield progress.iteration, None


def _movies(
    movie: FrameSource,
    annotations: Annotations,
    start: Model,
    parts: Mapping[int, npt.NDArray[np.int8]],
    diameter: float,
) -> Iterator[TrainingMovie]:
    """Take each marked frame with those before it, as they are shown to the network."""
    for number, marked in annotations.frames.items():
        learned = np.where(parts[number] == 0, UNKNOWN, marked).astype(np.int32)
        if not (learned > 0).any():
            continue
        first = max(0, number - _WARMUP)
        frames = tuple(np.asarray(movie[t]) for t in range(first, number + 1))
        unknown = np.full_like(learned, UNKNOWN)
        labels = (*(unknown for _ in frames[1:]), learned)
        truth = TruthSequence(frames, labels, diameter, "marks", labels, labels)
        yield prepare_movie(truth, start.card.diameter)
