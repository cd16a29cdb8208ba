"""Corrections by hand, driven by mouse and keys on the canvas."""

import numpy as np
import pytest

from helpers.canvas import Canvas

pytest.importorskip("napari")
pytestmark = pytest.mark.gui


class Hand(Canvas):
    """Also turns the wheel and presses keys, and knows the cells of the layer."""

    @property
    def labels(self):
        return np.squeeze(self.layer.data)

    def middle(self, track, frame):
        """A pixel of a cell that is nearest to its middle."""
        rows, columns = np.nonzero(self.labels[frame] == track)
        assert rows.size, f"there is no cell {track} in frame {frame}"
        far = np.hypot(rows - rows.mean(), columns - columns.mean())
        return int(rows[far.argmin()]), int(columns[far.argmin()])

    def go(self, frame):
        self.user.viewer.dims.set_current_step(0, frame)

    def click_cell(self, track, frame):
        self.go(frame)
        self.click(*self.middle(track, frame))

    def wheel(self, row, column, turns):
        from qtpy.QtCore import QPoint, QPointF, Qt
        from qtpy.QtGui import QWheelEvent
        from qtpy.QtWidgets import QApplication

        place = QPointF(self.place(row, column))
        for _ in range(abs(turns)):
            event = QWheelEvent(
                place,
                place,
                QPoint(0, 0),
                QPoint(0, 120 if turns > 0 else -120),
                Qt.MouseButton.NoButton,
                Qt.KeyboardModifier.NoModifier,
                Qt.ScrollPhase.NoScrollPhase,
                False,
            )
            QApplication.sendEvent(self.native, event)

    def press(self, keys):
        from qtpy.QtCore import Qt

        *modifiers, key = keys.split("+")
        held = Qt.KeyboardModifier.NoModifier
        names = {"Ctrl": "ControlModifier", "Shift": "ShiftModifier"}
        for name in modifiers:
            held |= getattr(Qt.KeyboardModifier, names[name])
        code = getattr(Qt.Key, f"Key_{key}")
        self.user.qtbot.keyClick(self.native, code, held)

    def settle(self):
        """Wait for splits, previews and what is being followed."""
        corrector = self.user.widget._correct.corrector
        self.user.wait(lambda: not (corrector.tools.busy or corrector.follower.busy))

    @property
    def message(self):
        return self.user.find("correct_status").text()

    @property
    def tracks(self):
        return {
            row[0]: tuple(row[1:])
            for row in self.layer.metadata["fastershift"]["tracks"]
        }

    def check(self):
        """Labels and lineage belong together, as the Challenge asks."""
        from fastershift.tracking import Lineage, Track
        from helpers.validity import ctc_problems

        rows = [Track(track, *row) for track, row in self.tracks.items()]
        assert ctc_problems(self.labels, Lineage(tuple(rows))) == []


@pytest.fixture
def hand(make_napari_viewer, docked, qtbot, embeddings):
    """The tracked movie on the screen, zoomed in, ready for corrections."""
    viewer = make_napari_viewer(show=True)
    viewer.window.resize(1200, 900)
    user = docked(viewer, qtbot)
    user.find("show_correct").setChecked(True)
    viewer.add_image(embeddings, name="movie", contrast_limits=(-1, 1))
    user.run()
    user.wait_threads()
    layer = viewer.layers["movie [cells]"]
    viewer.layers["movie [tracks]"].visible = False
    viewer.reset_view()
    qtbot.wait(100)
    hand = Hand(user, layer)
    hand.native.setFocus()
    return hand


def lasting(hand, first=2, last=5):
    """Tracks that are there from one frame to another."""
    return [t for t, (a, b, _) in hand.tracks.items() if a <= first and b >= last]


