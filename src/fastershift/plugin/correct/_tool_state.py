"""The selected tool and the clicks made with it."""

from qtpy.QtCore import QObject, Signal

from fastershift.plugin.correct._tools import TOOLS, Pick, Tool

__all__ = ["ToolState"]


class ToolState(QObject):
    """Holds a tool and the clicks made with it.

    Parameters
    ----------
    parent : QObject
        Lives as long as this.

    Attributes
    ----------
    tool : Tool or None
        What is used.
    picks : list of Pick
        The clicks so far.
    """

    changed = Signal()
    message = Signal(str)
    ready = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.tool: Tool | None = None
        self.picks: list[Pick] = []

    def select(self, name: str) -> None:
        """Select a tool, or none with an empty name."""
        self.tool = TOOLS.get(name)
        self.drop_picks()

    def drop_picks(self) -> None:
        """Begin again with the same tool."""
        self.picks = []
        self.changed.emit()

    @property
    def prompt(self) -> str:
        """What to do next."""
        if self.tool is None:
            return ""
        prompts = self.tool.prompts
        return prompts[min(len(self.picks), len(prompts) - 1)]

    @property
    def complete(self) -> bool:
        """Whether there are clicks enough."""
        return self.tool is not None and len(self.picks) >= self.tool.least

    def brush(self, pick: Pick) -> None:
        """Add a cell that was brushed across."""
        known = {one.track for one in self._of_frame(pick)}
        if pick.track not in known:
            self.click(pick)

    def click(self, pick: Pick) -> None:
        """Add a click; a second one on the same cell takes it back."""
        tool = self.tool
        if tool is None:
            return
        adding = tool.name == "add_by_click"
        if not pick.track and not adding:
            self.message.emit("There is no cell here.")
            return
        kept = self.picks if tool.across else self._of_frame(pick)
        if tool.name == "split":
            kept = [one for one in kept if one.track == pick.track]
        else:
            same = [
                one
                for one in kept
                if (one.frame, one.track) == (pick.frame, pick.track)
            ]
            if same and not adding and tool.most > 1:
                self.picks = [one for one in kept if one not in same]
                self.changed.emit()
                return
        self.picks = [*kept, pick][-tool.most :]
        self.changed.emit()
        if self.complete and not tool.scoped:
            self.ready.emit()

    def _of_frame(self, pick: Pick) -> list[Pick]:
        return [one for one in self.picks if one.frame == pick.frame]
