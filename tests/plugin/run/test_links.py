"""Masks of other programs: their links are seen while costs change."""

import numpy as np
import pytest

pytest.importorskip("napari")
pytestmark = pytest.mark.gui

SHAPE = (64, 64)


def squares(*places, side=7):
    """Draw squares by their centres; None draws nothing."""
    frame = np.zeros(SHAPE, np.int32)
    half = side // 2
    for number, place in enumerate(places, start=1):
        if place is not None:
            row, column = place
            frame[row - half : row + half + 1, column - half : column + half + 1] = (
                number
            )
    return frame


#: One cell stays, one moves by a cell and a half from frame to frame, one is missing
#: in frame 3; numbers mean nothing.
MASKS = np.stack(
    [
        (3 * squares((10, 10), (30, 10 + 9 * t), None if t == 3 else (52, 50))) % 7
        for t in range(6)
    ]
)


@pytest.fixture
def masked(user):
    """Frame 2 of a movie whose cells are known, with a live preview."""
    user.viewer.add_image(np.zeros(MASKS.shape, np.float32), name="movie")
    user.viewer.add_labels(MASKS.copy(), name="masks")
    user.viewer.dims.set_current_step(0, 2)
    user.choose("layer", "movie")
    user.choose("input_kind", "labels")
    user.find("live_preview").setChecked(True)
    user.wait(lambda: "linked" in user.status)
    rest(user)
    return user


def rest(user):
    user.wait_threads()
    user.qtbot.wait(200)
    user.wait_threads()


def links(user):
    """Tell which cells have one number: sets of (frame, row) by number."""
    found = {}
    for number, frame, row, _ in user.viewer.layers["movie [links]"].data:
        found.setdefault(int(number), set()).add((int(frame), round(row)))
    return sorted(map(sorted, found.values()))


def change(user, name, value):
    user.find(name).setValue(value)


WHOLE = [
    [(t, 10) for t in range(6)],
    [(t, 30) for t in range(6)],
    [(t, 52) for t in range(6) if t != 3],
]


def test_links_change_with_a_cost_and_come_back(masked):
    assert links(masked) == WHOLE
    assert "3 of 3 cells are linked to frame 1" in masked.status
    change(masked, "farthest_move", 0.4)
    masked.wait(lambda: "2 of 3 cells are linked" in masked.status)
    assert "1 begins, 1 ends" in masked.status
    # The same is told beside the settings.
    assert masked.find("links").text() == masked.status
    assert [(2, 30)] in links(masked)
    change(masked, "farthest_move", 3.0)
    masked.wait(lambda: "3 of 3 cells are linked" in masked.status)
    assert links(masked) == WHOLE


def test_cells_and_links_have_the_same_numbers(masked):
    for frame in (2, 4, 5):
        masked.viewer.dims.set_current_step(0, frame)
        masked.wait(lambda now=frame: f"Frame {now}:" in masked.status)
        rest(masked)
        shown = masked.stack("movie [preview]")[frame]
        positions = masked.viewer.layers["movie [links]"].data
        here = positions[positions[:, 1] == frame]
        rows, columns = np.rint(here[:, 2:]).astype(int).T
        np.testing.assert_array_equal(shown[rows, columns], here[:, 0])


def test_scrolling_links_the_next_frame_and_keeps_numbers(masked):
    before = masked.stack("movie [preview]")[2].copy()
    masked.viewer.dims.set_current_step(0, 4)
    masked.wait(lambda: "Frame 4:" in masked.status)
    assert "2 of 3 cells are linked to frame 3 and 1 across a gap" in masked.status
    rest(masked)
    after = masked.stack("movie [preview]")[4]
    for row, column in ((10, 10), (52, 50)):
        assert after[row, column] == before[row, column] > 0


def test_links_go_when_something_else_is_held(masked):
    masked.find("live_preview").setChecked(False)
    assert not masked.find("links").isHidden()
    masked.choose("input_kind", "image")
    assert "movie [links]" not in masked.names
    assert masked.find("links").isHidden()