def test_merge_split_delete_and_shape_by_mouse_and_key(hand):
    one, two = lasting(hand)[:2]
    before = hand.labels.copy()
    areas = [np.count_nonzero(before[3] == track) for track in (one, two)]
    seeds = [hand.middle(track, 3) for track in (one, two)]

    hand.press("J")
    assert hand.user.find("merge").isChecked()
    hand.click_cell(one, 3)
    hand.click_cell(two, 3)
    hand.press("8")
    assert hand.message == f"Merged {one} and {two} in frame 3."
    assert np.count_nonzero(hand.labels[3] == one) == sum(areas)
    np.testing.assert_array_equal(hand.labels[[0, 1, 2]], before[[0, 1, 2]])
    hand.check()

    hand.press("Ctrl+Z")
    np.testing.assert_array_equal(hand.labels, before)
    hand.press("Ctrl+Shift+Z")
    assert np.count_nonzero(hand.labels[3] == one) == sum(areas)

    hand.press("S")
    for seed in seeds:
        hand.click(*seed)
    hand.press("8")
    hand.settle()
    assert "Split" in hand.message
    parts = [hand.labels[3][seed] for seed in seeds]
    assert parts[0] != parts[1]
    np.testing.assert_array_equal(hand.labels[3] > 0, before[3] > 0)
    for part, area in zip(parts, areas, strict=True):
        assert np.count_nonzero(hand.labels[3] == part) == area
    hand.check()

    for key, grows in (("G", True), ("Shift+G", False)):
        area = np.count_nonzero(hand.labels[3] == parts[0])
        hand.press(key)
        hand.click(*seeds[0])
        hand.press("8")
        grown = np.count_nonzero(hand.labels[3] == parts[0]) > area
        assert grown == grows, key

    hand.press("D")
    hand.click(*seeds[1])
    hand.press("9")
    assert not (hand.labels[3:] == parts[1]).any()
    hand.check()
    while hand.user.find("undo").isEnabled():
        hand.press("Ctrl+Z")
    np.testing.assert_array_equal(hand.labels, before)


def test_brushing_across_cells_gathers_them(hand):
    one, two = lasting(hand)[:2]
    zoom = hand.user.viewer.scene.camera.center
    hand.go(3)
    hand.user.click("merge")
    hand.drag(hand.middle(one, 3), hand.middle(two, 3))
    assert hand.user.viewer.scene.camera.center == zoom, "the view stays"
    hand.user.click("this_frame")
    assert "Merged" in hand.message
    assert str(one) in hand.message
    assert str(two) in hand.message
    hand.press("Q")
    assert not hand.user.find("merge").isChecked()


def test_identities_by_mouse_and_key(hand):
    one, two = lasting(hand)[:2]
    before, rows = hand.labels.copy(), hand.tracks
    pixels = [hand.middle(track, 4) for track in (one, two)]

    hand.press("W")
    hand.click_cell(one, 4)
    hand.click(*pixels[1])
    assert "Swapped" in hand.message
    assert [hand.labels[4][pixel] for pixel in pixels] == [two, one]
    np.testing.assert_array_equal(hand.labels[:4], before[:4])
    hand.check()
    hand.press("Ctrl+Z")

    hand.press("Shift+U")
    hand.click_cell(one, 4)
    assert hand.tracks[one][1] == 3
    cut = int(hand.labels[4][pixels[0]])
    assert cut != one
    hand.check()

    hand.press("U")
    hand.click_cell(one, 3)
    assert hand.user.viewer.dims.current_step[0] == 4, "it goes on to the next frame"
    hand.click(*pixels[0])
    assert hand.tracks[one][1] >= 4
    np.testing.assert_array_equal(hand.labels, before)
    assert hand.tracks == rows

    third = next(t for t in lasting(hand, 4, 5) if t not in (one, two))
    hand.press("T")
    hand.click_cell(one, 3)
    hand.click_cell(two, 4)
    hand.click_cell(third, 4)
    children = [t for t, row in hand.tracks.items() if row[2] == one]
    assert len(children) == 2
    hand.check()
    hand.press("Shift+T")
    hand.click_cell(one, 3)
    assert not [t for t, row in hand.tracks.items() if row[2] == one]
    hand.check()
    for _ in range(6):
        hand.press("Ctrl+Z")
    np.testing.assert_array_equal(hand.labels, before)
    assert hand.tracks == rows


def test_gaps_are_filled_by_a_key_and_a_click(hand):
    cell = lasting(hand)[0]
    before, rows = hand.labels.copy(), hand.tracks
    hand.press("D")
    hand.click_cell(cell, 4)
    hand.press("8")
    gap, parted = hand.labels.copy(), hand.tracks
    assert not (gap[4] == cell).any()
    assert parted != rows

    hand.press("Shift+H")
    assert hand.user.find("fill_gaps").isChecked()
    hand.click_cell(cell, 3)
    assert hand.message == f"Put {cell} into 1 frame."
    found, lost = hand.labels[4] == cell, before[4] == cell
    assert (found & lost).sum() > 0.6 * (found | lost).sum()
    assert hand.tracks == rows
    corrections = hand.user.widget._correct.corrector.corrections
    assert corrections.record()["filled"] == [[4, [cell]]]
    hand.check()
    hand.press("Ctrl+Z")
    np.testing.assert_array_equal(hand.labels, gap)
    assert hand.tracks == parted
    hand.press("Ctrl+Z")
    np.testing.assert_array_equal(hand.labels, before)


