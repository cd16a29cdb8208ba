"""Places to look at, and corrections that come back with a saved result."""

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("napari")
pytestmark = pytest.mark.gui


@pytest.fixture
def tracked(user, embeddings, movie):
    """A movie with its truth as the result, but for a cell that is lost for a while."""
    from fastershift.config import Settings
    from fastershift.plugin.files._readers import track_layers
    from fastershift.plugin.layers._record import ResultRecord

    labels = movie.labels.copy()
    tracks = [tuple(track) for track in movie.tracks]
    inside = np.zeros(labels.shape[1:], bool)
    inside[4:-4, 4:-4] = True
    lost, end = next(
        (t, first + 1)
        for t, first, last, _ in tracks
        if last >= first + 3 and not (labels[first + 1][~inside] == t).any()
    )
    user.lost, user.end = lost, end
    labels[end + 1 :][labels[end + 1 :] == lost] = 0
    tracks = [
        (t, a, end if t == lost else b, 0 if p == lost else p) for t, a, b, p in tracks
    ]
    user.viewer.add_image(embeddings[:, 0], name="movie", axis_labels=tuple("tyx"))
    record = ResultRecord(settings=Settings().model_dump(mode="json"))
    for data, attributes, kind in track_layers(labels, tracks, "movie", record=record):
        getattr(user.viewer, f"add_{kind}")(data, **attributes)
    user.wait_threads()
    return user


def test_places_are_found_visited_and_ticked_off(tracked):
    from qtpy.QtCore import Qt

    tracked.click("find_places")
    tracked.wait(lambda: tracked.find("places").count() > 0)
    places = tracked.find("places")
    texts = [places.item(row).text() for row in range(places.count())]
    assert any(
        f"Frame {tracked.end}" in text and str(tracked.lost) in text for text in texts
    )
    zoom = tracked.viewer.scene.camera.zoom
    tracked.click("next")
    assert places.currentRow() == 0
    assert tracked.viewer.scene.camera.zoom > 0
    frame = int(texts[0].split()[1].rstrip(":"))
    assert tracked.viewer.dims.current_step[0] == frame
    assert tracked.find("looked_at").text() == f"0 of {len(texts)} looked at"
    tracked.click("next")
    assert tracked.find("looked_at").text() == f"1 of {len(texts)} looked at"
    assert places.item(0).checkState() == Qt.CheckState.Checked
    tracked.click("back")
    assert places.currentRow() == 0
    assert zoom != tracked.viewer.scene.camera.zoom


def test_a_saved_result_brings_its_corrections_back(
    tracked, tmp_path, make_napari_viewer, docked, qtbot
):
    corrector = tracked.widget._correct.corrector
    cells = tracked.viewer.layers["movie [cells]"]
    tracked.click("find_places")
    tracked.wait(lambda: tracked.find("places").count() > 0)
    tracked.click("next")
    tracked.click("next")
    looked_at = tracked.find("looked_at").text()
    cells.selected_label = int(cells.data[4].max())
    tracked.viewer.dims.set_current_step(0, 4)
    corrector.history.lock()
    before = cells.data.copy()
    from fastershift.plugin.correct._tools import Pick

    row, column = np.argwhere(cells.data[4] == cells.selected_label)[0]
    corrector.tools.select("delete")
    corrector.tools.click(Pick(4, int(row), int(column), int(cells.selected_label)))
    corrector.tools.accept("onwards")
    text = tracked.find("correct_status").text()
    target = tmp_path / "result"
    tracked.find("folder").setText(str(target))
    tracked.click("save")
    tracked.wait(lambda: tracked.status.startswith("Saved "))

    again = docked(make_napari_viewer(), qtbot)
    again.viewer.open(str(target), plugin="fastershift")
    opened = next(layer for layer in again.viewer.layers if "[cells]" in layer.name)
    np.testing.assert_array_equal(opened.data, cells.data)
    other = again.widget._correct.corrector
    again.wait(lambda: other.corrections is not None)
    assert opened.metadata["fastershift"]["settings"]["cluster"]["bandwidth"] == 0.1
    assert other.corrections.undo_text == text
    assert other.corrections.cells.locked == corrector.corrections.cells.locked
    assert again.find("looked_at").text() == looked_at
    again.click("undo")
    np.testing.assert_array_equal(opened.data, before)
    again.click("redo")
    np.testing.assert_array_equal(opened.data, cells.data)
    assert Path(target / "corrections.json").exists()


