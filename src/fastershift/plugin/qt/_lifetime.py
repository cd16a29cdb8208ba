"""What is called as long as a Qt object lives, and when it is destroyed."""

from collections.abc import Callable
from typing import Any
from weakref import finalize

from qtpy.QtCore import QObject, QTimer, SignalInstance

__all__ = ["Links", "follow", "make_timer", "on_destroyed"]


def on_destroyed(owner: QObject, call: Callable[..., Any], *arguments: Any) -> None:
    """Call a function once a Qt object is destroyed.

    Its own methods are out of reach by then, for signals. Callbacks that a viewer
    holds must be taken back, or it would go on calling an object that is gone.

    Parameters
    ----------
    owner : QObject
        The object.
    call : callable
        What to call.
    *arguments
        What to call it with.
    """
    # Held from outside: what is known through the owner alone may be collected as
    # garbage in the middle of its end.
    last = finalize(owner, call, *arguments)
    last.atexit = False
    # Itself, not a function around it: that would be emptied before it is called where
    # the owner is garbage by then.
    owner.destroyed.connect(last)


def follow(owner: QObject, event: Any, call: Callable[..., Any]) -> None:
    """Call a function at each event of napari, as long as a Qt object lives."""
    event.connect(call)
    on_destroyed(owner, event.disconnect, call)


class Links:
    """Calls at events of napari, of layers that come and go and may outlive them.

    Parameters
    ----------
    owner : QObject
        They end with this at the latest.
    """

    def __init__(self, owner: QObject) -> None:
        self._made: list[tuple[Any, Callable[..., Any]]] = []
        on_destroyed(owner, self.let_go)

    def add(self, event: Any, call: Callable[..., Any]) -> None:
        """Call a function at each event from now on."""
        event.connect(call)
        self._made.append((event, call))

    def let_go(self, event: Any = None) -> None:
        """Call nothing any more, or nothing at one of the events."""
        kept = []
        for made, call in self._made:
            if event is None or made == event:
                made.disconnect(call)
            else:
                kept.append((made, call))
        self._made[:] = kept


def make_timer(
    owner: QObject, milliseconds: int, call: Callable[[], Any] | SignalInstance
) -> QTimer:
    """Make a timer that calls once, so long after it was last started."""
    timer = QTimer(owner)
    timer.setSingleShot(True)
    timer.setInterval(milliseconds)
    timer.timeout.connect(call)
    return timer
