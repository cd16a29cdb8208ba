"""What happens to a running job when the user does something else."""

import numpy as np
import pytest

pytest.importorskip("napari")
pytestmark = pytest.mark.gui


@pytest.fixture
def running(user, gated):
    """A first run that has finished four of eight frames and waits."""
    user.viewer.add_image(gated, name="movie", contrast_limits=(-1, 1))
    user.click("run")
    user.wait(lambda: user.find("progress").value() == 4)
    return user


def test_a_removed_input_cancels_its_job(running, gated):
    running.viewer.layers.remove("movie")
    assert not running.find("cancel").isEnabled()
    assert "movie was removed, so the run was cancelled" in running.status
    gated.open.set()
    running.wait_threads()
    assert running.names == ["movie [cells]"]
    assert not running.find("run").isEnabled()


def test_what_was_told_of_a_movie_goes_with_it(user, embeddings):
    user.viewer.add_image(embeddings, name="movie", contrast_limits=(-1, 1))
    user.viewer.add_image(embeddings[:4], name="other", contrast_limits=(-1, 1))
    user.choose("layer", "movie")
    user.click("preview")
    user.wait_idle()
    assert "cells in" in user.status
    user.choose("layer", "other")
    assert user.status == ""
    user.click("preview")
    user.wait_idle()
    user.viewer.layers.remove("other")
    assert user.status == ""
    # Previews of the movie that is still there stay.
    user.wait(lambda: not any(name.startswith("other") for name in user.names))
    assert user.names == ["movie", "movie [preview]", "movie [clusters]"]


def test_a_run_that_has_no_frames_can_be_deleted_with_its_movie(user, gated):
    gated.gate = 0
    user.viewer.add_image(gated, name="movie", contrast_limits=(-1, 1))
    user.click("run")
    # napari takes what is selected away one by one, and fails where one is gone.
    for name in ("movie", "movie [cells]"):
        user.viewer.layers.remove(name)
    gated.open.set()
    user.wait_threads()
    assert user.names == []


def test_a_removed_result_cancels_its_job(running, gated):
    running.viewer.layers.remove("movie [cells]")
    assert "movie [cells] was removed" in running.status
    gated.open.set()
    running.wait_threads()
    assert running.names == ["movie"]
    running.run()
    assert running.names == ["movie", "movie [cells]", "movie [tracks]"]


def test_replaced_data_cancel_the_job(running, gated, embeddings):
    running.viewer.layers["movie"].data = embeddings[:5]
    assert "data of movie were changed" in running.status
    gated.open.set()
    running.wait_threads()
    running.run()
    assert running.status.startswith("5 frames")
    assert running.viewer.layers["movie [cells]"].data.shape[0] == 5


def test_a_renamed_input_still_gets_its_result(running, gated, movie):
    running.viewer.layers["movie"].name = "my cells"
    assert running.find("layer").currentText() == "my cells"
    gated.open.set()
    running.wait_idle()
    cells = running.viewer.layers["movie [cells]"]
    np.testing.assert_array_equal(
        running.stack(cells.name)[:-1] > 0, movie.labels[:-1] > 0
    )
    running.run()
    assert running.names.count("movie [cells]") == 1
    assert "my cells [cells]" not in running.names


def test_choosing_another_layer_does_not_disturb_a_run(running, gated, embeddings):
    running.viewer.add_image(embeddings[:3], name="other")
    running.choose("layer", "other")
    gated.open.set()
    running.wait_idle()
    assert running.viewer.layers["movie [cells]"].data.shape[0] == 8
    assert "other [cells]" not in running.names


def test_a_run_without_any_frame_leaves_no_layer(user, gated):
    gated.gate = 0
    user.viewer.add_image(gated, name="movie", contrast_limits=(-1, 1))
    user.click("run")
    cells = user.viewer.layers["movie [cells]"]
    assert user.stack("movie [cells]").shape == (8, 64, 64)
    assert not cells.data.any()
    assert not cells.editable
    user.click("cancel")
    gated.open.set()
    user.wait_threads()
    assert user.names == ["movie"]


def test_a_cancelled_re_run_restores_the_former_result(running, gated):
    gated.open.set()
    running.wait_idle()
    cells = running.viewer.layers["movie [cells]"]
    tracks = running.viewer.layers["movie [tracks]"]
    labels, positions = cells.data.copy(), tracks.data.copy()
    graph, record = dict(tracks.graph), cells.metadata["fastershift"]
    gated.open.clear()
    running.find("bandwidth").setValue(1.2)
    running.click("run")
    running.wait(lambda: running.find("progress").value() == 4)
    running.click("cancel")
    assert running.status == "Cancelled: the former result is shown again."
    np.testing.assert_array_equal(cells.data, labels)
    np.testing.assert_array_equal(tracks.data, positions)
    assert dict(tracks.graph) == graph
    assert cells.metadata["fastershift"] == record
    gated.open.set()
    running.wait_threads()
    np.testing.assert_array_equal(cells.data, labels)


def test_an_error_in_the_worker_is_a_sentence_and_keeps_frames(running, gated):
    from napari.utils.notifications import notification_manager

    gated.failing.add(5)
    gated.open.set()
    running.wait_idle()
    assert "the disk went away" in running.status
    assert "5 of 8 frames are kept" in running.status or "4 of 8" in running.status
    assert any("disk" in note.message for note in notification_manager.records)
    notification_manager.records.clear()
    gated.failing.clear()
    running.run()
    assert "tracks" in running.status


