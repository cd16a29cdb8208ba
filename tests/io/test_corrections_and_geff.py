"""Corrections saved with a result, and tracks as a graph."""

import json
import tracemalloc
import warnings

import numpy as np
import pytest

from fastershift.editing import Delete, Editor, MarkDivision, Merge
from fastershift.errors import InputError
from fastershift.io import SavedResult, read_result, read_saved, write_saved
from fastershift.tracking import Lineage, Track


@pytest.fixture
def editor():
    labels = np.zeros((4, 24, 30), np.int32)
    labels[:, 2:8, 2:8] = 1
    labels[:, 2:8, 12:18] = 2
    labels[:, 14:20, 2:8] = 3
    editor = Editor(labels, Lineage(tuple(Track(i, 0, 3) for i in (1, 2, 3))))
    editor.do(Merge(1, (1, 2)))
    editor.do(MarkDivision(2, 3, (3, 1)))
    editor.do(Delete(0, (2,)))
    editor.undo()
    return editor


def save(editor, path, format, **options):
    overwrite = options.pop("overwrite", False)
    result = SavedResult(editor.labels, editor.lineage.rows(), **options)
    return write_saved(path, result, format=format, overwrite=overwrite)


@pytest.mark.parametrize("format", ["ctc", "tiff", "zarr", "geff"])
def test_everything_is_back_after_reopening(editor, tmp_path, format):
    if format in ("zarr", "geff"):
        pytest.importorskip(format)
    record = editor.record()
    path = save(editor, tmp_path / "result", format, corrections=record)
    assert read_saved(path).corrections == json.loads(json.dumps(record))
    labels, rows = read_result(path)
    lineage = Lineage(tuple(Track(*row) for row in rows))
    again = Editor(labels, lineage, read_saved(path).corrections)
    assert again.cells.locked == editor.cells.locked
    assert again.redo_text == editor.redo_text
    for one in (again, editor):
        while one.undo():
            pass
    np.testing.assert_array_equal(again.labels, editor.labels)
    assert again.lineage == editor.lineage
    # Saved again without corrections, none are left over.
    path = save(editor, tmp_path / "result", format, overwrite=True)
    assert read_saved(path).corrections is None


def test_damaged_corrections_are_a_sentence(editor, tmp_path):
    path = save(editor, tmp_path / "result", "ctc", corrections=editor.record())
    (path / "corrections.json").write_text("{")
    with pytest.raises(InputError, match="can be opened without"):
        read_saved(path)


def test_saved_masks_pass_the_validation_of_the_challenge(editor, tmp_path):
    pytest.importorskip("ctc_metrics")
    from ctc_metrics.scripts.validate import validate_sequence

    path = save(editor, tmp_path / "result", "ctc", corrections=editor.record())
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        assert validate_sequence(str(path))["Valid"] == 1


def test_graph_passes_validation_and_opens_elsewhere(editor, tmp_path):
    geff = pytest.importorskip("geff")
    from geff.validate.data import ValidationConfig, validate_data

    path = save(
        editor,
        tmp_path / "result",
        "geff",
        scale=(5.0, 0.5, 0.5),
        units=("minute", "micrometer", "micrometer"),
    )
    geff.validate_structure(path)
    reader = geff.GeffReader(path)
    reader.read_node_props()
    validate_data(reader.build(), ValidationConfig(graph=True))
    loaders = pytest.importorskip("traccuracy.loaders")
    graph = loaders.load_geff_data(str(path), load_geff_seg=True)
    n_cells = sum(t.last - t.first + 1 for t in editor.lineage.tracks)
    assert graph.graph.number_of_nodes() == n_cells
    np.testing.assert_array_equal(graph.segmentation, editor.labels)
    divided = [node for node, degree in graph.graph.out_degree() if degree > 1]
    assert len(divided) == len(editor.lineage.divisions()) == 1


def test_a_graph_is_written_with_a_frame_at_a_time_in_memory(tmp_path):
    pytest.importorskip("geff")
    side = 512

    class Drawn:
        """Labels that are drawn when they are asked for."""

        dtype = np.dtype(np.int32)

        def __init__(self, length):
            self._length = length

        def __len__(self):
            return self._length

        def __getitem__(self, t):
            frame = np.zeros((side, side), np.int32)
            frame[t : t + 20, 40:60] = 1
            return frame

    def peak(length):
        result = SavedResult(Drawn(length), [(1, 0, length - 1, 0)])
        tracemalloc.start()
        write_saved(tmp_path / f"{length}.geff", result, format="geff")
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(1)  # what is loaded once
    assert peak(32) < peak(4) + 4 * side**2 * 4