@pytest.mark.parametrize("form", ["ctc", "tiff", "zarr", "geff"])
def test_every_format_can_be_opened_again_from_the_widget(
    form, tracked, tmp_path, monkeypatch, make_napari_viewer, docked, qtbot
):
    from qtpy.QtWidgets import QFileDialog

    from fastershift.plugin.export._section import _FORMATS

    if form in ("zarr", "geff"):
        pytest.importorskip(form)
    name = next(text for text, value in _FORMATS.items() if value == form)
    corrector = tracked.widget._correct.corrector
    cells = tracked.viewer.layers["movie [cells]"]
    cells.selected_label = int(cells.data[4].max())
    tracked.viewer.dims.set_current_step(0, 4)
    corrector.history.lock()
    text = tracked.find("correct_status").text()
    tracked.find("format").setCurrentText(name)
    tracked.find("folder").setText(str(tmp_path / "result"))
    tracked.click("save")
    tracked.wait(lambda: tracked.status.startswith("Saved "))
    saved = str(tracked.widget._export.path)

    again = docked(make_napari_viewer(), qtbot)
    again.find("format").setCurrentText(name)
    for ask in ("getExistingDirectory", "getOpenFileName"):
        answer = saved if ask == "getExistingDirectory" else (saved, "")
        monkeypatch.setattr(QFileDialog, ask, lambda *_, answer=answer: answer)
    again.click("open_result")
    again.wait(lambda: again.status == f"Opened {saved}.")
    opened = again.viewer.layers["result [cells]"]
    np.testing.assert_array_equal(opened.data, cells.data)
    rows = opened.metadata["fastershift"]["tracks"]
    assert sorted(rows) == sorted(cells.metadata["fastershift"]["tracks"])
    assert opened.metadata["fastershift"]["settings"]["cluster"]["bandwidth"] == 0.1
    other = again.widget._correct.corrector
    again.wait(lambda: other.corrections is not None)
    assert other.corrections.undo_text == text
    assert other.corrections.cells.locked == corrector.corrections.cells.locked


def test_what_is_no_result_is_said(tracked, tmp_path, monkeypatch):
    from qtpy.QtWidgets import QFileDialog

    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path))
    tracked.click("open_result")
    tracked.wait_threads()
    tracked.wait(lambda: not tracked.status.startswith("Opening"))
    assert "mask" in tracked.status
    assert "movie [cells]" in tracked.names


def test_a_lost_list_of_tracks_is_said(tracked, tmp_path, monkeypatch):
    from qtpy.QtWidgets import QFileDialog

    from fastershift.io import SavedResult, write_saved

    saved = write_saved(
        tmp_path / "r", SavedResult(np.ones((2, 6, 8), np.int32), []), format="tiff"
    )
    (tmp_path / "r_tracks.txt").unlink()
    tracked.find("format").setCurrentText("TIFF")
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(saved), ""))
    tracked.click("open_result")
    tracked.wait(lambda: tracked.status.startswith("Opened"))
    assert "r_tracks.txt is not beside r.tif" in tracked.status
    (tmp_path / "r_settings.toml").write_text("[track]\ndivision_cost = -9\n")
    tracked.click("open_result")
    tracked.wait(lambda: "track.division_cost cannot be used" in tracked.status)
    tracked.click("use_layer_settings")
    assert tracked.status.startswith("The setting track.division_cost cannot be used")


def crash(folder):
    """Let it look as if another process had written what lies in the cache."""
    for one in (folder / "autosave").iterdir():
        one.rename(one.with_name(f"99999999-{one.name}"))


def test_unsaved_corrections_are_offered_after_a_crash(
    tracked, unsaved, tmp_path, make_napari_viewer, docked, qtbot
):
    cells = tracked.viewer.layers["movie [cells]"]
    tracked.viewer.dims.set_current_step(0, 4)
    cells.selected_label = int(cells.data[4].max())
    tracked.click("lock")
    text = tracked.find("correct_status").text()
    tracked.widget._correct.autosave.write()
    tracked.wait(lambda: any(unsaved.glob("autosave/*/movie.tif")))
    tracked.wait_threads()
    assert tracked.find("restore").isHidden() or not tracked.find("autosave").text()
    crash(unsaved)

    again = docked(make_napari_viewer(), qtbot)
    assert "Corrections of movie" in again.find("autosave").text()
    again.click("restore")
    again.wait(lambda: "movie [cells]" in again.names)
    opened = again.viewer.layers["movie [cells]"]
    np.testing.assert_array_equal(opened.data, cells.data)
    other = again.widget._correct.corrector
    again.wait(lambda: other.corrections is not None)
    assert other.corrections.undo_text == text
    again.widget._correct.autosave.write()
    # It is that of this sitting now.
    again.wait(lambda: not any(unsaved.glob("autosave/99999999-*")))
    assert any(unsaved.glob(f"autosave/*-{id(opened)}/movie.tif"))

    # Saving begins while it is being written once more.
    again.widget._correct.autosave.write()
    again.find("folder").setText(str(tmp_path / "result"))
    again.click("save")
    again.wait(lambda: again.status.startswith("Saved "))
    # What is saved needs no autosave.
    again.wait(lambda: not any(unsaved.glob(f"autosave/*-{id(opened)}")))
    again.wait_threads()
    assert not any(unsaved.glob(f"autosave/*-{id(opened)}"))


