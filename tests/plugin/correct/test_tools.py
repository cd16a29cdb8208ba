"""Tools for correcting by hand: which clicks they take, and the edit that follows."""

import pytest

pytest.importorskip("napari")

from qtpy.QtCore import QObject

from fastershift.editing import (
    Delete,
    FillGaps,
    FillHoles,
    Grow,
    Link,
    MarkDivision,
    Merge,
    RemoveDivision,
    Shrink,
    Swap,
    Unlink,
)
from fastershift.plugin.correct._tool_state import ToolState
from fastershift.plugin.correct._tools import TOOLS, Pick, edit_of
from fastershift.tracking import Lineage, Track

LINEAGE = Lineage(
    (Track(1, 0, 3), Track(2, 4, 9, 1), Track(3, 4, 9, 1), Track(4, 0, 9))
)


def pick(track, frame=2, row=5, column=6):
    return Pick(frame, row, column, track)


class Used:
    """A tool in use, and what it says."""

    def __init__(self, name):
        self.owner = QObject()
        self.state = ToolState(self.owner)
        self.said, self.ready = [], []
        self.state.message.connect(self.said.append)
        self.state.ready.connect(lambda: self.ready.append(self.tracks))
        self.state.select(name)

    @property
    def tracks(self):
        return [one.track for one in self.state.picks]

    def click(self, *picks):
        for one in picks:
            self.state.click(one)
        return self


@pytest.mark.parametrize("tool", TOOLS.values(), ids=TOOLS)
class TestEveryTool:
    def test_it_says_what_to_do_before_each_click(self, tool):
        used = Used(tool.name)
        for number in range(tool.least):
            assert used.state.prompt == tool.prompts[min(number, len(tool.prompts) - 1)]
            assert not used.state.complete
            used.click(pick(number + 1 if tool.name != "split" else 1, row=number))
        assert used.state.complete

    def test_it_acts_at_its_last_click_or_waits_to_be_told_how_far(self, tool):
        used = Used(tool.name)
        same = tool.name == "split"
        used.click(*(pick(1 if same else n + 1, row=n) for n in range(tool.least)))
        assert bool(used.ready) == (not tool.scoped)

    def test_a_click_beside_all_cells_is_said_and_not_taken(self, tool):
        used = Used(tool.name).click(pick(0))
        if tool.name == "add_by_click":
            assert used.tracks == [0]
        else:
            assert used.said == ["There is no cell here."]
            assert used.tracks == []

    def test_its_sentences_are_sentences(self, tool):
        for sentence in (tool.tip, *tool.prompts):
            assert sentence[0].isupper()
            assert sentence.endswith(".")

    def test_it_never_holds_more_clicks_than_it_takes(self, tool):
        used = Used(tool.name)
        used.click(*(pick(n, row=n) for n in range(1, 9)))
        assert len(used.tracks) <= tool.most


class TestClicks:
    def test_without_a_tool_nothing_happens(self):
        used = Used("").click(pick(1))
        assert used.state.prompt == ""
        assert not used.state.complete
        assert used.tracks == []

    def test_a_second_click_on_a_cell_takes_it_back(self):
        used = Used("merge").click(pick(1), pick(4), pick(1))
        assert used.tracks == [4]

    def test_another_frame_begins_anew_unless_the_tool_goes_across(self):
        assert Used("merge").click(pick(1), pick(4, frame=3)).tracks == [4]
        used = Used("link").click(pick(1), pick(4, frame=3))
        assert used.tracks == [1, 4]
        assert used.ready == [[1, 4]]

    def test_parts_of_one_cell_are_split_and_another_cell_begins_anew(self):
        used = Used("split").click(pick(1, row=1), pick(1, row=9), pick(1, row=5))
        assert used.tracks == [1, 1, 1]
        assert used.click(pick(4)).tracks == [4]

    def test_the_last_clicked_cell_counts_where_one_is_wanted(self):
        assert Used("grow").click(pick(1), pick(4)).tracks == [4]
        assert Used("add_by_click").click(pick(0, row=1), pick(0, row=9)).tracks == [0]

    def test_brushing_over_a_cell_twice_keeps_it(self):
        used = Used("merge")
        for track in (1, 1, 4, 1):
            used.state.brush(pick(track))
        assert used.tracks == [1, 4]

    def test_selecting_a_tool_drops_the_clicks_of_another(self):
        used = Used("merge").click(pick(1))
        used.state.select("delete")
        assert used.tracks == []
        assert used.state.prompt == TOOLS["delete"].prompts[0]

    def test_daughters_may_lie_in_another_frame_than_their_mother(self):
        used = Used("mark_division").click(
            pick(1, frame=3), pick(2, frame=4), pick(3, frame=4)
        )
        assert used.ready == [[1, 2, 3]]


def edit(name, *picks, scope="frame", until=None):
    return edit_of(TOOLS[name], picks, scope, until, LINEAGE)


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (edit("merge", pick(1), pick(4)), Merge(2, (1, 4))),
        (edit("delete", pick(4), scope="track"), Delete(2, (4,), "track", None)),
        (edit("grow", pick(4), scope="until", until=7), Grow(2, 4, 1, "until", 7)),
        (edit("shrink", pick(4)), Shrink(2, 4, 1, "frame", None)),
        (edit("fill_holes", pick(4)), FillHoles(2, 4, 1, "frame", None)),
        (edit("link", pick(1), pick(4, frame=5)), Link(2, 1, 5, 4)),
        (edit("unlink", pick(4)), Unlink(2, 4)),
        (edit("swap", pick(1), pick(4)), Swap(2, 1, 4)),
        (edit("fill_gaps", pick(4)), FillGaps(2, 4)),
        (
            edit("mark_division", pick(1, frame=3), pick(2, frame=4), pick(3, frame=4)),
            MarkDivision(4, 1, (2, 3), 3),
        ),
    ],
    ids=lambda one: type(one).__name__,
)
def test_clicks_ask_for_an_edit(made, expected):
    assert made == expected


def test_a_division_is_removed_at_the_parent_or_at_the_daughter_that_goes_on():
    assert edit("remove_division", pick(1)) == RemoveDivision(2, 1)
    assert edit("remove_division", pick(3, frame=6)) == RemoveDivision(6, 1, 3)


def test_a_daughter_with_buds_is_no_division_of_its_own():
    buds = Track(5, 5, 9, 3), Track(6, 6, 9, 3)
    lineage = Lineage((*LINEAGE.tracks, *buds))
    tool = TOOLS["remove_division"]
    for clicked, expected in [
        (3, RemoveDivision(6, 1, 3)),
        (6, RemoveDivision(6, 3, 6)),
        (1, RemoveDivision(6, 1)),
    ]:
        made = edit_of(tool, [pick(clicked, frame=6)], "frame", None, lineage)
        assert made == expected


def test_what_embeddings_work_out_is_no_edit_yet():
    assert edit("split", pick(1), pick(1)) is None
    assert edit("add_by_click", pick(0)) is None