def test_a_run_asked_for_during_the_end_of_another_waits_for_it(running, gated):
    running.click("cancel")
    running.click("run")
    assert running.find("cancel").isEnabled()
    assert gated.reads.count(0) == 1, "the old thread is still there"
    gated.open.set()
    running.wait_idle()
    assert "8 frames" in running.status


def test_closing_the_dock_ends_the_job(running, gated):
    cells = running.viewer.layers["movie [cells]"]
    running.viewer.window.remove_dock_widget("all")
    running.widget.deleteLater()
    running.qtbot.wait(100)
    gated.open.set()
    running.wait_threads()
    running.qtbot.wait(50)
    running.viewer.dims.set_current_step(0, 2)
    running.viewer.layers.remove("movie")
    assert not cells.data[5:].any()


def test_closing_the_dock_in_a_re_run_restores_the_former_result(running, gated):
    gated.open.set()
    running.wait_idle()
    cells = running.viewer.layers["movie [cells]"]
    labels, record = cells.data.copy(), cells.metadata["fastershift"]
    gated.open.clear()
    running.find("bandwidth").setValue(1.2)
    running.click("run")
    running.wait(lambda: running.find("progress").value() == 4)
    assert not np.array_equal(cells.data, labels)
    running.viewer.window.remove_dock_widget("all")
    running.widget.deleteLater()
    running.qtbot.wait(100)
    gated.open.set()
    running.wait_threads()
    np.testing.assert_array_equal(cells.data, labels)
    assert cells.metadata["fastershift"] == record
    assert cells.editable


def test_closing_napari_ends_the_job(make_napari_viewer, docked, qtbot, gated):
    from qtpy.QtCore import QThreadPool, QTimer

    user = docked(make_napari_viewer(), qtbot)
    user.viewer.add_image(gated, name="movie", contrast_limits=(-1, 1))
    user.click("run")
    user.wait(lambda: user.find("progress").value() == 4)
    QTimer.singleShot(100, gated.open.set)
    user.viewer.close()
    qtbot.waitUntil(lambda: QThreadPool.globalInstance().activeThreadCount() == 0)
    assert max(gated.reads) < 7


def test_two_viewers_do_not_meet(make_napari_viewer, docked, qtbot, gated, embeddings):
    first = docked(make_napari_viewer(), qtbot)
    second = docked(make_napari_viewer(), qtbot)
    first.viewer.add_image(gated, name="a", contrast_limits=(-1, 1))
    second.viewer.add_image(embeddings[:4], name="b")
    assert first.find("layer").currentText() == "a"
    assert second.find("layer").currentText() == "b"
    first.click("run")
    first.wait(lambda: first.find("progress").value() == 4)
    second.run()
    assert second.names == ["b", "b [cells]", "b [tracks]"]
    assert first.find("cancel").isEnabled()
    gated.open.set()
    first.wait_idle()
    assert first.names == ["a", "a [cells]", "a [tracks]"]


def test_what_was_corrected_meanwhile_is_brought_together_in_the_background(
    user, embeddings
):
    import threading

    from fastershift.plugin.run import Reconciled

    user.viewer.add_image(embeddings, name="movie")
    user.run()
    threads = []

    def reconcile(result):
        threads.append(threading.current_thread())
        stands = len(threads) == 3
        return Reconciled(result.labels, lambda: result, lambda: stands)

    user.widget._runs.reconcile = lambda *_: reconcile
    user.run()
    assert len(threads) == 3
    assert threading.main_thread() not in threads
    assert "tracks" in user.status
    assert user.viewer.layers["movie [cells]"].metadata["fastershift"]["tracks"]


@pytest.fixture
def another(user, embeddings, gated):
    """Another movie whose result is being corrected, and a gated one chosen."""
    user.viewer.add_image(embeddings[:3, :, :32], name="other")
    user.run()
    user.viewer.add_image(gated, name="movie", contrast_limits=(-1, 1))
    user.choose("layer", "movie")
    user.viewer.layers.selection = {user.viewer.layers["other [cells]"]}
    assert user.widget._correct.corrector.corrections is not None
    return user


def test_choosing_a_movie_whose_result_is_corrected_does_not_end_a_run(another, gated):
    another.click("run")
    another.wait(lambda: another.find("progress").value() == 4)
    another.choose("layer", "other")
    # What was told of the former movie goes at once, and comes after the run.
    assert another.find("needs").text() == "…"
    gated.open.set()
    another.wait_idle()
    assert another.status.startswith("8 frames")
    another.wait(lambda: another.find("needs").text().startswith("3 frames"))


def test_a_run_that_is_cancelled_then_says_what_is_kept(another, gated):
    another.click("run")
    another.wait(lambda: another.find("progress").value() == 4)
    another.choose("layer", "other")
    another.click("cancel")
    assert another.status == "Cancelled: 4 of 8 frames are kept."
    assert another.viewer.layers["movie [cells]"].editable
    gated.open.set()
    another.wait_threads()


def test_a_preview_is_shown_though_another_movie_is_chosen_meanwhile(another, gated):
    another.viewer.dims.set_current_step(0, 6)
    another.click("preview")
    another.choose("layer", "other")
    gated.open.set()
    another.wait_idle()
    assert another.stack("movie [preview]").shape == (8, 64, 64)
    assert another.stack("movie [preview]")[6].any()
