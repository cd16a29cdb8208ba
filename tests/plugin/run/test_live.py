"""Live preview under the hands of an impatient user."""

import threading

import numpy as np
import pytest

pytest.importorskip("napari")
pytestmark = pytest.mark.gui

PATIENCE = 120
END = object()


class Watch:
    """Stands between the widget and its session, and may hold previews up."""

    def __init__(self, session):
        self._preview = session.preview
        self._lock = threading.Lock()
        self.running = self.most = 0
        self.asked = []
        self.gate = threading.Event()
        self.gate.set()
        self.fails = False
        session.preview = self

    def __call__(self, request, settings, **options):
        self.asked.append((request.frame, settings, options.get("region")))
        steps = self._preview(request, settings, **options)
        yield None
        item = None
        while item is not END:
            item = self._step(steps)
            if item is not END:
                yield item

    def _step(self, steps):
        with self._lock:
            self.running += 1
            self.most = max(self.most, self.running)
        try:
            assert self.gate.wait(PATIENCE)
            if self.fails:
                raise RuntimeError("the disk went away")
            return next(steps, END)
        finally:
            with self._lock:
                self.running -= 1

    @property
    def bandwidths(self):
        return [asked.get("cluster", {}).get("bandwidth") for _, asked, _ in self.asked]


@pytest.fixture
def live(user, embeddings):
    """A movie whose first frame is shown with a live preview."""
    user.viewer.add_image(embeddings, name="movie")
    user.viewer.dims.set_current_step(0, 0)
    user.watch = Watch(user.widget._runs.session)
    user.shown = []
    user.widget._runs.previewed.connect(user.shown.append)
    user.find("live_preview").setChecked(True)
    user.wait(lambda: len(user.shown) > 0)
    # The layer of the preview is news, too, and may lead to another one.
    user.qtbot.wait(200)
    assert at_rest(user)
    user.shown.clear()
    user.watch.asked.clear()
    return user


def shows(user, bandwidth):
    """Tell whether the last preview that was shown has this bandwidth."""
    values = [one.settings.cluster.bandwidth for one in user.shown]
    return values[-1:] == [bandwidth]


def at_rest(user):
    user.wait(lambda: not user.widget._runs._tasks.busy)
    user.wait_threads()
    user.qtbot.wait(50)
    return not user.watch.running


def test_a_storm_of_changes_shows_some_and_the_last(live):
    for step in range(100):
        live.find("bandwidth").setValue(0.1 + 0.002 * step)
        live.qtbot.wait(10)
    live.wait(lambda: shows(live, 0.298))
    assert at_rest(live)
    assert live.watch.most == 1
    during = len(live.shown) - 1
    assert 0 < during < 100
    layer = live.viewer.layers["movie [preview]"]
    record = layer.metadata["fastershift"]
    assert record["settings"]["cluster"]["bandwidth"] == 0.298
    assert not layer._undo_history
    assert live.find("run").isEnabled()


def test_of_many_changes_the_newest_waits_and_wins(live):
    live.watch.gate.clear()
    live.find("bandwidth").setValue(0.15)
    live.wait(lambda: live.watch.running == 1)
    for value in (0.16, 0.17, 0.18):
        live.find("bandwidth").setValue(value)
        live.qtbot.wait(20)
    assert live.watch.bandwidths == [0.15]
    live.watch.gate.set()
    live.wait(lambda: shows(live, 0.18))
    assert at_rest(live)
    assert live.watch.bandwidths == [0.15, 0.18]
    assert [one.settings.cluster.bandwidth for one in live.shown] == [0.15, 0.18]


def test_the_frame_that_was_left_is_dropped(live, movie):
    live.watch.gate.clear()
    live.viewer.dims.set_current_step(0, 3)
    live.wait(lambda: live.watch.running == 1)
    live.viewer.dims.set_current_step(0, 5)
    live.qtbot.wait(50)
    live.watch.gate.set()
    live.wait(lambda: len(live.shown) > 0)
    assert at_rest(live)
    assert [one.frame for one in live.shown] == [5]
    stack = live.stack("movie [preview]")
    np.testing.assert_array_equal(stack[5] > 0, movie.labels[5] > 0)
    assert not stack[3].any()


def test_switched_off_nothing_more_is_shown(live):
    live.watch.gate.clear()
    live.find("bandwidth").setValue(0.2)
    live.wait(lambda: live.watch.running == 1)
    live.find("live_preview").setChecked(False)
    live.watch.gate.set()
    assert at_rest(live)
    live.find("bandwidth").setValue(0.25)
    live.qtbot.wait(50)
    assert not live.shown
    assert len(live.watch.asked) == 1


def test_a_run_goes_before_the_preview(live):
    live.watch.gate.clear()
    live.find("bandwidth").setValue(0.2)
    live.wait(lambda: live.watch.running == 1)
    live.click("run")
    assert live.find("cancel").isEnabled()
    live.watch.gate.set()
    live.wait_idle()
    assert "tracks" in live.status
    assert not live.shown


def test_a_removed_layer_takes_its_preview_along(live):
    live.watch.gate.clear()
    live.find("bandwidth").setValue(0.2)
    live.wait(lambda: live.watch.running == 1)
    live.viewer.layers.clear()
    live.watch.gate.set()
    assert at_rest(live)
    assert live.names == []
    assert not live.shown


def test_an_error_is_told_and_the_next_preview_comes(live):
    live.watch.fails = True
    with live.qtbot.capture_exceptions():
        live.find("bandwidth").setValue(0.2)
        live.wait(lambda: "the disk went away" in live.status)
    live.watch.fails = False
    live.find("bandwidth").setValue(0.21)
    live.wait(lambda: shows(live, 0.21))