def test_what_is_restored_and_saved_is_not_offered_again(
    tracked, unsaved, tmp_path, make_napari_viewer, docked, qtbot
):
    tracked.viewer.dims.set_current_step(0, 4)
    cells = tracked.viewer.layers["movie [cells]"]
    cells.selected_label = int(cells.data[4].max())
    tracked.click("lock")
    tracked.widget._correct.autosave.write()
    tracked.wait(lambda: any(unsaved.glob("autosave/*/movie.tif")))
    tracked.wait_threads()
    crash(unsaved)
    again = docked(make_napari_viewer(), qtbot)
    again.click("restore")
    again.wait(lambda: "movie [cells]" in again.names)
    again.find("folder").setText(str(tmp_path / "result"))
    again.click("save")
    again.wait(lambda: again.status.startswith("Saved "))
    again.wait(lambda: not any(unsaved.glob("autosave/99999999-*")))


def test_edits_made_while_the_result_is_saved_are_kept(
    tracked, unsaved, tmp_path, monkeypatch
):
    import threading

    from fastershift.plugin.export import _section

    autosave, corrector = tracked.widget._correct.autosave, tracked.widget._correct
    cells = tracked.viewer.layers["movie [cells]"]
    written, go_on = threading.Event(), threading.Event()
    write_result = _section.write_saved

    def slowly(*arguments, **options):
        written.set()
        assert go_on.wait(120)
        return write_result(*arguments, **options)

    def lock(frame):
        tracked.viewer.dims.set_current_step(0, frame)
        cells.selected_label = int(cells.data[frame].max())
        tracked.click("lock")

    monkeypatch.setattr(_section, "write_saved", slowly)
    lock(4)
    tracked.find("folder").setText(str(tmp_path / "result"))
    tracked.click("save")
    tracked.wait(written.is_set)
    lock(2)
    go_on.set()
    tracked.wait(lambda: tracked.status.startswith("Saved "))
    assert autosave._rest.isActive(), "the second lock is saved nowhere"
    autosave.write()
    file = "autosave/*/movie_corrections.json"
    tracked.wait(lambda: any(unsaved.glob(file)))
    tracked.wait_threads()
    saved = json.loads((tmp_path / "result" / "corrections.json").read_text())
    kept = json.loads(next(unsaved.glob(file)).read_text())
    assert [frame for frame, _ in saved["locks"]] == [4]
    assert [frame for frame, _ in kept["locks"]] == [2, 4]
    assert corrector.corrector.known.all[cells].revision == 2
    # What is kept as it is, is not written again.
    next(unsaved.glob(file)).unlink()
    autosave.write()
    tracked.wait_threads()
    assert not any(unsaved.glob(file))


@pytest.mark.parametrize("removed", [False, True])
def test_the_last_edit_is_kept_when_the_window_is_closed(
    tracked, unsaved, qtbot, removed
):
    cells = tracked.viewer.layers["movie [cells]"]
    tracked.viewer.dims.set_current_step(0, 0)
    cells.selected_label = int(cells.data[0].max())
    tracked.click("lock")
    if removed:
        # As napari does with all of them.
        del cells
        tracked.viewer.layers.clear()
    with qtbot.waitSignal(tracked.widget._correct.autosave.destroyed):
        tracked.widget.deleteLater()
    kept = json.loads(
        next(unsaved.glob("autosave/*/movie_corrections.json")).read_text()
    )
    assert [frame for frame, _ in kept["locks"]] == [0]


def test_a_table_or_a_tree_is_no_copy_of_the_corrections(tracked, unsaved, tmp_path):
    cells = tracked.viewer.layers["movie [cells]"]
    cells.selected_label = int(cells.data[0].max())
    tracked.click("lock")
    tracked.widget._correct.autosave.write()
    tracked.wait(lambda: any(unsaved.glob("autosave/*/movie.tif")))
    for name in ("CSV tables", "Newick tree"):
        tracked.find("format").setCurrentText(name)
        tracked.find("folder").setText(str(tmp_path / name))
        tracked.click("save")
        tracked.wait(lambda: tracked.status.startswith("Saved "))
        tracked.wait_threads()
        assert any(unsaved.glob("autosave/*/movie.tif"))


def take_up_another(tracked, cells):
    """Correct a copy of the cells from now on."""
    other = tracked.viewer.add_labels(
        cells.data.copy(), name="other [cells]", metadata=dict(cells.metadata)
    )
    tracked.viewer.layers.selection.active = other
    tracked.wait(lambda: tracked.widget._correct.corrector.layer is other)


