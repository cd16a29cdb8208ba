"""What is seen of marked frames, and the cells it makes, judged on marks kept out."""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch
from scipy import ndimage
from torch import Tensor

from fastershift.config import resolve_settings
from fastershift.instances import PairVotes, find_voted_instances, pair_voters
from fastershift.pipeline import smallest_cell
from fastershift.rshn import (
    CODE_CHANNELS,
    KEPT_CHANNELS,
    Head,
    write_votes,
)
from fastershift.training.learn._judge import Agreement, judge_cells

__all__ = [
    "Judged",
    "Rules",
    "Seen",
    "best_rules",
    "find_cells",
    "judge_parts",
    "keep_out",
]

_Labels = npt.NDArray[np.int32]
_Image = npt.NDArray[np.float32]

# Parts of the marked cells of which each is kept out once.
_PARTS = 3

# Values that are tried one after the other: h, foreground, smallest cell and least
# certainty. A change must gain more than the least to be believed.
_BANDWIDTHS = (0.005, 0.02, 0.04)
_FOREGROUNDS = (0.3, 0.7)
_SMALLEST = (0.05, 0.25)
_LEAST_CERTAINTIES = (0.0, 0.2)
_LEAST_GAIN = 0.05

# Lines from the quality on marks kept out and from the F1 by the second witness to the
# true F1 of other images, fitted to 34 sets of marks in 17 images: people mark what is
# wrong, so that marks say too little of a model that learned nothing from them; what
# learned is as good as the worse witness says.
_AS_IT_WAS = (0.13, 0.44, 0.51)
_LEARNED = (0.20, 0.84)


@dataclass(frozen=True, eq=False)
class Seen:
    """What is seen of a marked frame, at the size of the network.

    Attributes
    ----------
    shown : (Y, X) float32
        The frame.
    outputs : (Y, X, C) float32
        What the network says of it, and its last filters.
    marked : (Y, X) int32
        Cells, 0 background, -1 unknown.
    part : (Y, X) int8
        Which part of the marks a pixel belongs to: that of the nearest marked cell.
    unmarked : (Y, X) int32
        What the model to start from finds where nothing is marked, else -1.
    """

    shown: _Image
    outputs: _Image
    marked: _Labels
    part: npt.NDArray[np.int8]
    unmarked: _Labels

    def judge(self, found: _Labels, part: int | None = None) -> Agreement:
        """Compare cells with the marks, or with one part of them."""
        judged = self.part == part if part is not None else self.part >= 0
        return judge_cells(found, self.marked, judged)


def keep_out(
    marked: Mapping[int, _Labels], cells: Sequence[int], seed: int
) -> dict[int, npt.NDArray[np.int8]]:
    """Part the marks by cells, so that each part can be kept out in turn.

    Parameters
    ----------
    marked : mapping of int to (Y, X) int32
        Marks by frame.
    cells : sequence of int
        Numbers of all marked cells.
    seed : int
        Of the draw.

    Returns
    -------
    dict of int to (Y, X) int8
        Number of the part, from 0. A cell is in one part in all frames.
    """
    order = np.random.default_rng(seed).permutation(len(cells))
    n_parts = min(_PARTS, len(cells))
    part_of = np.zeros(max(cells) + 1, np.int8)
    part_of[np.asarray(cells)[order]] = np.arange(len(cells)) % n_parts
    parts = {}
    for number, one in marked.items():
        if (one > 0).any():
            nearest = ndimage.distance_transform_edt(
                one <= 0, return_distances=False, return_indices=True
            )
            parts[number] = part_of[one[tuple(nearest)]]
        else:
            parts[number] = np.full(one.shape, number % n_parts, np.int8)
    return parts


def keep_votes(said: _Image, diameter: float) -> Tensor:
    """Keep what is said of a frame as a run does.

    Parameters
    ----------
    said : (Y, X, 8 or more) float32
        By a network that votes, or by a head.
    diameter : float
        Cell diameter in network pixels.

    Returns
    -------
    (`KEPT_CHANNELS`, Y, X) float16 Tensor
    """
    kept = torch.empty((*said.shape[:2], KEPT_CHANNELS), dtype=torch.float16)
    usable = torch.ones(said.shape[:2], dtype=torch.bool)
    write_votes(torch.from_numpy(said), usable, kept, (0, 0), diameter)
    return kept.movedim(-1, 0)


@dataclass(frozen=True)
class Rules:
    """Values of settings that the marks decide; see the settings of their names."""

    bandwidth: float = 0.01
    foreground: float = 0.5
    smallest_cell: float = 0.1
    least_certainty: float = 0.0

    def cells(self, said: Tensor, diameter: float) -> _Labels:
        """Find the cells of a frame of which this is kept; see `keep_votes`."""
        settings = resolve_settings(user=self.as_settings())
        votes = PairVotes(said[None, CODE_CHANNELS:], diameter)
        found = find_voted_instances(
            pair_voters(said[None, :CODE_CHANNELS], votes, settings.track),
            settings.cluster,
            smallest_cell=max(1, round(smallest_cell(settings, diameter))),
            least_certainty=settings.track.least_certainty,
        )
        labels: _Labels = found.labels[0]
        return labels

    def as_settings(self) -> dict[str, dict[str, float]]:
        """Write them as a model recommends them."""
        return {
            "cluster": {"bandwidth": self.bandwidth},
            "track": {
                "foreground": self.foreground,
                "smallest_cell": self.smallest_cell,
                "least_certainty": self.least_certainty,
            },
        }