def test_one_key_flips_between_two_settings(live):
    live.find("bandwidth").setValue(0.12)
    live.find("settings_b").click()
    live.find("bandwidth").setValue(0.3)
    live.wait(lambda: shows(live, 0.3))
    key = {str(bound): call for bound, call in live.viewer.keymap.items()}["K"]
    for letter, value in (("a", 0.12), ("b", 0.3), ("a", 0.12)):
        key(live.viewer)
        assert live.find(f"settings_{letter}").isChecked()
        assert live.find("bandwidth").value() == pytest.approx(value)
        live.wait(lambda value=value: shows(live, value))


def test_settings_that_cannot_be_used_are_not_left(user):
    user.find("settings_b").click()
    user.find("low").setValue(6)
    user.find("settings_a").click()
    assert user.find("settings_b").isChecked()
    assert "H must be at least 2·L" in user.status
    user.find("low").setValue(3)
    for letter, value in (("a", 2), ("b", 3)):
        user.find(f"settings_{letter}").click()
        assert user.find(f"settings_{letter}").isChecked()
        assert user.find("low").value() == value


def test_settings_that_cannot_be_used_any_more_are_kept(user, tmp_path):
    from fastershift.rshn import RSHN, ModelCard, save_model

    path = tmp_path / "mine.safetensors"
    card = ModelCard(
        name="mine",
        filters=2,
        levels=2,
        channels=4,
        diameter=18,
        settings={"cluster": {"high": 64}},
    )
    save_model(RSHN(2, 2, 4), card, path)
    user.find("settings_b").click()
    user.widget._input.model.touch(str(path))
    user.find("low").setValue(20)
    user.find("settings_a").click()
    user.find("n_initial").setValue(64)
    path.rename(tmp_path / "moved")
    for _ in range(2):
        user.find("settings_b").click()
        assert user.find("settings_a").isChecked()
        assert "H must be at least 2·L" in user.status
        assert user.find("n_initial").value() == 64
    (tmp_path / "moved").rename(path)
    for letter, low in (("b", 20), ("a", 2)):
        user.find(f"settings_{letter}").click()
        assert user.find(f"settings_{letter}").isChecked()
        assert user.find("low").value() == low
    assert user.find("n_initial").value() == 64


def test_cells_of_the_result_keep_their_colours(live):
    live.find("live_preview").setChecked(False)
    live.run()
    live.find("live_preview").setChecked(True)
    live.find("bandwidth").setValue(0.2)
    live.wait(lambda: shows(live, 0.2))
    np.testing.assert_array_equal(
        live.stack("movie [preview]")[0], live.stack("movie [cells]")[0]
    )


def test_only_what_is_in_view(make_napari_viewer, docked, qtbot, embeddings, movie):
    user = docked(make_napari_viewer(show=True), qtbot)
    user.viewer.add_image(embeddings, name="movie", visible=True)
    user.viewer.dims.set_current_step(0, 0)
    user.viewer.scene.camera.center = np.argwhere(movie.labels[0] == 1).mean(axis=0)
    user.viewer.scene.camera.zoom *= 4
    user.qtbot.wait(200)
    user.watch = Watch(user.widget._runs.session)
    user.find("preview_visible_only").setChecked(True)
    user.find("live_preview").setChecked(True)
    user.wait(lambda: "movie [preview]" in user.names)
    rows, columns = user.watch.asked[0][2]
    assert 8 < rows.stop - rows.start < 48
    frame = user.stack("movie [preview]")[0].copy()
    inside = np.zeros(frame.shape, bool)
    inside[rows, columns] = True
    assert frame[inside].any()
    assert not frame[~inside].any()


def test_two_viewers_preview_each_its_own(
    make_napari_viewer, docked, qtbot, embeddings, movie
):
    users = [docked(make_napari_viewer(), qtbot) for _ in range(2)]
    for user, frame in zip(users, (2, 6), strict=True):
        user.viewer.add_image(embeddings, name="movie")
        user.viewer.dims.set_current_step(0, frame)
        user.find("live_preview").setChecked(True)
    for user, frame in zip(users, (2, 6), strict=True):
        user.wait(lambda user=user: "movie [preview]" in user.names)
        stack = user.stack("movie [preview]")
        np.testing.assert_array_equal(stack[frame] > 0, movie.labels[frame] > 0)
        user.wait_threads()


@pytest.mark.parametrize("job", ["run", "live_preview"])
def test_napari_is_closed_meanwhile(user, gated, job):
    user.viewer.add_image(gated, name="movie", contrast_limits=(-1, 1))
    user.viewer.dims.set_current_step(0, 5)
    user.find(job).click()
    user.wait(lambda: 5 in gated.reads or 4 in gated.reads)
    user.viewer.close()
    gated.open.set()
    user.wait_threads()


def test_a_stroke_in_the_mask_of_an_embedding_is_shown_at_once(user, embeddings):
    mask = np.ones(embeddings.shape[2:], np.int32)
    user.viewer.add_image(embeddings, name="movie")
    layer = user.viewer.add_labels(mask, name="mask")
    user.choose("layer", "movie")
    user.choose("background", "mask layer")
    user.find("live_preview").setChecked(True)
    shown = lambda: user.stack("movie [preview]")[:, 40:].any()  # noqa: E731
    user.wait(lambda: "movie [preview]" in user.names and shown())
    rows, columns = np.nonzero(mask)
    below = rows >= 40
    layer.data_setitem((rows[below], columns[below]), 0)
    user.wait(lambda: not shown())
