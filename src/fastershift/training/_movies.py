"""Ground truth to training movies: normalised, scaled, ready to draw clips from."""

import numpy as np
import torch

from fastershift.rshn import (
    EmbeddingKind,
    normalise_frame,
    normalise_robustly,
    resize_frame,
)
from fastershift.simulate import SimulatedMovie
from fastershift.training._augment import TrainingMovie
from fastershift.training._truth import UNKNOWN, TruthSequence

__all__ = ["from_simulation", "prepare_movie"]

# Frames that are to be shrunk are kept finer than the network sees them, so that
# zooming in during training shows detail instead of blur.
_SPARE_RESOLUTION = 1.35


def prepare_movie(
    truth: TruthSequence,
    network_diameter: float,
    *,
    weight: float = 1.0,
    embedding: EmbeddingKind = "votes",
) -> TrainingMovie:
    """Normalise and scale a movie with truth.

    Parameters
    ----------
    truth : TruthSequence
        Raw frames and labels.
    network_diameter : float
        Cell diameter in network pixels.
    weight : float
        How often clips come from it.
    embedding : {"cosine", "votes"}
        What is trained; it decides how frames are normalised.

    Returns
    -------
    TrainingMovie
    """
    scale = network_diameter / truth.diameter
    stored = scale if scale >= 1 else min(1.0, scale * _SPARE_RESOLUTION)
    shape = [round(side * stored) for side in truth.frames[0].shape]
    blur = min(1.0, truth.diameter / 20)
    normalise = normalise_robustly if embedding == "votes" else normalise_frame
    frames, labels = [], []
    for frame, truth_labels in zip(truth.frames, truth.labels, strict=True):
        normalised, usable = normalise(frame, blur)
        frames.append(resize_frame(torch.from_numpy(normalised), (shape[0], shape[1])))
        known = np.where(usable, truth_labels, UNKNOWN)
        rows, columns = (
            np.minimum((np.arange(new) + 0.5) * old / new, old - 1).astype(int)
            for new, old in zip(shape, known.shape, strict=True)
        )
        labels.append(torch.from_numpy(known[np.ix_(rows, columns)].astype(np.int32)))
    return TrainingMovie(
        torch.stack(frames),
        torch.stack(labels),
        scale / stored,
        weight,
        truth.mothers,
        still=len(frames) == 1,
    )


def from_simulation(movie: SimulatedMovie, diameter: float) -> TruthSequence:
    """Take a simulated movie as truth.

    Parameters
    ----------
    movie : SimulatedMovie
        With exact labels.
    diameter : float
        Its typical cell diameter in pixels.

    Returns
    -------
    TruthSequence
    """
    labels = tuple(movie.labels)
    return TruthSequence(
        tuple(movie.frames),
        labels,
        diameter,
        "simulated: exact",
        labels,
        labels,
        {track: parent for track, _, _, parent in movie.tracks if parent},
    )
