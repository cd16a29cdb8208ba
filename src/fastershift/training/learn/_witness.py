"""A second witness beside the marks: how little the cells depend on the diameter."""

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from fastershift.config import resolve_settings
from fastershift.labels import match_cells, resize_labels
from fastershift.pipeline import expected_f1, take_samples
from fastershift.rshn import RSHN, FrameSource, Head, Model, Observer
from fastershift.training.learn._ways import Rules, find_cells

__all__ = ["Witness"]

_Image = npt.NDArray[np.float32]
_Labels = npt.NDArray[np.int32]

# Frames that are looked at, and cells across the part of each.
_FRAMES = 3
_ACROSS = 10

# The diameter is changed by this factor.
_CHANGE = 1.12


class Witness:
    """Sees parts of frames, marked or not, at a smaller and at a larger diameter.

    A head can find all marked cells of a frame, and nothing, or a hundred pieces, in
    another: marks cannot tell, but what it finds there changes with the diameter.

    Parameters
    ----------
    movie : sequence of (Y, X) frames
        What is marked.
    start : Model
        Its card is used.
    network : RSHN
        What looks at the frames.
    diameter : float
        Of a cell in pixels of the movie.
    device : str
        As for `Embedder`.

    Attributes
    ----------
    looks : list of pairs of (shown, outputs)
        See `Seen`; at the smaller and at the larger diameter.
    """

    def __init__(
        self,
        movie: FrameSource,
        start: Model,
        network: RSHN,
        diameter: float,
        *,
        device: str,
    ) -> None:
        self._card = start.card
        model = Model(network, start.card, start.name, "")
        side = round(_ACROSS * diameter)
        self.looks: list[list[tuple[_Image, _Image]]] = []
        for sample in take_samples(movie, _FRAMES):
            seen = []
            for told in (diameter / _CHANGE, diameter * _CHANGE):
                observer = Observer(
                    model,
                    resolve_settings(user={"embed": {"diameter": told}}).embed,
                    (sample.frame.shape[0], sample.frame.shape[1]),
                    device=device,
                    region=sample.richest(side),
                )
                shown, outputs = observer.see(movie, sample.number)
                seen.append((shown.numpy(), outputs.numpy()))
            self.looks.append(seen)

    def expected(self, found: Iterable[Sequence[_Labels]]) -> float:
        """Expect an F1 from how well the cells of both diameters agree.

        Parameters
        ----------
        found : iterable of (smaller, larger)
            Labels, for each pair of `looks`.

        Returns
        -------
        float
            0 to 1.
        """
        # Each frame counts the same: where nothing is found, nothing agrees.
        agreements = []
        for smaller, larger in found:
            match = match_cells(resize_labels(smaller, larger.shape), larger)
            agreements.append(match.agreement)
        agreement = float(np.mean(agreements)) if agreements else 0.0
        return expected_f1(agreement, self._card.embedding)

    def expected_of(self, rules: Rules, head: Head | None) -> float:
        """Expect an F1 of a network or a head."""
        diameter = self._card.diameter
        return self.expected(
            [find_cells(rules, head, *look, diameter) for look in pair]
            for pair in self.looks
        )
