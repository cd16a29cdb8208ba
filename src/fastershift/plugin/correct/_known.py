"""What is known of each layer: its corrections, also when a movie is run again."""

from collections.abc import Callable, MutableMapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt
from napari.layers import Labels

from fastershift.editing import Edit, Spans
from fastershift.errors import InputError
from fastershift.io import parents_that_fit
from fastershift.pipeline import TrackedMovie
from fastershift.plugin.correct._layers import stack_of
from fastershift.plugin.layers._placement import Placement, labels_axes
from fastershift.plugin.layers._record import ResultRecord
from fastershift.plugin.layers._snapshot import LayerSnapshot, prepare_snapshot
from fastershift.plugin.run import Reconcile, Reconciled
from fastershift.session import Corrections, describe_error
from fastershift.tracking import Lineage, Track

__all__ = ["KnownCorrections"]


class KnownCorrections:
    """The corrections of the layers that were corrected, or could have been."""

    def __init__(self) -> None:
        self._of: WeakKeyDictionary[Labels, Corrections] = WeakKeyDictionary()

    @property
    def all(self) -> dict[Labels, Corrections]:
        """Corrections by layer."""
        return dict(self._of)

    def open(self, layer: Labels) -> tuple[Corrections, str]:
        """Go on with the corrections of a layer, or begin them.

        Parameters
        ----------
        layer : Labels
            A result.

        Returns
        -------
        corrections : Corrections
            Of its labels as they are now.
        sentence : str
            Why former corrections are lost; empty when they are not.

        Raises
        ------
        InputError
            For labels that cannot be corrected.
        """
        labels = stack_of(layer)
        known, sentence = self._of.get(layer), ""
        if known is not None and np.shares_memory(known.labels, labels):
            return known, ""
        if known is not None and _equal(known.labels, labels):
            # Another type of pixel, or a copy: the history goes on.
            layer.data = Placement(labels_axes(layer), {}).lay(known.labels)
            return known, ""
        if known is not None:
            # Steps of the former pixels would spoil these.
            replace(ResultRecord.of(layer), corrections=None).store(layer)
            sentence = (
                f"{layer.name} has other pixels than were corrected. Corrections "
                "start again."
            )
        stored = ResultRecord.of(layer)
        lineage = partial(_lineage_of, stored)
        try:
            corrections = Corrections(labels, lineage, record=stored.corrections)
        except InputError as error:
            if stored.corrections is None:
                raise
            sentence = f"{describe_error(error)} Corrections start again."
            corrections = Corrections(labels, lineage)
        self._of[layer] = corrections
        return corrections, sentence

    def snapshot(self, layer: Labels) -> Callable[[], LayerSnapshot]:
        """Prepare to write a layer, see `prepare_snapshot`."""
        return prepare_snapshot(layer, self._of.get(layer))

    def reconcile(
        self, cells: Labels, frame: int, shape: tuple[int, int, int]
    ) -> Reconcile:
        """Prepare to keep what was corrected in a layer when a run has a new result.

        Parameters
        ----------
        cells : Labels
            The layer that the result is for.
        frame : int
            Where the user is.
        shape : (int, int, int)
            Frames, rows and columns of the result.

        Returns
        -------
        Reconcile
            Puts the new cells around the locked ones.

        Raises
        ------
        InputError
            When there are locked cells, and the result has another shape.
        """
        known = self._of
        if cells not in known and ResultRecord.of(cells).corrections is not None:
            # Such as cannot be read are not there.
            with suppress(InputError):
                self.open(cells)
        former = known.get(cells)
        if former is not None and _holds(former) and former.labels.shape != shape:
            raise InputError(
                f"{cells.name} holds locked cells, and the new result has another "
                "size: save it and remove the layer first."
            )

        def prepare(result: TrackedMovie) -> Reconciled:
            corrections = known.get(cells)
            revision = None if corrections is None else corrections.revision

            def stands() -> bool:
                return known.get(cells) is corrections and (
                    corrections is None or corrections.revision == revision
                )

            if corrections is None or not _holds(corrections):
                replaced = partial(_replace, known, cells, result)
                return Reconciled(result.labels, replaced, stands)
            edit = corrections.take_over(result, frame)
            labels = result.labels if edit.outcome is None else edit.outcome.labels
            taken = partial(_take_over, corrections, edit, cells, result)
            return Reconciled(labels, taken, stands)

        return prepare


def _equal(one: npt.NDArray[np.int32], other: npt.NDArray[np.int32]) -> bool:
    """Compare frame by frame: other pixels are mostly noticed in the first ones."""
    return one.shape == other.shape and all(map(np.array_equal, one, other))


def _lineage_of(stored: ResultRecord, spans: Spans) -> Lineage:
    """Read the stored tracks; what was painted meanwhile begins and ends them."""
    rows = {row[0]: row for row in stored.tracks or ()}
    parents = {track: parent for track, _, _, parent in rows.values()}
    if stored.corrections is None:
        # With a history, what was taken away altogether may still be named there.
        rows.clear()
    rows |= {track: (track, *span, 0) for track, span in spans.items()}
    fitting = parents_that_fit([rows[track] for track in sorted(rows)], parents)
    return Lineage(tuple(Track(*row) for row in fitting))


def _holds(corrections: Corrections) -> bool:
    """Tell whether there is anything that a run leaves as it is."""
    return bool(corrections.cells.locked or corrections.cells.voids)


def _replace(
    known: MutableMapping[Labels, Corrections], cells: Labels, result: TrackedMovie
) -> TrackedMovie:
    known.pop(cells, None)
    return result


def _take_over(
    corrections: Corrections, edit: Edit, cells: Labels, result: TrackedMovie
) -> TrackedMovie:
    change = corrections.do(edit)
    # For when it is undone.
    corrections.replaced[change.entry] = ResultRecord.of(cells)
    return replace(result, labels=corrections.labels, lineage=corrections.lineage)
