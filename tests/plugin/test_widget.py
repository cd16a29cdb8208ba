"""The widget, driven as a new user would."""

import errno
import threading
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("napari")
pytestmark = pytest.mark.gui


def test_run_scroll_cancel_run_change_h_run_export(user, gated, movie, tmp_path):
    user.viewer.add_image(gated, name="movie", contrast_limits=(-1, 1))
    user.click("run")
    user.wait(lambda: user.find("progress").value() == 4)
    for frame in (3, 0, 7, 1):
        user.viewer.dims.set_current_step(0, frame)
        user.qtbot.wait(20)
    assert user.find("cancel").isEnabled(), "scrolling takes place while it runs"
    user.click("cancel")
    assert not user.find("cancel").isEnabled(), "before its thread has ended"
    assert user.find("run").isEnabled()
    assert user.status == "Cancelled: 4 of 8 frames are kept."
    gated.open.set()
    user.wait_threads()
    cells = user.viewer.layers["movie [cells]"]
    assert [t for t in range(8) if cells.data[t].any()] == [0, 1, 2, 3]

    user.run()
    assert "tracks" in user.status
    # A cell that appears in the last frame alone is no track.
    found = user.stack("movie [cells]")
    np.testing.assert_array_equal(found[:-1] > 0, movie.labels[:-1] > 0)
    tracks = user.viewer.layers["movie [tracks]"]
    assert set(np.unique(tracks.data[:, 0])) == set(np.unique(cells.data)) - {0}
    assert cells.metadata["fastershift"]["settings"]["cluster"]["bandwidth"] == 0.1

    user.find("bandwidth").setValue(0.2)
    user.run()
    record = user.viewer.layers["movie [cells]"].metadata["fastershift"]
    assert record["settings"]["cluster"]["bandwidth"] == 0.2
    assert [row["frame"] for row in record["reports"]] == list(range(8))
    assert user.names.count("movie [cells]") == 1

    target = tmp_path / "out"
    user.qtbot.keyClicks(user.find("folder"), str(target))
    user.click("save")
    user.wait(lambda: user.status.startswith("Saved "))
    from fastershift.io import read_result

    labels, saved = read_result(target)
    np.testing.assert_array_equal(labels, found)
    assert sorted(saved) == sorted(record["tracks"])
    assert (target / "settings.toml").exists()
    assert (target / "report.csv").exists()


def test_results_lie_over_their_input_in_equal_colours(user, embeddings):
    image = user.viewer.add_image(
        embeddings,
        name="movie",
        scale=(60, 1, 0.5, 0.25),
        translate=(5, 0, 2, 3),
        rotate=np.eye(4)[[0, 1, 3, 2]] * [[1], [1], [-1], [1]],
        affine=np.diag([1, 1, 2, 3, 1]),
        units=("s", "pixel", "um", "um"),
        axis_labels=("t", "c", "y", "x"),
    )
    user.run()
    cells = user.viewer.layers["movie [cells]"]
    tracks = user.viewer.layers["movie [tracks]"]
    for layer in (cells, tracks):
        np.testing.assert_allclose(layer.scale, (60, 16, 0.5, 0.25))
        # The labels are one pixel deep, and as wide as all channels together.
        for channel in (0, 15):
            place = image.data_to_world((2, channel, 30, 40))
            point = layer.world_to_data(place)
            np.testing.assert_array_equal(np.round(point), (2, 0, 30, 40))
            np.testing.assert_allclose(np.delete(point, 1), (2, 30, 40))
        assert layer.units == image.units
        assert layer.axis_labels == ("t", "c", "y", "x")
    shown = dict(zip(tracks.data[:, 0], map(tuple, tracks.track_colors), strict=True))
    assert len(shown) > 3
    for track, colour in shown.items():
        np.testing.assert_allclose(cells.get_color(int(track)), colour, atol=1e-6)


