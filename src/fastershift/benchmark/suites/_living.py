"""How a window that is timed lives: it waits, rests and is listened to.

Nothing here loads more than a window has loaded anyway.
"""

import time
from collections.abc import Callable

import numpy as np
from qtpy.QtCore import QEventLoop, Qt, QTimer

__all__ = ["Heart", "rest", "wait"]

_BEAT_MS = 10
_PATIENCE = 600.0

# What is waited for is looked for this often.
_LOOK_MS = 5


def wait(ready: Callable[[], bool], seconds: float = _PATIENCE) -> None:
    """Let the window live until something is the case."""
    end = time.perf_counter() + seconds
    while not ready():
        if time.perf_counter() > end:
            raise TimeoutError("the window did not come to rest in time")
        rest(_LOOK_MS / 1e3)


def rest(seconds: float) -> None:
    """Let the window live for a while.

    As it lives for a user: events wake it, and it sleeps in between. A loop that
    looked for events all the time would keep a core from the work that is timed.
    """
    life = QEventLoop()
    QTimer.singleShot(round(1e3 * seconds), life.quit)
    life.exec()


class Heart:
    """Beats while the window lives, and remembers when."""

    def __init__(self) -> None:
        self._beats: list[float] = []
        self._timer = QTimer()
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(_BEAT_MS)
        self._timer.timeout.connect(lambda: self._beats.append(time.perf_counter()))

    def listen(self, live: Callable[[], None]) -> list[float]:
        """Return the longest gap of each second, in ms, of what is lived through."""
        self._beats.clear()
        self._timer.start()
        live()
        self._timer.stop()
        beats = np.array(self._beats)
        gaps = 1e3 * np.diff(beats)
        second = (beats[1:] - beats[0]).astype(int)
        # A gap of more than a second leaves seconds without any beat.
        return [float(gaps[second == one].max()) for one in np.unique(second)]