def test_a_run_takes_links_away_and_gives_what_they_told(masked):
    told = links(masked)
    masked.find("live_preview").setChecked(False)
    change(masked, "shortest_track", 1)
    masked.find("mend_masks").setChecked(False)
    masked.run()
    rest(masked)
    assert "movie [links]" not in masked.names
    assert masked.find("links").isHidden()
    found = masked.stack("movie [cells]")
    tracks = masked.viewer.layers["movie [tracks]"].data
    assert len(tracks) == sum(map(len, told))
    np.testing.assert_array_equal(found > 0, MASKS > 0)


def test_a_result_is_not_touched_and_lends_its_numbers(masked):
    masked.run()
    rest(masked)
    assert "movie [links]" not in masked.names
    cells = masked.stack("movie [cells]").copy()
    tracks = np.array(masked.viewer.layers["movie [tracks]"].data)
    change(masked, "farthest_move", 0.4)
    masked.wait(lambda: "2 of 3 cells are linked" in masked.status)
    rest(masked)
    np.testing.assert_array_equal(masked.stack("movie [cells]"), cells)
    np.testing.assert_array_equal(masked.viewer.layers["movie [tracks]"].data, tracks)
    shown = masked.stack("movie [preview]")[2]
    np.testing.assert_array_equal(shown, cells[2])


def test_a_stroke_of_the_brush_is_linked_at_once(masked):
    layer = masked.viewer.layers["masks"]
    layer.data_setitem((np.full(9, 2), np.full(9, 60), np.arange(9)), 50)
    masked.wait(lambda: "of 4 cells are linked" in masked.status)


def test_numbers_of_tracks_are_shown_as_they_are(masked):
    tracked = np.stack(
        [11 * squares((10, 10), (30, 10 + 2 * t), (52, 50)) for t in range(6)]
    )
    masked.viewer.layers["masks"].data = tracked
    change(masked, "farthest_move", 2.0)
    masked.wait(lambda: "numbers of tracks already" in masked.status)
    rest(masked)
    np.testing.assert_array_equal(masked.stack("movie [preview]")[2], tracked[2])
    numbers = set(masked.viewer.layers["movie [links]"].data[:, 0])
    assert numbers == {11, 22, 33}


def test_the_preview_button_shows_links_without_the_live_preview(masked):
    masked.find("live_preview").setChecked(False)
    masked.viewer.layers.remove("movie [links]")
    masked.click("preview")
    masked.wait_idle()
    assert links(masked) == WHOLE


def test_links_can_be_deleted_together_with_their_movie(masked):
    # napari takes what is selected away one by one, and fails where one is gone.
    for name in ("movie", "movie [links]", "movie [preview]"):
        masked.viewer.layers.remove(name)
    rest(masked)
    assert masked.names == ["masks"]


def test_links_and_previews_go_with_their_movie(masked):
    masked.viewer.layers.remove("movie")
    masked.wait(lambda: masked.names == ["masks"])


def test_a_division_is_drawn_from_the_mother_to_both_daughters(masked):
    mother = squares((30, 30), side=11)
    both = squares((30, 25), (30, 35))
    dividing = np.stack([mother, 5 * mother, *((2 + t) * both for t in range(4))])
    masked.viewer.layers["masks"].data = dividing
    change(masked, "cost_of_a_change_of_size", 0.6)
    masked.wait(lambda: "1 division, 0 begin" in masked.status)
    rest(masked)
    data = masked.viewer.layers["movie [links]"].data
    lines = {number: data[data[:, 0] == number] for number in np.unique(data[:, 0])}
    begins = sorted(
        (int(line[0, 1]), *line[0, 2:].round().astype(int).tolist())
        for line in lines.values()
    )
    assert begins == [(0, 30, 30), (1, 30, 30), (1, 30, 30)]
    change(masked, "cost_of_a_division", 5.0)
    masked.wait(lambda: "0 divisions, 1 begins" in masked.status)