def test_colours_on_the_canvas_are_those_of_the_tracks(
    make_napari_viewer, docked, qtbot, embeddings
):
    user = docked(make_napari_viewer(show=True), qtbot)
    user.viewer.add_image(embeddings, name="movie", visible=False)
    user.run()
    cells = user.viewer.layers["movie [cells]"]
    tracks = user.viewer.layers["movie [tracks]"]
    tracks.visible = False
    cells.opacity = 1
    user.viewer.dims.set_current_step(0, 0)
    user.qtbot.wait(200)
    picture = user.viewer.screenshot(canvas_only=True, flash=False)
    colours = {tuple(pixel) for pixel in picture.reshape(-1, 4)[:, :3].tolist()}
    for track in np.unique(cells.data[0])[1:]:
        row = int(np.flatnonzero(tracks.data[:, 0] == track)[0])
        wanted = tracks.track_colors[row][:3] * 255
        nearest = min(np.abs(np.array(list(colours)) - wanted).max(axis=1))
        assert nearest <= 2


def test_an_image_is_embedded_by_the_chosen_model(user, movie, tiny_model):
    user.viewer.add_image(movie.frames, name="movie")
    control = user.widget._form.controls["model"]
    control.touch(str(tiny_model))
    assert user.find("bandwidth").value() == pytest.approx(0.25)
    user.find("diameter").setValue(18)
    user.wait(lambda: "8 frames" in user.find("needs").text())
    assert "64 × 64" in user.find("needs").text()
    user.run()
    record = user.viewer.layers["movie [cells]"].metadata["fastershift"]
    assert record["provenance"]["model"] == "tiny"
    assert record["settings"]["cluster"]["bandwidth"] == 0.25


def test_one_frame_gives_cells_and_no_tracks(user, embeddings, movie):
    user.viewer.add_image(embeddings[0], name="frame", axis_labels=("c", "y", "x"))
    user.run()
    cells = user.viewer.layers["frame [cells]"]
    np.testing.assert_array_equal(cells.data > 0, movie.labels[0] > 0)
    assert "frame [tracks]" not in user.names


def test_preview_shows_the_frame_in_view_and_its_clusters_apart(
    user, embeddings, movie
):
    user.viewer.add_image(embeddings, name="movie")
    user.viewer.dims.set_current_step(0, 4)
    user.click("preview")
    user.wait_idle()
    preview = user.viewer.layers["movie [preview]"]
    shown = user.stack("movie [preview]")
    clusters = user.viewer.layers["movie [clusters]"]
    np.testing.assert_array_equal(shown[4] > 0, movie.labels[4] > 0)
    assert not shown[[0, 1, 2, 3, 5, 6, 7]].any()
    assert preview.visible
    assert not clusters.visible
    assert "movie [cells]" not in user.names
    assert user.find("readout_frame").text() == "4 (preview)"
    user.viewer.dims.set_current_step(0, 6)
    user.click("preview")
    user.wait_idle()
    assert user.viewer.layers["movie [preview]"].data[6].any()
    assert user.names.count("movie [preview]") == 1


def test_a_preview_gives_way_to_a_run_and_comes_back(user, gated):
    user.viewer.add_image(gated, name="movie", contrast_limits=(-1, 1))
    user.viewer.dims.set_current_step(0, 1)
    user.click("preview")
    user.wait_idle()
    preview = user.viewer.layers["movie [preview]"]
    gated.gate = 0
    user.click("run")
    assert not preview.visible, "the result is seen by itself"
    user.click("cancel")
    gated.open.set()
    user.wait_threads()
    assert "movie [cells]" not in user.names
    assert preview.visible, "no result came"
    user.run()
    assert not preview.visible
    user.click("preview")
    user.wait_idle()
    assert preview.visible, "a new one was asked for"


def test_the_read_out_follows_the_time_slider(user, movie, embeddings):
    user.viewer.add_image(embeddings, name="embedding")
    user.run()
    user.viewer.layers.remove("embedding [tracks]")
    cells = user.viewer.layers["embedding [cells]"]
    for frame in (0, 5):
        user.viewer.dims.set_current_step(0, frame)
        assert user.find("readout_frame").text() == str(frame)
        shown = int(user.find("readout_cells").text())
        assert shown == len(np.unique(cells.data[frame])) - 1
    assert "N_min" in user.find("readout_seeds_n").text()
    assert "tracks" in user.find("readout_movie").text()