def test_a_cell_is_added_by_click_and_followed(hand):
    lost = lasting(hand, 2, 6)[0]
    before = hand.labels.copy()
    seed = hand.middle(lost, 2)
    hand.press("D")
    hand.click_cell(lost, 2)
    hand.press("9")
    assert not (hand.labels[2:] == lost).any()
    hand.user.click("unlock_all")

    zoom = hand.user.viewer.scene.camera.zoom
    hand.press("A")
    hand.click(*seed)
    hand.settle()
    assert hand.message.startswith("h = 0.100")
    preview = hand.user.viewer.layers["movie [new cell]"]
    np.testing.assert_array_equal(preview.data > 0, before[2] == lost)
    hand.wheel(*seed, 2)
    hand.settle()
    assert hand.message.startswith("h = 0.125")
    assert hand.user.viewer.scene.camera.zoom == zoom, "the wheel does not zoom"
    assert not hand.labels[2][seed], "nothing is added yet"
    hand.press("9")
    hand.settle()
    assert not preview.data.any()
    for frame in range(2, 6):
        new = hand.labels[frame] == hand.labels[2][seed]
        old = before[frame] == lost
        assert (new & old).sum() > 0.8 * (new | old).sum(), frame
    assert "Followed through" in hand.message
    hand.check()
    hand.press("Ctrl+Z")
    assert not hand.labels[2][seed], "one step back takes all of it"
    assert not hand.labels[4][before[4] == lost].any()


def test_embeddings_of_another_movie_are_not_followed(hand, embeddings):
    from napari.layers import Layer

    user, corrector = hand.user, hand.user.widget._correct.corrector
    user.viewer.add_image(embeddings[:, ::-1], name="other")
    user.choose("layer", "other")
    data, attributes, kind = hand.layer.as_layer_data_tuple()
    hand.layer.visible = False
    hand.layer = Layer.create(data.copy(), {**attributes, "name": "copy"}, kind)
    user.viewer.add_layer(hand.layer)
    user.viewer.layers.selection.active = hand.layer
    user.wait(lambda: corrector.layer == hand.layer and not corrector.preparing)
    cell = lasting(hand)[0]
    seed = hand.middle(cell, 2)
    hand.press("D")
    hand.click_cell(cell, 2)
    hand.press("9")
    user.click("unlock_all")
    hand.press("A")
    hand.click(*seed)
    hand.settle()
    assert "choose the image layer that the cells come from" in hand.message
    user.choose("layer", "movie")
    user.wait(lambda: not corrector.preparing)
    hand.click(*seed)
    hand.settle()
    assert hand.message.startswith("h = ")


def test_painting_is_a_part_of_the_history(hand):
    cell = lasting(hand)[0]
    before = hand.labels.copy()
    row, column = hand.middle(cell, 3)
    hand.go(3)
    hand.user.viewer.layers.selection.active = hand.layer
    hand.layer.selected_label = cell
    hand.press("E")
    assert hand.layer.mode == "erase"
    hand.layer.brush_size = 3
    hand.drag((row, column), (row, column + 3))
    assert hand.labels[3][row, column] == 0
    assert hand.message == f"Erased {cell} in frame 3."
    hand.check()
    hand.press("Ctrl+Z")
    np.testing.assert_array_equal(hand.labels, before)
    hand.press("Ctrl+Shift+Z")
    assert hand.labels[3][row, column] == 0
    hand.press("H")
    hand.press("P")
    assert not hand.user.find("fill_holes").isChecked(), "the brush is in hand now"
    hand.press("M")
    new = hand.layer.selected_label
    hand.drag((row, column), (row, column + 1))
    assert hand.labels[3][row, column] == new
    assert hand.tracks[new] == (3, 3, 0)
    hand.check()
    hand.layer.undo()
    assert hand.labels[3][row, column] == new, "napari has no history of its own"
    hand.press("Ctrl+Z")
    hand.press("Ctrl+Z")
    np.testing.assert_array_equal(hand.labels, before)


