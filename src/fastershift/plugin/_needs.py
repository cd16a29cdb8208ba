"""What a run will need, measured in the background and told in one line."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from qtpy.QtCore import QObject, QTimer, Signal

from fastershift.plugin._run_section import in_words
from fastershift.plugin._tasks import Task, TaskRunner
from fastershift.rshn import estimate_diameter
from fastershift.session import Estimate, Session, describe_error

__all__ = ["Needs", "describe_needs"]

# Long enough that typing a number counts as one change.
_WAIT_MS = 400


def describe_needs(estimate: Estimate) -> str:
    """Write an estimate in one line."""
    height, width = estimate.network_shape
    frames = "frame" if estimate.n_frames == 1 else "frames"
    parts = [f"{estimate.n_frames} {frames}", f"{width} × {height} network pixels"]
    if estimate.diameter is not None:
        parts.append(f"cells of {estimate.diameter:.0f} px")
    parts.append(_size(estimate.memory))
    if estimate.seconds:
        parts.append(f"about {in_words(estimate.seconds)}")
    return " · ".join(parts)


def _size(n_bytes: int) -> str:
    if n_bytes < 1e9:
        return f"{max(1, round(n_bytes / 1e6))} MB"
    return f"{n_bytes / 1e9:.1f} GB"


class Needs(QObject):
    """Measures in another thread, once changes have come to rest.

    Parameters
    ----------
    parent : QObject
        Lives as long as this.
    """

    told = Signal(str)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._tasks = TaskRunner(self)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_WAIT_MS)
        self._timer.timeout.connect(self._measure)
        self._prepare: Callable[[], tuple[Session, Mapping[str, Any], str] | None]
        self._prepare = lambda: None

    def ask(
        self, prepare: Callable[[], tuple[Session, Mapping[str, Any], str] | None]
    ) -> None:
        """Measure soon.

        Parameters
        ----------
        prepare : callable
            Gives session, settings and device when it is time; None to leave it.
        """
        self._prepare = prepare
        self._tasks.drop()
        self._timer.start()

    def stop(self) -> None:
        """Leave the machine to a run."""
        self._timer.stop()
        self._tasks.drop()

    def _measure(self) -> None:
        prepared = self._prepare()
        if prepared is None:
            return
        session, settings, device = prepared

        def steps() -> Iterator[Estimate | None]:
            plan = session.plan(settings, device=device)
            yield None
            yield session.estimate(plan)

        self.told.emit("…")
        self._tasks.start(
            Task(
                steps,
                lambda estimate: estimate and self.told.emit(describe_needs(estimate)),
                lambda error: self.told.emit(describe_error(error)),
            )
        )

    def estimate_diameter(self, movie: Any, on_found: Callable[[float], None]) -> None:
        """Estimate the cell diameter of a movie in the background."""

        def steps() -> Iterator[float]:
            yield estimate_diameter(movie)

        self._timer.stop()
        self._tasks.start(
            Task(steps, on_found, lambda error: self.told.emit(describe_error(error)))
        )
