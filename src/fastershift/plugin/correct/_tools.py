"""The tools for correcting by hand: which clicks each wants, and the edit they make."""

from collections.abc import Sequence
from dataclasses import dataclass

from fastershift.editing import (
    Delete,
    Edit,
    FillGaps,
    FillHoles,
    Grow,
    Link,
    MarkDivision,
    Merge,
    RemoveDivision,
    Scope,
    Shrink,
    Swap,
    Unlink,
)
from fastershift.tracking import Lineage

__all__ = ["TOOLS", "Pick", "Tool", "edit_of"]


@dataclass(frozen=True)
class Pick:
    """A click into the movie.

    Attributes
    ----------
    frame, row, column : int
        Where.
    track : int
        The cell there; 0 is background.
    """

    frame: int
    row: int
    column: int
    track: int


@dataclass(frozen=True)
class Tool:
    """How a tool is used.

    Attributes
    ----------
    name : str
        Object name of its button.
    title, tip : str
        What the button says, and its tooltip.
    prompts : tuple of str
        What to do next, by the number of clicks so far; the last one stays.
    least : int
        Clicks it needs.
    most : int
        Clicks it takes; further ones replace the first.
    scoped : bool
        Whether it waits to be told how far it reaches; otherwise it acts at the last
        click.
    across : bool
        Whether the clicks may lie in different frames.
    follows : bool
        Whether the embeddings carry it through time.
    repeats : bool
        Whether the clicks stay for the next time.
    """

    name: str
    title: str
    tip: str
    prompts: tuple[str, ...]
    least: int = 1
    most: int = 1000
    scoped: bool = True
    across: bool = False
    follows: bool = False
    repeats: bool = False


_HOW_FAR = (
    "Choose how far: this frame, from here on, until a frame, or the whole track."
)

TOOLS = {
    tool.name: tool
    for tool in (
        Tool(
            "merge",
            "Merge",
            "Merge several cells into one: click them, or brush across them.",
            ("Click the cells that belong together, or brush across them.",) * 2
            + (_HOW_FAR,),
            least=2,
            follows=True,
        ),
        Tool(
            "split",
            "Split",
            "Split a cell: click into each of its parts.",
            ("Click into each part of the cell.",) * 2 + (_HOW_FAR,),
            least=2,
            follows=True,
        ),
        Tool(
            "delete",
            "Delete",
            "Delete cells.",
            ("Click the cells to delete.", _HOW_FAR),
        ),
        Tool(
            "add_by_click",
            "Add by click",
            "Add the cell under a click; turn the wheel to make it smaller or larger.",
            ("Click the missing cell.", f"Turn the wheel. {_HOW_FAR}"),
            most=1,
            follows=True,
        ),
        Tool(
            "grow",
            "Grow",
            "Grow a cell by one pixel on all sides.",
            ("Click the cell to grow.", _HOW_FAR),
            most=1,
            repeats=True,
        ),
        Tool(
            "shrink",
            "Shrink",
            "Shrink a cell by one pixel on all sides.",
            ("Click the cell to shrink.", _HOW_FAR),
            most=1,
            repeats=True,
        ),
        Tool(
            "fill_holes",
            "Fill holes",
            "Fill the background that a cell encloses.",
            ("Click the cell with holes.", _HOW_FAR),
            most=1,
        ),
        Tool(
            "link",
            "Link",
            "Mark two cells of different frames as the same cell: click both.",
            ("Click the cell.", "Now click the same cell in a later frame."),
            least=2,
            most=2,
            scoped=False,
            across=True,
        ),
        Tool(
            "unlink",
            "Unlink",
            "From this frame on it is a different cell.",
            ("Click the cell in the first frame in which it is a different cell.",),
            most=1,
            scoped=False,
        ),
        Tool(
            "swap",
            "Swap",
            "Swap the identities of two cells from here on.",
            ("Click one of the two cells.", "Click the other one."),
            least=2,
            most=2,
            scoped=False,
        ),
        Tool(
            "mark_division",
            "Mark division",
            "Parent and two daughters: click the parent, then each daughter.",
            ("Click the parent.", "Click a daughter.", "Click the other daughter."),
            least=3,
            most=3,
            scoped=False,
            across=True,
        ),
        Tool(
            "remove_division",
            "Remove division",
            "Remove a wrong division: click the parent, or the daughter "
            "that is the same cell.",
            ("Click the parent, or the daughter that is the same cell.",),
            most=1,
            scoped=False,
        ),
        Tool(
            "fill_gaps",
            "Fill gaps",
            "Put a cell in where it is missing between two frames that show it.",
            ("Click the cell before or after a gap.",),
            most=1,
            scoped=False,
        ),
    )
}


def edit_of(
    tool: Tool,
    picks: Sequence[Pick],
    scope: Scope,
    until: int | None,
    lineage: Lineage,
) -> Edit | None:
    """Return the edit that clicks ask for.

    Parameters
    ----------
    tool : Tool
        What is done.
    picks : sequence of Pick
        As many as the tool needs.
    scope : {"frame", "onwards", "until", "track"}
        How far a scoped tool reaches.
    until : int or None
        The last frame of ``"until"``.
    lineage : Lineage
        The tracks as they are.

    Returns
    -------
    Edit or None
        None for those that are worked out from embeddings: split and add.
    """
    first, last = picks[0], picks[-1]
    ids = tuple(pick.track for pick in picks)
    if tool.name == "merge":
        return Merge(first.frame, ids)
    if tool.name == "delete":
        return Delete(first.frame, ids, scope, until)
    shapes = {"grow": Grow, "shrink": Shrink, "fill_holes": FillHoles}
    if tool.name in shapes:
        return shapes[tool.name](first.frame, first.track, 1, scope, until)
    if tool.name == "link":
        return Link(first.frame, first.track, last.frame, last.track)
    if tool.name == "fill_gaps":
        return FillGaps(first.frame, first.track)
    if tool.name == "unlink":
        return Unlink(first.frame, first.track)
    if tool.name == "swap":
        return Swap(first.frame, first.track, last.track)
    if tool.name == "mark_division":
        return MarkDivision(last.frame, first.track, ids[1:], first.frame)
    if tool.name == "remove_division":
        return _no_division(first, lineage)
    return None


def _no_division(pick: Pick, lineage: Lineage) -> RemoveDivision:
    """Let the parent go on as the clicked daughter, or end where it was clicked."""
    tracks = {track.id: track for track in lineage.tracks}
    clicked = tracks.get(pick.track)
    if clicked is None or not clicked.parent:
        return RemoveDivision(pick.frame, pick.track)
    children = (tracks[child] for child in lineage.children(clicked.id))
    # Who has buds, and lives on beside them, has not divided.
    if sum(child.first > clicked.last for child in children) > 1:
        return RemoveDivision(pick.frame, clicked.id)
    return RemoveDivision(pick.frame, clicked.parent, clicked.id)