def test_a_lazy_movie_is_read_frame_by_frame_in_another_thread(user, gated):
    gated.open.set()
    user.viewer.add_image(gated, name="movie", contrast_limits=(-1, 1))
    user.run()
    assert set(gated.reads) == set(range(8))


@pytest.mark.parametrize("form", ["TIFF", "Zarr", "TrackMate", "Cell-ACDC folder"])
def test_saving_asks_before_it_replaces_a_result(user, embeddings, tmp_path, form):
    from qtpy.QtCore import QTimer
    from qtpy.QtWidgets import QApplication, QMessageBox

    if form == "Zarr":
        pytest.importorskip("zarr")
    user.viewer.add_image(embeddings, name="movie")
    user.click("save")
    assert "run the stack first" in user.status
    user.run()
    user.click("save")
    assert "Choose first where" in user.status
    user.choose("format", form)
    user.qtbot.keyClicks(user.find("folder"), str(tmp_path / "result"))
    user.click("save")
    user.wait(lambda: user.status.startswith("Saved "))
    written = Path(user.status.partition(" to ")[2].removesuffix("."))
    before = written.stat().st_mtime_ns

    def answer(button):
        box = QApplication.activeModalWidget()
        if isinstance(box, QMessageBox):
            box.button(button).click()
        else:
            QTimer.singleShot(50, lambda: answer(button))

    answer(QMessageBox.StandardButton.No)
    user.click("save")
    user.wait_threads()
    assert written.stat().st_mtime_ns == before
    answer(QMessageBox.StandardButton.Yes)
    user.find("status").setText("")
    user.click("save")
    user.wait(lambda: user.status.startswith("Saved "))
    assert written.stat().st_mtime_ns > before


def test_methods_for_a_paper_are_copied(user, embeddings):
    from qtpy.QtWidgets import QApplication

    user.viewer.add_image(embeddings, name="movie")
    user.click("copy_methods")
    assert "run the stack first" in user.status
    user.run()
    user.click("copy_methods")
    assert "Copied" in user.status
    assert "fastershift" in QApplication.clipboard().text()


def test_a_failed_save_is_a_sentence(user, embeddings, tmp_path):
    (tmp_path / "file").write_text("")
    user.viewer.add_image(embeddings, name="movie")
    user.run()
    user.find("folder").setText(str(tmp_path / "file" / "result"))
    user.click("save")
    user.wait(lambda: "cannot be written" in user.status)


def test_a_failed_save_is_told_when_a_result_is_opened_meanwhile(
    user, embeddings, tmp_path, monkeypatch
):
    from qtpy.QtWidgets import QFileDialog

    go_on = threading.Event()

    def write(*_, **__):
        assert go_on.wait(60)
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("fastershift.plugin.export._section.write_saved", write)
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path))
    user.viewer.add_image(embeddings, name="movie")
    user.run()
    user.find("folder").setText(str(tmp_path / "result"))
    user.click("save")
    user.click("open_result")
    user.wait(lambda: "mask" in user.status)
    assert not user.find("save").isEnabled()
    go_on.set()
    user.wait(lambda: "No space left" in user.status)
    user.wait(user.find("save").isEnabled)


def test_settings_travel_through_a_file(user, embeddings, tmp_path):
    user.viewer.add_image(embeddings, name="movie")
    user.find("n_initial").setValue(64)
    path = tmp_path / "settings.toml"
    user.widget._loader.save(str(path))
    user.click("reset_n_initial")
    assert user.find("n_initial").value() == 128
    user.widget._loader.load(str(path))
    assert user.find("n_initial").value() == 64
    assert user.widget._form.controls["n_initial"].touched
    path.write_text('profile = "published"\n[cluster]\nmax_iter = 7\n')
    user.widget._loader.load(str(path))
    assert "max_iter = 7" in user.find("from_file").text()
    user.run()
    record = user.viewer.layers["movie [cells]"].metadata["fastershift"]
    assert record["settings"]["cluster"]["max_iter"] == 7
    user.click("forget")
    assert not user.widget._form.describe_hidden()
    path.write_text("[cluster]\nbandwidth = -1\n")
    user.widget._loader.load(str(path))
    assert "bandwidth" in user.status
