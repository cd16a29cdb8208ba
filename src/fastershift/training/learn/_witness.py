"""A second witness beside the marks: how little the cells depend on the diameter."""

from collections.abc import Generator, Iterable, Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from fastershift.config import resolve_settings
from fastershift.labels import match_cells, resize_labels
from fastershift.pipeline import expected_f1, take_samples
from fastershift.rshn import RSHN, FrameSource, Head, Model, ModelCard, Observer
from fastershift.training.learn._ways import Rules, find_cells

__all__ = ["Witness"]

_Image = npt.NDArray[np.float32]
_Labels = npt.NDArray[np.int32]
_Look: TypeAlias = tuple[_Image, _Image]

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
    card : ModelCard
        Of the model to start from.
    looks : list of pairs of (shown, outputs)
        See `Seen`; at the smaller and at the larger diameter.
    """

    def __init__(self, card: ModelCard, looks: list[list[_Look]]) -> None:
        self._card = card
        self.looks = looks

    @classmethod
    def looking(
        cls,
        movie: FrameSource,
        start: Model,
        network: RSHN,
        diameter: float,
        *,
        device: str,
    ) -> Generator[None, None, "Witness"]:
        """Look at frames; yield at places to stop.

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

        Returns
        -------
        Witness
        """
        model = Model(network, start.card, start.name, "")
        side = round(_ACROSS * diameter)
        looks: list[list[_Look]] = []
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
                shown, outputs = yield from observer.see(movie, sample.number)
                seen.append((shown.numpy(), outputs.numpy()))
            looks.append(seen)
        return cls(start.card, looks)

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

    def expected_of(
        self, rules: Rules, head: Head | None
    ) -> Generator[None, None, float]:
        """Expect an F1 of a network or a head; yield at places to stop."""
        diameter = self._card.diameter
        found = []
        for pair in self.looks:
            yield
            found.append([find_cells(rules, head, *look, diameter) for look in pair])
        return self.expected(found)
