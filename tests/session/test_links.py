"""Links of given masks in a preview are those of a run, and cost only themselves."""

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import ndimage

from fastershift.pipeline import segment_movie
from fastershift.session import PreviewRequest, Session, SessionInput, _links
from fastershift.simulate import simulate_movie
from fastershift.tracking import _mask_frame

SHAPE = (72, 72)
ROWS, COLUMNS = np.mgrid[: SHAPE[0], : SHAPE[1]]


class Masks:
    """Masks that count how often each frame is read."""

    def __init__(self, labels):
        self.labels = labels
        self.shape, self.dtype, self.ndim = labels.shape, labels.dtype, labels.ndim
        self.reads = []

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, frame):
        self.reads.append(frame)
        return self.labels[frame]


def opened(labels):
    session = Session()
    movie = np.zeros(labels.shape, np.uint8)
    session.open(SessionInput(movie=movie, labels=labels))
    return session


def look(session, frame, **track):
    *_, preview = session.preview(frame, {"track": track})
    return preview


def discs(*discs):
    """Draw discs (row, column, radius), the later ones on top, in any order."""
    frame = np.zeros(SHAPE, np.int32)
    for number, (row, column, radius) in enumerate(discs, start=1):
        frame[np.hypot(ROWS - row, COLUMNS - column) <= radius] = 7 * number % 997
    return frame