def find_cells(
    rules: Rules, head: Head | None, shown: _Image, outputs: _Image, diameter: float
) -> _Labels:
    """Find the cells of a frame as a run does.

    Parameters
    ----------
    rules : Rules
        Values of settings.
    head : Head or None
        Who speaks; None where the network does.
    shown, outputs
        See `Seen`.
    diameter : float
        Cell diameter in network pixels.

    Returns
    -------
    (Y, X) int32
    """
    said = outputs
    if head is not None:
        said = head.fill_frame(shown, outputs, diameter)
    return rules.cells(keep_votes(said, diameter), diameter)


@dataclass(frozen=True, eq=False)
class Judged:
    """A way to cells, and how it does on marks that it has not learned from.

    Attributes
    ----------
    marks : Agreement
        With all parts of the marks.
    first : Agreement
        With the first part alone, from which no network learns.
    shown : float
        Panoptic quality on all marks by one that has learned from all of them.
    expected : float
        F1 by the second witness, see `Witness`.
    rules : Rules
        Values that do best.
    head : Head, optional
        Learned from all parts; None where the network speaks for itself.
    learned : bool
        Whether it has learned from the marks.
    """

    marks: Agreement
    first: Agreement
    shown: float
    expected: float
    rules: Rules
    head: Head | None = None
    learned: bool = False

    @property
    def worth(self) -> float:
        """F1 that both witnesses together promise, by which ways are compared."""
        return self._worth(self.marks)

    @property
    def first_worth(self) -> float:
        """The same by the first part of the marks alone."""
        return self._worth(self.first)

    def _worth(self, known: Agreement) -> float:
        if self.learned:
            offset, slope = _LEARNED
            return offset + slope * min(known.quality, self.expected)
        offset, of_marks, of_others = _AS_IT_WAS
        return offset + of_marks * known.quality + of_others * self.expected


def judge_parts(
    seen: Sequence[Seen],
    said: Sequence[Sequence[Tensor]],
    rules: Rules,
    diameter: float,
) -> Generator[None, None, tuple[Agreement, Agreement]]:
    """Judge what is said of each frame once for each part, or once for all of them.

    It yields at places to stop.

    Parameters
    ----------
    seen, said, diameter
        As for `best_rules`.
    rules : Rules
        Kept as they are.

    Returns
    -------
    Agreement, Agreement
        With all parts, and with the first.
    """
    total, first = Agreement(), Agreement()
    for one, ways in zip(seen, said, strict=True):
        for part, way in enumerate(ways):
            # What has no mark of this part need not be parted into cells.
            if len(ways) > 1 and not ((one.part == part) & (one.marked > 0)).any():
                continue
            yield
            found = rules.cells(way, diameter)
            total += one.judge(found, None if len(ways) == 1 else part)
            if part == 0:
                first += one.judge(found, 0)
    return total, first


def best_rules(
    seen: Sequence[Seen],
    said: Sequence[Sequence[Tensor]],
    start: Rules,
    diameter: float,
    *,
    learned: bool,
) -> Generator[None, None, tuple[Rules, Agreement, Agreement]]:
    """Find the values that do best, one after the other; yield at places to stop.

    Parameters
    ----------
    seen : sequence of Seen
        Marked frames.
    said : sequence of sequence of (C, Y, X) Tensor
        For each frame what is said of it: by one that has learned from no mark, or by
        one for each part that has not learned from this part.
    start : Rules
        What is changed only for a gain.
    diameter : float
        Cell diameter in network pixels.
    learned : bool
        Whether heads say it: in their cells all pixels vote for the same place, so that
        h hardly matters.

    Returns
    -------
    rules : Rules
        The best that were tried.
    marks, first : Agreement
        With all parts, and with the first.
    """
    rules = start
    marks, first = yield from judge_parts(seen, said, start, diameter)
    for name, values in (
        ("bandwidth", _BANDWIDTHS),
        ("foreground", _FOREGROUNDS),
        ("smallest_cell", _SMALLEST),
        ("least_certainty", _LEAST_CERTAINTIES),
    ):
        if learned and name == "bandwidth":
            continue
        for value in values:
            tried = replace(rules, **{name: value})
            reached = yield from judge_parts(seen, said, tried, diameter)
            if reached[0].quality > marks.quality + _LEAST_GAIN:
                rules, (marks, first) = tried, reached
    return rules, marks, first
