"""What was corrected in a layer, when its movie is run again."""

from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("napari")

from napari.layers import Layer

from fastershift.editing import Grow, Merge
from fastershift.errors import InputError
from fastershift.io import SavedResult
from fastershift.plugin.correct._known import KnownCorrections
from fastershift.plugin.files._readers import saved_layers
from fastershift.plugin.layers._record import ResultRecord
from fastershift.session import Corrections
from fastershift.tracking import Lineage, Track


@pytest.fixture
def opened():
    """The labels layer of a saved result with a cell that was corrected and locked."""
    labels = np.zeros((2, 20, 20), np.int32)
    labels[:, 2:6, 2:6] = 1
    corrections = Corrections(labels, Lineage((Track(1, 0, 1),)))
    corrections.do(Grow(0, 1, 3))
    saved = SavedResult(labels, [(1, 0, 1, 0)], corrections=corrections.record())
    return Layer.create(*saved_layers(saved, "movie")[0])


def test_locked_cells_of_a_saved_result_are_kept_before_it_is_first_corrected(opened):
    before = opened.data[0].copy()
    empty = SimpleNamespace(labels=np.zeros_like(opened.data), lineage=Lineage(()))
    prepare = KnownCorrections().reconcile(opened, 0, empty.labels.shape)
    kept = prepare(empty)
    np.testing.assert_array_equal(kept.labels[0], before)


def test_locked_cells_are_not_lost_to_a_result_of_another_size(opened):
    with pytest.raises(InputError, match=r"holds locked cells.*another size"):
        KnownCorrections().reconcile(opened, 0, (2, 10, 10))


def test_a_result_is_opened_without_reading_its_labels():
    labels = np.zeros((3, 20, 20), np.int32)
    labels[:, 2:6, 2:6] = 1
    saved = SavedResult(labels, [(1, 0, 2, 0)])
    layer = Layer.create(*saved_layers(saved, "movie")[0])
    corrections, _ = KnownCorrections().open(layer)
    layer.data[1:, 10:14, 10:14] = 2
    for _ in corrections.cells.prepare():
        pass
    layer.data[:, 10:14, 10:14] = 0
    # Found in the background, and not again.
    assert corrections.lineage.rows() == [(1, 0, 2, 0), (2, 1, 2, 0)]


def test_what_was_painted_before_the_first_correction_has_a_track():
    labels = np.zeros((4, 20, 20), np.int32)
    labels[:, 2:6, 2:6] = 1
    labels[2:, 10:14, 10:14] = 2
    saved = SavedResult(labels, [(1, 0, 3, 0), (2, 2, 3, 1)])
    layer = Layer.create(*saved_layers(saved, "movie")[0])
    layer.data[1:3, 2:6, 6:9] = 99
    layer.data[3][layer.data[3] == 1] = 0
    layer.data[2][layer.data[2] == 2] = 0
    corrections, _ = KnownCorrections().open(layer)
    assert corrections.lineage.rows() == [(1, 0, 2, 0), (2, 3, 3, 1), (99, 1, 2, 0)]
    assert list(corrections.find_doubts())
    corrections.do(Merge(1, (1, 99)))
    assert corrections.lineage.rows()[-1] == (99, 2, 2, 0)
    assert (corrections.labels[1] == 1).sum() == 28


def test_corrections_go_on_in_a_layer_whose_type_of_pixel_is_changed(opened):
    known = KnownCorrections()
    corrections, _ = known.open(opened)
    corrections.do(Grow(0, 1, 1))
    opened.data = opened.data.astype(np.uint16)
    again, sentence = known.open(opened)
    assert again is corrections
    assert not sentence
    assert again.undo_text
    again.undo()
    np.testing.assert_array_equal(opened.data, again.labels)


def test_corrections_start_again_in_other_pixels(opened):
    known = KnownCorrections()
    known.open(opened)
    other = opened.data.copy()
    other[1, 12:15, 12:15] = 2
    opened.data = other
    corrections, sentence = known.open(opened)
    assert sentence.endswith("Corrections start again.")
    assert not corrections.undo_text
    assert [row[0] for row in corrections.lineage.rows()] == [1, 2]
    corrections.do(Grow(1, 2, 1))
    np.testing.assert_array_equal(opened.data, corrections.labels)
    # Nor does the history of the former pixels come back.
    assert ResultRecord.of(opened).corrections is None


def test_other_pixels_are_compared_up_to_the_first_that_differ(opened, monkeypatch):
    known, compared, equal = KnownCorrections(), [], np.array_equal

    def compare(one, other, **options):
        if np.shares_memory(one, corrections.labels):
            compared.append(one.shape)
        return equal(one, other, **options)

    corrections, _ = known.open(opened)
    opened.data = opened.data + 1
    with monkeypatch.context() as patch:
        patch.setattr(np, "array_equal", compare)
        _, sentence = known.open(opened)
    assert sentence
    assert compared == [(20, 20)], "one frame, not the movie"


def test_what_a_layer_shows_is_saved(opened):
    known = KnownCorrections()
    known.open(opened)
    opened.data = np.where(opened.data == 1, 5, 0)
    taken = known.snapshot(opened)()
    np.testing.assert_array_equal(taken.data, opened.data)
    assert ResultRecord.within(taken.attributes["metadata"]).corrections is None
    assert taken.corrections is None


def test_corrections_are_kept_while_a_run_shows_its_frames(opened):
    known = KnownCorrections()
    corrections, _ = known.open(opened)
    corrections.do(Grow(0, 1, 1))
    opened.data = np.full_like(opened.data, 7)
    opened.editable = False
    taken = known.snapshot(opened)()
    np.testing.assert_array_equal(taken.data, corrections.labels)
    assert taken.corrections is corrections
    assert taken.revision == corrections.revision
    record = ResultRecord.within(taken.attributes["metadata"])
    assert record.corrections == corrections.record()
