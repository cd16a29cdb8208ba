"""What becomes of corrections when a movie is run again."""

from collections.abc import MutableMapping
from dataclasses import replace
from functools import partial

from napari.layers import Labels

from fastershift.editing import Edit
from fastershift.pipeline import TrackedMovie
from fastershift.plugin.run import Reconcile, Reconciled
from fastershift.session import Corrections

__all__ = ["keep_corrections"]


def keep_corrections(
    known: MutableMapping[Labels, Corrections], cells: Labels, frame: int
) -> Reconcile:
    """Prepare to keep what was corrected in a layer.

    Parameters
    ----------
    known : dict
        Corrections of each layer; those that a new result replaces leave it.
    cells : Labels
        The layer that the result is for.
    frame : int
        Where the user is.

    Returns
    -------
    Reconcile
        Puts the new cells around the locked ones.
    """

    def prepare(result: TrackedMovie) -> Reconciled:
        corrections = known.get(cells)
        revision = None if corrections is None else corrections.revision

        def stands() -> bool:
            return known.get(cells) is corrections and (
                corrections is None or corrections.revision == revision
            )

        if (
            corrections is None
            or not (corrections.cells.locked or corrections.cells.voids)
            or corrections.labels.shape != result.labels.shape
        ):
            replaced = partial(_replace, known, cells, result)
            return Reconciled(result.labels, replaced, stands)
        edit = corrections.take_over(result, frame)
        labels = result.labels if edit.outcome is None else edit.outcome.labels
        taken = partial(_take_over, corrections, edit, result)
        return Reconciled(labels, taken, stands)

    return prepare


def _replace(
    known: MutableMapping[Labels, Corrections], cells: Labels, result: TrackedMovie
) -> TrackedMovie:
    known.pop(cells, None)
    return result


def _take_over(
    corrections: Corrections, edit: Edit, result: TrackedMovie
) -> TrackedMovie:
    corrections.do(edit)
    return replace(result, labels=corrections.labels, lineage=corrections.lineage)
