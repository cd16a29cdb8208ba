"""What a network sees of the marked frames, kept for the next time."""

from collections.abc import Collection, Generator

import numpy as np
import numpy.typing as npt

from fastershift.config import resolve_settings
from fastershift.rshn import RSHN, FrameSource, Model, Observer
from fastershift.training._truth import UNKNOWN
from fastershift.training.learn._annotations import Annotations
from fastershift.training.learn._ways import Seen, keep_out
from fastershift.training.learn._witness import Witness

__all__ = ["Looks"]

_Image = npt.NDArray[np.float32]

# Diameters that differ by less than this share are the same.
_SAME_DIAMETER = 0.05


class Looks:
    """Looks at marked frames; what the network to start from sees is kept.

    Parameters
    ----------
    movie : sequence of (Y, X) frames
        What is marked.
    start : Model
        To start from.
    seed : int
        Of the draw that parts the marks.
    device : str
        As for `Embedder`.
    """

    def __init__(
        self, movie: FrameSource, start: Model, seed: int, device: str
    ) -> None:
        self._movie, self._start = movie, start
        self._seed, self._device = seed, device
        # By diameter and frame.
        self._seen: dict[tuple[float, int], tuple[_Image, _Image]] = {}
        self._witnesses: dict[float, Witness] = {}

    def known(self, diameter: float) -> float:
        """Take a diameter at which was looked: a mark more hardly changes it."""
        for one in self._witnesses:
            if abs(one - diameter) <= _SAME_DIAMETER * diameter:
                return one
        return round(diameter, 1)

    def keep(self, diameters: Collection[float], frames: Collection[int]) -> None:
        """Forget what was seen at other diameters, and of other frames."""
        self._seen = {
            (diameter, frame): one
            for (diameter, frame), one in self._seen.items()
            if diameter in diameters and frame in frames
        }
        self._witnesses = {
            k: one for k, one in self._witnesses.items() if k in diameters
        }

    def parts(self, annotations: Annotations) -> dict[int, npt.NDArray[np.int8]]:
        """Part the marks, see `keep_out`."""
        return keep_out(annotations.frames, annotations.cells.tolist(), self._seed)

    def see(
        self, annotations: Annotations, diameter: float, network: RSHN | None = None
    ) -> Generator[None, None, list[Seen]]:
        """Look at each marked frame, with the network to start from or with another.

        It yields at places to stop.
        """
        parts = self.parts(annotations)
        seen = []
        for number, marked in annotations.frames.items():
            shown, outputs = yield from self.at(number, diameter, network)
            known = _shrunk(marked, shown.shape)
            part = _shrunk(parts[number], shown.shape)
            seen.append(Seen(shown, outputs, known, part, np.full_like(known, UNKNOWN)))
        return seen

    def at(
        self, number: int, diameter: float, network: RSHN | None = None
    ) -> Generator[None, None, tuple[_Image, _Image]]:
        """Look at a frame: what is shown, and what is said of it; see `Seen`."""
        known = self._seen.get((diameter, number)) if network is None else None
        if known is not None:
            return known
        rows, columns = np.shape(self._movie[number])
        settings = resolve_settings(user={"embed": {"diameter": diameter}})
        observer = Observer(
            Model(network or self._start.network, self._start.card, "", ""),
            settings.embed,
            (rows, columns),
            device=self._device,
        )
        shown, outputs = yield from observer.see(self._movie, number)
        look = shown.numpy(), outputs.numpy()
        if network is None:
            self._seen[diameter, number] = look
        return look

    def witness(
        self, diameter: float, network: RSHN | None = None
    ) -> Generator[None, None, Witness]:
        """Look at parts of a few frames, marked or not; yield at places to stop."""
        if network is None and diameter in self._witnesses:
            return self._witnesses[diameter]
        made = yield from Witness.looking(
            self._movie,
            self._start,
            network or self._start.network,
            diameter,
            device=self._device,
        )
        if network is None:
            self._witnesses[diameter] = made
        return made


def _shrunk(image: npt.NDArray[np.generic], shape: tuple[int, ...]) -> npt.NDArray:  # type: ignore[type-arg]
    """Take the nearest pixels at the size of the network."""
    rows, columns = (
        np.minimum((np.arange(new) + 0.5) * old / new, old - 1).astype(int)
        for new, old in zip(shape, image.shape, strict=True)
    )
    return image[np.ix_(rows, columns)]
