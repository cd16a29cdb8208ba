"""Points on a device of torch, compared by matrix products."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from fastershift.meanshift._iteration import least_cosine
from fastershift.meanshift._memory import for_blocks
from fastershift.meanshift._points import Points, Rows, Vectors

__all__ = ["DevicePoints", "unit_rows"]


def unit_rows(rows: Tensor) -> Tensor:
    """Divide rows by their length; rows of zeros stay zeros."""
    return torch.nn.functional.normalize(rows, dim=1, eps=torch.finfo(rows.dtype).tiny)


@dataclass(frozen=True)
class DevicePoints(Points):
    """Vectors as they came; nothing is copied that need not be.

    Attributes
    ----------
    vectors : Tensor
        (n, d) float32, compared with the seeds; of any length.
    lengths : Tensor or None
        (n,) float32 lengths of `vectors`; None if all are 1.
    averaged : Tensor
        (n, d) float32, averaged in a window.
    weights : Tensor or None
        (n,) float32 weights of `averaged` in a mean; None if all are 1.
    normalise : bool
        Whether means are projected back to unit length.
    """

    vectors: Tensor
    lengths: Tensor | None
    averaged: Tensor
    weights: Tensor | None
    normalise: bool

    @property
    def device(self) -> torch.device:  # type: ignore[override]
        return self.vectors.device

    def __len__(self) -> int:
        return len(self.vectors)

    @property
    def n_components(self) -> int:
        return self.vectors.shape[1]

    def unit(self, rows: Rows) -> Vectors:
        unit: Vectors = self._unit(rows).cpu().numpy()
        return unit

    def starts(self, rows: Rows) -> Vectors:
        if self.normalise:
            return self.unit(rows)
        starts: Vectors = self.averaged[self._placed(rows)].cpu().numpy()
        return starts

    def rows(self, rows: Rows) -> Self:
        unit = self._unit(rows)
        averaged = unit if self.normalise else self.averaged[self._placed(rows)]
        return type(self)(unit, None, averaged, None, self.normalise)

    def joined(self, other: Self) -> Self:
        unit = torch.cat([self.vectors, other.vectors])
        averaged = torch.cat([self.averaged, other.averaged])
        return type(self)(unit, None, averaged, None, self.normalise)

    def window_sums(
        self, directions: Vectors, bandwidth: float
    ) -> npt.NDArray[np.float64]:
        reach = least_cosine(bandwidth)
        towards = self._placed(directions)
        sums = towards.new_zeros(len(towards), towards.shape[1] + 1)
        vectors, counts = sums[:, :-1], sums[:, -1]

        def add(block: slice) -> None:
            inside = self._mark(towards, block, reach)
            found = inside.sum(dim=1)
            if self.weights is not None:
                inside.mul_(self.weights[block])
            vectors.addmm_(inside, self.averaged[block])
            counts.add_(found)

        # A block of the points should stay in the cache as well as its similarities.
        for_blocks(len(self), sum(towards.shape), self.device, add)
        # The only synchronisation of an iteration.
        found: npt.NDArray[np.float64] = sums.cpu().numpy().astype(np.float64)
        return found

    def window_counts(self, directions: Vectors, bandwidth: float) -> Vectors:
        reach = least_cosine(bandwidth)
        towards = self._placed(directions)
        counts = towards.new_zeros(len(towards))

        def add(block: slice) -> None:
            counts.add_(self._mark(towards, block, reach).sum(dim=1))

        for_blocks(len(self), len(towards), self.device, add)
        found: Vectors = counts.cpu().numpy()
        return found

    def nearest(self, centers: Vectors) -> tuple[Tensor, Tensor]:
        towards = unit_rows(self._placed(centers))
        vectors = self.vectors
        # A maximum without its index is several times faster than one with it. The
        # index follows from a product, unless two centres are equally near.
        numbers = torch.arange(len(towards), device=self.device, dtype=vectors.dtype)
        readout = torch.stack([numbers, torch.ones_like(numbers)])
        similarity = vectors.new_empty(len(vectors))
        labels = torch.empty(len(vectors), dtype=torch.int64, device=self.device)
        ties = vectors.new_empty(len(vectors))

        def assign(block: slice) -> None:
            cosines = towards @ vectors[block].T
            torch.amax(cosines, dim=0, out=similarity[block])
            found = readout @ cosines.ge_(similarity[block])
            labels[block] = found[0]
            ties[block] = found[1]

        for_blocks(len(vectors), len(towards), self.device, assign)
        if float(ties.amax()) > 1:
            tied = torch.nonzero(ties > 1).flatten()

            def settle(block: slice) -> None:
                cosines = vectors[tied[block]] @ towards.T
                labels[tied[block]] = cosines.max(dim=1).indices

            for_blocks(len(tied), len(towards), self.device, settle)
        if self.lengths is not None:
            similarity /= self.lengths
        return labels, similarity

    def _placed(self, numbers: Rows | Vectors) -> Tensor:
        return torch.as_tensor(numbers, device=self.device)

    def _unit(self, rows: Rows) -> Tensor:
        placed = self._placed(rows)
        # Several times faster than an index in brackets.
        chosen = self.vectors.index_select(0, placed)
        if self.lengths is None:
            return chosen
        return chosen.div_(self.lengths.index_select(0, placed)[:, None])

    def _mark(self, towards: Tensor, block: slice, reach: float) -> Tensor:
        """Mark with 1 which points of a block lie within reach of each unit vector."""
        marks = towards @ self.vectors[block].T
        lengths = self.lengths
        return marks.ge_(reach if lengths is None else reach * lengths[block])
