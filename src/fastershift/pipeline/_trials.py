"""Which cell diameter a movie has: the model is tried at several, and judged."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from fastershift._devices import choose_device
from fastershift.config import Settings
from fastershift.instances import PairVotes, find_voted_instances, pair_voters
from fastershift.pipeline._diameter import smallest_cell, whole_cells
from fastershift.pipeline._samples import Sample
from fastershift.rshn import (
    CODE_CHANNELS,
    KEPT_CHANNELS,
    Model,
    StreamingNetwork,
    choose_precision,
    resize_frame,
    write_votes,
)

__all__ = ["Trial", "try_diameters"]

# Diameters in pixels of a frame that are tried first, a factor of two apart.
_SMALLEST, _LARGEST = 5.0, 320.0

# Around the best of them, at these factors, the model is tried once more.
_CLOSER = (1 / math.sqrt(2), math.sqrt(2))

# Side of what the network sees of a frame, in network pixels.
_SIDE = 144

# Deviation, on a logarithmic scale, of the diameter that is found from the one tried
# at which a trial counts less by a factor of e.
_TOLERANCE = 0.8

# Whole cells at which a trial counts half.
_FEW = 3.0

# The texture of cells looks like small cells: of equals the larger diameter wins.
_LARGER = 0.05


@dataclass(frozen=True)
class Trial:
    """How a model does when it is told a diameter.

    Attributes
    ----------
    diameter : float
        What was tried, in pixels of a frame.
    found : float
        Median diameter of the cells that were found, in pixels; 0 without any.
    cells : int
        Whole cells that were found.
    certainty : float
        Mean probability, over the pixels of cells, of belonging to a cell.
    agreement : float or None
        See `Stability`; None where it was not found out.
    """

    diameter: float
    found: float
    cells: int
    certainty: float
    agreement: float | None = None

    @property
    def taken(self) -> float:
        """The diameter to work with."""
        return self.found or self.diameter

    @property
    def score(self) -> float:
        """How well all this fits together, 0 to 1: 1 is sure, of the size expected."""
        if not self.cells:
            return 0.0
        off = math.log(self.found / self.diameter) / _TOLERANCE
        few = self.cells / (self.cells + _FEW)
        larger = (self.diameter / _LARGEST) ** _LARGER
        sure = 2 * max(0.0, self.certainty - 0.5)
        fits = math.exp(-(off**2) / 2)
        agreement = 1.0 if self.agreement is None else self.agreement
        return float(agreement * sure * fits * few * larger)


def try_diameters(
    samples: Sequence[Sample], model: Model, settings: Settings, *, device: str = "auto"
) -> tuple[Trial, ...]:
    """Try a model that votes at diameters from 5 to 320 pixels.

    It sees the richest part of each sample at each diameter. The right diameter is the
    one at which it is sure of cells that are as large as it was told.

    Parameters
    ----------
    samples : sequence of Sample
        Frames of a movie.
    model : Model
        One that votes.
    settings : Settings
        `cluster` and `track` are used.
    device : str
        As for `Embedder`.

    Returns
    -------
    tuple of Trial
        The best first; none without any sample.
    """
    if not samples:
        return ()
    place = choose_device(device)
    dtype = choose_precision(settings.embed.precision, place)
    network = StreamingNetwork(model.network, place, dtype)
    largest = min(_LARGEST, max(_SMALLEST, 2.0 * max(samples[0].frame.shape)))
    coarse = [
        _SMALLEST * 2**step
        for step in range(1 + math.floor(math.log2(largest / _SMALLEST)))
    ]
    trials = [_try(samples, one, model, network, settings) for one in coarse]
    best = max(trials, key=lambda trial: trial.score)
    for factor in _CLOSER:
        trials.append(_try(samples, factor * best.diameter, model, network, settings))
    return tuple(sorted(trials, key=lambda trial: -trial.score))


def _try(
    samples: Sequence[Sample],
    diameter: float,
    model: Model,
    network: StreamingNetwork,
    settings: Settings,
) -> Trial:
    scale = model.card.diameter / diameter
    seen = [_scaled(sample, scale, network.stride) for sample in samples]
    images = torch.stack(seen)
    height, width = images.shape[1:]
    stream = network.start(len(images), (height, width), len(images))
    raw = stream.embed(images.to(network.device))
    smallest = max(1, round(smallest_cell(settings, model.card.diameter)))
    areas: list[npt.NDArray[np.float64]] = []
    sure, pixels = 0.0, 0
    for one in raw:
        labels, probability = _segmented(one, model, settings, smallest)
        areas.append(whole_cells(labels))
        inside = labels > 0
        sure += float(probability[inside].sum())
        pixels += int(inside.sum())
    diameters = np.concatenate(areas)
    found = float(np.median(diameters)) / scale if diameters.size else 0.0
    return Trial(diameter, found, diameters.size, sure / pixels if pixels else 0.0)


def _segmented(
    raw: Tensor, model: Model, settings: Settings, smallest: int
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]:
    """Part what the network says of a frame; tell how sure it is of each pixel."""
    kept = torch.empty(*raw.shape[:2], KEPT_CHANNELS, dtype=torch.float16)
    usable = torch.ones(raw.shape[:2], dtype=torch.bool)
    write_votes(raw.cpu(), usable, kept, (0, 0), model.card.diameter)
    channels = kept.movedim(-1, 0)[None]
    votes = PairVotes(channels[:, CODE_CHANNELS:], model.card.diameter)
    voters = pair_voters(channels[:, :CODE_CHANNELS], votes, settings.track)
    found = find_voted_instances(voters, settings.cluster, smallest_cell=smallest)
    return found.labels[0], 1 - channels[0, 0].float().square().numpy()


def _scaled(sample: Sample, scale: float, stride: int) -> Tensor:
    """Cut the richest part out of a frame and scale it as the network sees it."""
    part = sample.seen[sample.richest(round(_SIDE / scale))]
    shape = [
        max(stride, round(length * scale / stride) * stride) for length in part.shape
    ]
    return resize_frame(
        torch.from_numpy(np.ascontiguousarray(part)), (shape[0], shape[1])
    )