def test_a_brush_through_time_is_kept_to_its_frame(hand):
    cell = lasting(hand)[0]
    before = hand.labels.copy()
    row, column = hand.middle(cell, 3)
    hand.go(3)
    hand.user.viewer.layers.selection.active = hand.layer
    hand.layer.n_edit_dimensions = 3
    assert hand.layer.n_edit_dimensions == 2
    assert hand.message.startswith("The brush paints in one frame at a time")
    hand.press("E")
    hand.layer.brush_size = 5
    hand.drag((row, column), (row, column + 3))
    changed = [t for t in range(len(before)) if (hand.labels[t] != before[t]).any()]
    assert changed == [3]
    hand.press("Ctrl+Z")
    np.testing.assert_array_equal(hand.labels, before)


def test_locks_are_drawn_and_hold_in_a_re_run(hand):
    one, two = lasting(hand)[:2]
    hand.press("J")
    hand.click_cell(one, 3)
    hand.click_cell(two, 3)
    hand.press("8")
    hand.press("Q")
    locked = hand.user.viewer.layers["movie [locked]"]
    hand.user.wait(lambda: locked.data[:, 0].tolist() == [3])
    merged = hand.labels[3] == one
    hand.user.find("bandwidth").setValue(0.2)
    hand.user.run()
    np.testing.assert_array_equal(hand.labels[3] == one, merged)
    hand.check()
    other = int(hand.labels[4].max())
    hand.click_cell(other, 4)
    assert hand.layer.selected_label == other
    hand.press("R")
    hand.user.wait(lambda: len(locked.data) == 2)
    hand.press("Shift+R")
    hand.user.wait(lambda: len(locked.data) == 1)
    hand.user.click("unlock_all")
    hand.user.wait(lambda: len(locked.data) == 0)
    hand.press("Ctrl+Z")
    hand.user.wait(lambda: len(locked.data) == 1)


def test_tracks_stay_in_step(hand):
    one, two = lasting(hand)[:2]
    hand.press("D")
    hand.click_cell(one, 3)
    hand.press("0")
    tracks = hand.user.viewer.layers["movie [tracks]"]
    hand.user.wait(lambda: one not in set(tracks.data[:, 0].astype(int)))
    assert two in set(tracks.data[:, 0].astype(int))
    hand.press("Ctrl+Z")
    hand.user.wait(lambda: one in set(tracks.data[:, 0].astype(int)))


def test_what_cannot_be_done_is_said(hand):
    hand.press("J")
    hand.click(0, 0)
    assert hand.message == "There is no cell here."
    hand.press("8")
    assert "Click the cells" in hand.message
    assert not hand.user.find("this_frame").isEnabled()
    hand.press("Ctrl+Z")
    assert hand.message == "There is nothing to undo."


def test_keys_leave_napari_its_own():
    from napari.layers import Labels
    from napari.utils.key_bindings import KeyBinding, coerce_keybinding
    from napari.utils.shortcuts import default_shortcuts

    from fastershift.plugin.qt._keys import SHORTCUTS

    ours = {coerce_keybinding(shortcut.key) for shortcut in SHORTCUTS}
    assert len(ours) == len(SHORTCUTS)
    kept = {
        KeyBinding.from_str(str(key))
        for name, keys in default_shortcuts.items()
        if any(word in name for word in ("label", "brush", "polygon", "image"))
        for key in keys
    }
    assert not ours & kept
    undo = {coerce_keybinding(key) for key in ("Control-Z", "Control-Shift-Z")}
    assert ours & set(Labels.class_keymap) == undo


def test_a_cell_locked_while_a_new_run_was_being_taken_over_is_kept(hand):
    """Between the worker that prepares it and the window that shows it."""
    from fastershift.editing import Delete, Lock

    section = hand.user.widget._correct
    corrections = section.corrector.corrections
    runs = hand.user.widget._runs
    frame = 3
    track, gone = lasting(hand)[:2]
    keep = runs.reconcile
    prepared = []

    def meanwhile(cells, shape):
        prepare = keep(cells, shape)

        def late(result):
            reconciled = prepare(result)
            prepared.append(reconciled)
            if len(prepared) == 1:
                # A hand that is faster than the queue of the window.
                corrections.do(Delete(frame, (gone,)))
                corrections.do(Lock(frame, track))
            return reconciled

        return late

    region = corrections.cells.region(frame, track)
    deleted = corrections.cells.region(frame, gone)
    runs.reconcile = meanwhile
    hand.user.run()
    assert len(prepared) == 2
    shown = hand.labels[frame]
    assert len(np.unique(shown[region.box][region.mask])) == 1
    assert not shown[deleted.box][deleted.mask].any()
    assert len(corrections.cells.locked[frame]) == 1
