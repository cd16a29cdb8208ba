"""Cells that were segmented elsewhere, as a source of a run."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mode
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from fastershift.io import AdoptedLabels
from fastershift.labels import coded, connect, count_pixels, empty_labels
from fastershift.pipeline._sources import FramesApart
from fastershift.rshn import codes_of_places
from fastershift.tracking import PlacedCells, place_cells

__all__ = ["GivenMasks", "MaskFacts", "MaskSource", "look_at_masks"]

_Labels = npt.NDArray[np.int32]

# A piece with this share of the largest one of its number is a cell of its own.
_PIECE = 0.3
# Numbers are those of tracks when so many of those that come again lie within a cell
# diameter of the same number in the frame before, and so many of all come again.
_SAME_PLACE, _SAME_NUMBER = 0.95, 0.5


@dataclass(frozen=True)
class MaskFacts:
    """What one look at all masks tells.

    Attributes
    ----------
    plain : bool
        All cells have one number: they are told apart by where they lie.
    tracked : bool
        The numbers are those of tracks.
    apart : tuple of int
        Frames in which a number stands at several places.
    diameter : float
        Median cell diameter in pixels.
    around : int
        The number that covers most of a frame, up to all its sides; 0 for none.
    hollow : bool
        Whether most cells are background in their middle, as outlines are.
    """

    plain: bool
    tracked: bool
    apart: tuple[int, ...]
    diameter: float
    around: int
    hollow: bool


class MaskSource(FramesApart):
    """Cells that were segmented elsewhere; their embedding tells where each lies.

    Attributes
    ----------
    given : object
        What they were made of.
    shape : (int, int)
        Rows and columns.
    """

    given: Any
    shape: tuple[int, int]

    @property
    @abstractmethod
    def tracked(self) -> bool:
        """Whether the numbers are those of tracks."""

    @property
    @abstractmethod
    def diameter(self) -> float:
        """Median cell diameter in pixels."""

    @property
    @abstractmethod
    def notices(self) -> Sequence[str]:
        """Sentences for the user: how the masks are understood."""

    @property
    def taken(self) -> list[tuple[str, int]]:
        """Alternatives, and how many cells come from each, of all frames asked for."""
        return []

    @abstractmethod
    def frame(self, t: int) -> _Labels:
        """Return the cells of a frame, (Y, X) int32; each number is one cell."""

    def forget(self) -> None:
        """Read frames anew from here on: layers may have been painted."""

    def embedding(self, t: int) -> Tensor:
        """Give each pixel the code of the centre of its cell, (5, Y, X) float16."""
        labels = self.frame(t)
        cells = place_cells(labels)
        ids, codes = coded(labels)
        table = np.zeros((len(ids), 2))
        table[np.searchsorted(ids, cells.ids)] = cells.places / self.diameter
        places = torch.from_numpy(table[codes])
        return codes_of_places(places, torch.from_numpy(labels > 0))


class GivenMasks(MaskSource):
    """Cells that are tracked as they are.

    Parameters
    ----------
    masks : AdoptedLabels
        One label image for each frame.
    facts : MaskFacts
        What a look at all of them has told.
    given : object
        What they were made of.
    """

    def __init__(self, masks: AdoptedLabels, facts: MaskFacts, given: Any) -> None:
        self.given = given
        self.name = masks.name
        self._masks = masks
        self._facts = facts
        rows, columns = masks[0].shape
        self.shape = (int(rows), int(columns))

    @property
    def n_frames(self) -> int:
        """Number of frames."""
        return len(self._masks)

    @property
    def tracked(self) -> bool:
        """Whether the numbers are those of tracks."""
        return self._facts.tracked

    @property
    def diameter(self) -> float:
        """Median cell diameter in pixels."""
        return self._facts.diameter

    @property
    def odd(self) -> Sequence[str]:
        """Sentences on cells that share a number, and on background that has one."""
        facts, said = self._facts, []
        if facts.plain:
            said.append("All cells have one number: those that do not touch are apart.")
        elif facts.apart:
            first = ", ".join(str(t) for t in facts.apart[:3])
            more = ", …" if len(facts.apart) > 3 else ""
            said.append(
                f"In frames {first}{more} one number is at several places: each place "
                "is a cell."
            )
        if facts.around:
            said.append(
                f"Number {facts.around} covers most of the frames, up to all sides, "
                "and is taken for a cell; if it is the background, give its pixels the "
                "number 0."
            )
        if facts.hollow:
            said.append(
                "Most masks are hollow. If they are outlines, fill them, and track the "
                "filled masks."
            )
        return said

    @property
    def notices(self) -> Sequence[str]:
        """Sentences for the user: how the masks are understood."""
        if not self.tracked:
            return self.odd
        return [
            *self.odd,
            "The numbers are those of tracks already: they are kept, and parents are "
            "searched.",
        ]

    def frame(self, t: int) -> _Labels:
        """Return the cells of a frame, (Y, X) int32; each number is one cell."""
        labels = self._masks[t]
        return labels if self.tracked else _one_each(labels, self._facts.plain)[0]


def look_at_masks(masks: AdoptedLabels) -> MaskFacts | None:
    """Look at all frames once; None where they hold no cell."""
    numbers, apart, around = set[int](), list[int](), list[int]()
    again = same = counted = hollow = total = 0
    diameters = []
    before: PlacedCells | None = None
    for t in range(len(masks)):
        labels = masks[t]
        cells = place_cells(labels)
        if len(numbers) < 2:
            numbers.update(cells.ids.tolist())
        if len(cells):
            diameters.append(cells.diameter)
            around.append(_around(labels, cells))
            hollow += _hollow(labels, cells)
            total += len(cells)
        if _one_each(labels, plain=False)[1]:
            apart.append(t)
        if before is not None:
            known, now, then = np.intersect1d(
                cells.ids, before.ids, assume_unique=True, return_indices=True
            )
            moves = np.hypot(*(cells.places[now] - before.places[then]).T)
            again += len(known)
            same += int((moves <= cells.diameter).sum())
            counted += min(len(cells), len(before))
        before = cells
    if not numbers:
        return None
    plain = len(numbers) == 1 and bool(apart)
    tracked = (
        not apart
        and again > 0
        and same >= _SAME_PLACE * again
        and again >= _SAME_NUMBER * counted
    )
    if plain:
        frames = [_one_each(masks[t], plain=True)[0] for t in apart[:5]]
        placed = [place_cells(frame) for frame in frames]
        diameters = [cells.diameter for cells in placed if len(cells)]
        hollow = sum(map(_hollow, frames, placed))
        total = sum(map(len, placed))
    diameter = max(1.0, round(float(np.median(diameters)), 1))
    return MaskFacts(
        plain, tracked, tuple(apart), diameter, mode(around), 2 * hollow > total
    )


def _hollow(labels: _Labels, cells: PlacedCells) -> int:
    """Count the cells that are background in their middle."""
    rows, columns = np.rint(cells.places).astype(int).T
    return int((labels[rows, columns] == 0).sum())


def _around(labels: _Labels, cells: PlacedCells) -> int:
    """Find the number of `MaskFacts.around` in a frame."""
    most = int(np.argmax(cells.areas))
    number = int(cells.ids[most])
    sides = (labels[0], labels[-1], labels[:, 0], labels[:, -1])
    covers = 2 * cells.areas[most] > labels.size
    return number if covers and all((side == number).any() for side in sides) else 0


def _one_each(labels: _Labels, plain: bool) -> tuple[_Labels, bool]:
    """Give cells that share a number, and do not touch, numbers of their own.

    Parameters
    ----------
    labels : (Y, X) int32
        Cells; 0 is background.
    plain : bool
        Every piece is a cell. Otherwise small ones belong to the largest of their
        number.

    Returns
    -------
    labels : (Y, X) int32
        The same where nothing has to be changed.
    changed : bool
    """
    pieces = empty_labels((1, *labels.shape))
    of_piece = connect(np.ascontiguousarray(labels)[np.newaxis], pieces)
    ids, counts = np.unique(of_piece[1:], return_counts=True)
    if not (counts > 1).any():
        return labels, False
    sizes = count_pixels(pieces.ravel(), len(of_piece) - 1)
    numbers = of_piece.copy()
    unused = int(labels.max(initial=0))
    for label in ids[counts > 1].tolist():
        members = np.flatnonzero(of_piece == label)
        largest = members[np.argmax(sizes[members])]
        own = sizes[members] >= _PIECE * sizes[largest]
        for piece in members[own | plain].tolist():
            if piece != largest:
                unused += 1
                numbers[piece] = unused
    changed = unused > int(labels.max(initial=0))
    return numbers[pieces[0]].astype(np.int32), changed
