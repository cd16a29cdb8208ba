"""Views that make an embedding and what is found in it visible, from kept results."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

from fastershift.config import Settings
from fastershift.errors import InputError
from fastershift.pipeline import EmbeddedPair, PairCells, Plan, embedding_key
from fastershift.session._caches import InputCaches
from fastershift.session._preview import pair_cells
from fastershift.session.views._clusters import SeedMap, explain_pixels, map_seeds
from fastershift.session.views._colours import ColourFrame, colour_frame
from fastershift.session.views._frame import Pixel, embedded_pair
from fastershift.session.views._similarity import SimilarityFrame, similarity_to

__all__ = ["Views"]

_Chosen: TypeAlias = Settings | Mapping[str, Any] | None
_Planner: TypeAlias = Callable[[_Chosen, str], tuple[Plan, InputCaches]]


class Views:
    """What can be looked at; made by `Session.views`.

    Every method is a generator that yields None at places to stop, so that another
    thread may leave it at any time. Embeddings and clusters are those of the preview:
    what was computed for it is not computed again.

    Parameters
    ----------
    planner : callable
        Decides a run on the input from settings and device.
    """

    def __init__(self, planner: _Planner) -> None:
        self._planner = planner

    def colours(
        self, frame: int, settings: _Chosen = None, *, device: str = "auto"
    ) -> Iterator[ColourFrame | None]:
        """Show the embedding of a frame as colours.

        All frames of a movie are shown in the same axes, so that a cell keeps its
        colour; they follow from the first frame shown that has enough pixels of cells.

        Parameters
        ----------
        frame : int
            Counted from 0.
        settings, device
            As for `Session.plan`.

        Yields
        ------
        ColourFrame or None

        Raises
        ------
        InputError
            For a frame that is not there, settings that cannot be used, and where
            tiles have embeddings of their own.
        """
        plan, caches = self._planner(settings, device)
        embedded = embedding_key(plan)
        for shown in colour_frame(plan, frame, caches.colours.get(embedded)):
            if shown is not None and shown.axes.settled:
                caches.colours.setdefault(embedded, shown.axes)
            yield shown

    def similarity(
        self, pixel: Pixel, settings: _Chosen = None, *, device: str = "auto"
    ) -> Iterator[SimilarityFrame | None]:
        """Compare every pixel with one, in its frame and in the frames that follow.

        Parameters
        ----------
        pixel : Pixel
            In image pixels.
        settings, device
            As for `Session.plan`.

        Yields
        ------
        SimilarityFrame or None
            Frames in order, as long as they come from one recurrent state.

        Raises
        ------
        InputError
            As `colours`, and for a pixel outside the image.
        """
        plan, _ = self._planner(settings, device)
        yield from similarity_to(plan, pixel)

    def seeds(
        self, frame: int, settings: _Chosen = None, *, device: str = "auto"
    ) -> Iterator[SeedMap | None]:
        """Tell where the seeds of a frame started and which mode each of them reached.

        Parameters
        ----------
        frame : int
            Counted from 0; its seeds are those of the pair that ends with it.
        settings, device
            As for `Session.plan`.

        Yields
        ------
        SeedMap or None

        Raises
        ------
        InputError
            As `colours`.
        """
        plan, caches = self._planner(settings, device)
        for found in _clustered(plan, caches, max(0, frame - 1)):
            yield None if found is None else map_seeds(plan, *found, frame)

    def explain(
        self,
        first: Pixel,
        second: Pixel,
        settings: _Chosen = None,
        *,
        device: str = "auto",
    ) -> Iterator[str | None]:
        """Say why two pixels are one cell or two.

        Parameters
        ----------
        first, second : Pixel
            Of one frame, or of two that follow each other, in image pixels.
        settings, device
            As for `Session.plan`.

        Yields
        ------
        str or None
            One sentence.

        Raises
        ------
        InputError
            As `colours`, and for pixels outside the image or too far apart in time.
        """
        plan, caches = self._planner(settings, device)
        if abs(first.frame - second.frame) > 1:
            raise InputError(
                "Click two pixels of one frame, or of two successive frames."
            )
        start = max(0, max(first.frame, second.frame) - 1)
        for found in _clustered(plan, caches, start):
            yield None if found is None else explain_pixels(plan, *found, first, second)


def _clustered(
    plan: Plan, caches: InputCaches, start: int
) -> Iterator[tuple[EmbeddedPair, PairCells] | None]:
    """Embed and cluster a pair as the preview does."""
    embedded: EmbeddedPair | None = None
    for step in embedded_pair(plan, start):
        embedded = step
        yield None
    for found in pair_cells(plan, start, caches, embedding_key(plan)):
        yield None
        if found is not None and embedded is not None:
            yield embedded, found[0]