def test_what_was_edited_last_is_kept_when_another_result_is_taken_up(tracked, unsaved):
    cells = tracked.viewer.layers["movie [cells]"]
    cells.selected_label = int(cells.data[0].max())
    tracked.click("lock")
    take_up_another(tracked, cells)
    tracked.widget._correct.autosave.write()
    tracked.wait(lambda: any(unsaved.glob("autosave/*/movie.tif")))
    tracked.wait_threads()
    assert not any(unsaved.glob("autosave/*/other.tif"))


def test_a_run_that_shows_its_frames_does_not_take_the_place_of_corrections(
    tracked, unsaved
):
    from fastershift.io import read_saved
    from fastershift.plugin.layers._outputs import RunLayers

    autosave = tracked.widget._correct.autosave
    cells = tracked.viewer.layers["movie [cells]"]
    cells.selected_label = int(cells.data[0].max())
    tracked.click("lock")
    corrected = cells.data.copy()
    run = RunLayers(tracked.widget._runs.outputs, tracked.viewer.layers["movie"], "TYX")
    run.show_frame(np.zeros(tracked.stack("movie [cells]").shape, np.int32), True)
    assert not cells.data.any()
    autosave.write()
    file = "autosave/*/movie_corrections.json"
    tracked.wait(lambda: any(unsaved.glob(file)))
    tracked.wait_threads()
    kept = next(unsaved.glob("autosave/*/movie.tif"))
    np.testing.assert_array_equal(read_saved(kept).labels.ravel(), corrected.ravel())
    tracked.wait(lambda: not autosave._writes.busy)
    assert not autosave._changed()
    run.end_early()


def test_corrections_that_others_have_replaced_are_not_written(tracked, unsaved):
    autosave = tracked.widget._correct.autosave
    cells = tracked.viewer.layers["movie [cells]"]
    cells.selected_label = int(cells.data[0].max())
    tracked.click("lock")
    take_up_another(tracked, cells)
    cells.data = np.zeros_like(cells.data)
    autosave._rest.stop()
    autosave.write()
    tracked.wait_threads()
    tracked.wait(lambda: not autosave._writes.busy)
    assert not any(unsaved.glob("autosave/*/movie.tif"))
    assert not autosave._rest.isActive(), "it would be written again and again"
    assert cells not in autosave._edited


def test_corrections_that_cannot_be_kept_are_kept_at_the_next_edit(tracked, unsaved):
    def lock(frame):
        tracked.viewer.dims.set_current_step(0, frame)
        cells.selected_label = int(cells.data[frame].max())
        tracked.click("lock")
        tracked.widget._correct.autosave.write()

    cells = tracked.viewer.layers["movie [cells]"]
    unsaved.mkdir(parents=True, exist_ok=True)
    in_the_way = unsaved / "autosave"
    in_the_way.write_text("a file where the folder is to be")
    lock(4)
    status = tracked.find("correct_status")
    tracked.wait(lambda: status.text().startswith("The corrections were not saved: "))
    tracked.wait_threads()
    in_the_way.unlink()
    lock(2)
    file = "autosave/*/movie_corrections.json"
    tracked.wait(lambda: any(unsaved.glob(file)))
    tracked.wait_threads()
    kept = json.loads(next(unsaved.glob(file)).read_text())
    assert [frame for frame, _ in kept["locks"]] == [2, 4]


def test_a_new_run_is_corrected_with_its_own_lineage(user, embeddings):
    user.viewer.add_image(embeddings, name="movie")
    user.run()
    user.wait_threads()
    cells = user.viewer.layers["movie [cells]"]
    rows = lambda: list(cells.metadata["fastershift"]["tracks"])  # noqa: E731
    former = rows()
    user.find("bandwidth").setValue(1.2)
    user.run()
    assert rows() != former
    assert user.widget._correct.corrector.corrections.lineage.rows() == rows()


def test_what_others_make_of_the_pixels_is_corrected(tracked):
    from fastershift.editing import Delete

    cells = tracked.viewer.layers["movie [cells]"]
    corrector = tracked.widget._correct.corrector
    assert corrector.corrections is not None
    for dtype in (np.int32, np.uint16):
        smoothed = cells.data.copy()
        smoothed[0, :3, :3] += 100
        cells.data = smoothed.astype(dtype)
        tracked.wait(
            lambda: np.may_share_memory(corrector.corrections.labels, cells.data)
        )
        said = tracked.find("correct_status").text()
        assert said.endswith("Corrections start again.")
    tracked.viewer.dims.set_current_step(0, 1)
    cell = int(cells.data[1].max())
    corrector.make(Delete(1, (cell,)))
    assert not (cells.data[1] == cell).any()
    cells.mode = "paint"
    cells.paint((1, 5, 5), 400)
    assert corrector.corrections.undo_text == "Painted 400 in frame 1."
    corrector.undo()
    corrector.undo()
    np.testing.assert_array_equal(cells.data, smoothed)