@st.composite
def movies(draw):
    """Six frames of cells that move, divide, vanish for a while, come and go."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    missing, divides = draw(st.floats(0, 0.3)), draw(st.floats(0, 0.2))
    cells = [(*rng.uniform(8, 64, 2), 5.0) for _ in range(draw(st.integers(1, 7)))]
    drift, frames = rng.normal(0, draw(st.floats(0, 4)), 2), []
    for _ in range(6):
        seen = [cell for cell in cells if rng.random() >= missing]
        frames.append(discs(*(seen or cells)))
        later = []
        for row, column, radius in cells:
            row, column = np.array([row, column]) + drift + rng.normal(0, 2, 2)
            if rng.random() < divides:
                later += [(row, column - 4, 3.5), (row, column + 4, 3.5)]
            else:
                later.append((row, column, radius))
        cells = later
    return np.stack(frames)


def are_plain(frame):
    """Tell whether masks are in one piece, and their middles lie on them."""
    for cell in np.unique(frame[frame > 0]):
        middle = tuple(np.rint(np.argwhere(frame == cell).mean(axis=0)).astype(int))
        if frame[middle] != cell or ndimage.label(frame == cell)[1] > 1:
            return False
    return True


def links_of_run(masks, track):
    """Tell for each mask of each frame the mask that it is linked to."""
    result = segment_movie(None, {"track": track}, labels=masks)
    mothers = {one.id: one.parent for one in result.lineage.tracks}
    last, found = {}, {}
    for time, frame in enumerate(masks):
        seen = {}
        for cell in np.unique(frame[frame > 0]).tolist():
            track_ids = np.unique(result.labels[time][frame == cell])
            assert len(track_ids) == 1, "no pixel of a mask was changed"
            own = line = int(track_ids[0])
            while line and line not in last:
                line = mothers.get(line, 0)
            found[time, cell] = last.get(line)
            seen[own] = time, cell
        last |= seen
    return found


def links_of_preview(masks, frame, preview):
    """Tell the same of the frame in view, by what is shown."""
    last = {}
    for number, time, row, column in preview.links.positions.tolist():
        if time < frame:
            place = round(row), round(column)
            last[int(number)] = int(time), int(masks[int(time)][place])
    found = {}
    for cell in np.unique(masks[frame][masks[frame] > 0]).tolist():
        (number,) = np.unique(preview.cells[masks[frame] == cell]).tolist()
        mother = preview.links.graph.get(number, [0])[0]
        found[frame, cell] = last.get(number, last.get(mother))
    return found


COSTS = st.fixed_dictionaries(
    {
        "farthest_move": st.sampled_from([0.5, 1.5, 3.0]),
        "size_cost": st.sampled_from([0.0, 0.5, 2.0]),
        "overlap_cost": st.sampled_from([0.0, 1.0]),
        "gap_cost": st.sampled_from([0.0, 0.5, 3.0]),
        "division_cost": st.sampled_from([0.0, 0.2, 1.0]),
        "longest_gap": st.integers(0, 2),
        "remove_drift": st.booleans(),
    }
)


@settings(max_examples=40)
@given(masks=movies(), first=COSTS, then=COSTS)
def test_links_are_those_of_a_run_whatever_the_costs_were_before(masks, first, then):
    assume(all(map(are_plain, masks)))
    session = opened(masks)
    assume("already" not in look(session, 3, **first).links.sentence)
    for frame in range(1, 6):
        if frame - 3 - then["longest_gap"] > 0:
            continue
        preview = look(session, frame, mend_masks=False, **then)
        run = links_of_run(masks, {**then, "mend_masks": False})
        shown = links_of_preview(masks, frame, preview)
        assert shown == {cell: run[cell] for cell in shown}


MOVING = np.stack([discs((20, 8 + 8 * t, 5), (50, 30, 5)) for t in range(12)])
for _time in range(len(MOVING)):
    # Numbered anew in every frame.
    MOVING[_time][MOVING[_time] > 0] += _time % 5


def test_a_change_of_a_cost_reads_and_measures_nothing_again(monkeypatch):
    masks = Masks(MOVING)
    session = opened(masks)
    look(session, 6)
    # Tracks that end are compared with later frames, too.
    look(session, 6, farthest_move=0.3)
    masks.reads.clear()

    def never(*_):
        raise AssertionError("this was measured before")

    for name in ("place_cells", "overlaps", "estimate_drift"):
        monkeypatch.setattr(_mask_frame, name, never)
    for cost in ("size_cost", "overlap_cost", "gap_cost", "division_cost"):
        look(session, 6, **{cost: 0.7})
    broken = look(session, 6, farthest_move=0.35)
    assert not masks.reads
    assert "1 of 2 cells is linked to frame 5" in broken.links.sentence


def test_the_next_frame_reads_one_frame_more():
    masks = Masks(MOVING)
    session = opened(masks)
    look(session, 5)
    masks.reads.clear()
    look(session, 6)
    assert masks.reads == [6 + 3]


def test_a_longer_gap_reads_further():
    masks = Masks(MOVING)
    session = opened(masks)
    look(session, 6, longest_gap=0)
    masks.reads.clear()
    look(session, 6, longest_gap=2)
    assert masks.reads == [1, 2, 8, 9]


def test_masks_that_were_painted_are_read_again():
    labels = MOVING.copy()
    session = opened(labels)
    assert look(session, 6).report.cells == 2
    labels[6][60:66, 60:66] = 30
    session.forget_masks()
    preview = look(session, 6)
    assert preview.report.cells == 3
    assert preview.cells[62, 62] > 0


def test_the_best_of_several_masks_are_linked_and_read_again_when_painted():
    labels = [MOVING.copy(), np.where(ROWS < 35, MOVING, 0)]
    session = Session()
    movie = np.zeros(MOVING.shape, np.uint8)
    session.open(SessionInput(movie=movie, labels=labels))
    assert "2 of 2 cells are linked to frame 5" in look(session, 6).links.sentence
    labels[0][6] = labels[1][6] = 0
    session.forget_masks()
    assert look(session, 6).report.cells == 0


def test_a_region_leaves_cells_and_their_links_out():
    session = opened(MOVING)
    look(session, 6)
    session.confine(ROWS < 35, None)
    preview = look(session, 6)
    assert "1 of 1 cell is linked" in preview.links.sentence
    assert set(preview.links.positions[:, 2].round()) == {20}


def test_cells_keep_their_numbers_from_frame_to_frame_and_cost_to_cost():
    session = opened(MOVING)
    first = look(session, 3).cells
    still = first[50, 30]
    for frame in range(4, 12):
        look(session, frame, farthest_move=0.3)
        assert look(session, frame).cells[50, 30] == still
    assert np.array_equal(look(session, 3).cells, first)
    # What is cut off gets a number that nothing else has.
    broken = look(session, 3, farthest_move=0.3)
    assert broken.cells[20, 32] == first[20, 32]
    assert len(np.unique(broken.links.positions[:, 0])) == 1 + 9 - 2


def test_numbers_of_a_result_are_taken_over():
    session = opened(MOVING)
    result = np.where(ROWS < 35, 41, 17) * (MOVING[4] > 0)
    request = PreviewRequest(4, like=lambda _frame: result, above=50)
    *_, preview = session.preview(request)
    np.testing.assert_array_equal(preview.cells, result)
    assert set(preview.links.positions[:, 0]) == {41, 17}
    *_, broken = session.preview(request, {"track": {"farthest_move": 0.3}})
    assert set(broken.links.positions[:, 0]) - {41, 17} <= set(range(51, 99))


MOTHER = [discs((30, 30, 7)), discs((30, 30, 7))]
DAUGHTERS = [discs((30, 24, 5), (30, 36, 5)) + 20 * (t % 2) for t in range(4)]
DAUGHTERS = [np.where(frame % 20, frame, 0) for frame in DAUGHTERS]


def test_a_division_is_an_edge_from_the_mother_to_both():
    session = opened(np.stack(MOTHER + DAUGHTERS))
    preview = look(session, 2)
    assert len(preview.links.graph) == 2
    ((mother,), _) = preview.links.graph.values()
    born = preview.links.positions[preview.links.positions[:, 0] == mother]
    assert born[:, 1].tolist() == [0, 1]
    assert sorted(preview.links.graph) == np.unique(preview.cells)[1:].tolist()
    assert "2 of 2 cells are linked to frame 1; 1 division, 0 begin" in (
        preview.links.sentence
    )
    none = look(session, 2, division_cost=5.0)
    assert not none.links.graph
    assert "1 of 2 cells is linked to frame 1; 0 divisions, 1 begins, 0 end." in (
        none.links.sentence
    )


def test_gaps_first_frames_and_frames_without_a_cell_are_told():
    both = discs((20, 20, 5), (50, 50, 5))
    masks = np.stack([both, both + (both > 0), both, both + (both > 0)])
    masks[1][ROWS > 35] = 0
    session = opened(masks)
    assert look(session, 0).links.sentence == (
        "Frame 0: 2 cells. No frame lies before it to be linked to."
    )
    assert "0 begin, 0 end" in look(session, 1).links.sentence
    assert "0 begin, 1 ends" in look(session, 1, longest_gap=0).links.sentence
    assert look(session, 2).links.sentence == (
        "Frame 2: 1 of 2 cells is linked to frame 1 and 1 across a gap; 0 divisions, "
        "0 begin, 0 end."
    )
    masks[2] = 0
    session.forget_masks()
    assert "0 of 0 cells" in look(session, 2).links.sentence


def test_numbers_of_tracks_are_shown_and_nothing_is_linked():
    masks = np.stack([discs((20, 20 + t, 5), (50, 50, 5)) for t in range(6)])
    masks[masks == 7] = 2_000_000_001
    preview = look(opened(masks), 3)
    np.testing.assert_array_equal(preview.cells, masks[3])
    assert set(preview.links.positions[:, 0]) == set(np.unique(masks)[1:])
    assert "already" in preview.links.sentence
    assert not preview.links.graph


def test_a_mask_that_is_cut_for_a_frame_is_one_cell_again():
    whole, halves = discs((30, 30, 7)), discs((30, 30, 7))
    halves[(halves > 0) & (COLUMNS > 30)] = 2
    frames = [whole, whole, halves, whole, whole]
    # Numbered anew in every frame.
    session = opened(np.stack([frame * (5 + t) for t, frame in enumerate(frames)]))
    preview = look(session, 2)
    numbers, frames = preview.links.positions[:, :2].T
    assert len(set(numbers)) == 1
    assert frames.tolist() == [0, 1, 2, 3, 4]
    assert np.abs(preview.links.positions[:, 2:] - 30).max() < 1


def test_a_network_is_asked_once_and_links_are_shown_before(monkeypatch):
    movie = simulate_movie(4, (96, 96), 6, diameter=24, kind="nuclei", seed=1)
    rng = np.random.default_rng(0)
    masks = [np.r_[0, 1 + rng.permutation(99)][frame] for frame in movie.labels]
    session = Session()
    session.open(SessionInput(movie=movie.frames, labels=np.stack(masks)))
    track = {"vote_weight": 0.8}
    before, after = filter(None, session.preview(2, {"track": track}))
    assert before.links.sentence.endswith("Asking the network …")
    assert "Asking" not in after.links.sentence
    asked = []
    monkeypatch.setattr(_links, "votes_at", lambda *_: asked.append(1))
    (again,) = filter(None, session.preview(2, {"track": {"vote_weight": 0.3}}))
    assert "are linked to frame 1" in again.links.sentence
    assert not asked
