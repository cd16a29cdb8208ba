"""What a run will need, measured in the background, in one line."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

from qtpy.QtCore import QObject, Signal

from fastershift.plugin.layers._units import in_micrometres, in_minutes, in_words
from fastershift.plugin.qt import Task, TaskRunner, make_timer
from fastershift.session import Estimate, Session, describe_error

__all__ = ["Prepared", "RunEstimate", "Units", "describe_estimate"]

# Long enough that typing a number counts as one change.
_WAIT_MS = 400


@dataclass(frozen=True)
class Units:
    """What pixels and frames are in the world.

    Attributes
    ----------
    micrometres : float or None
        Of a pixel; None where the layer does not say.
    seconds : float or None
        Between two frames.
    """

    micrometres: float | None = None
    seconds: float | None = None


#: Session, what the user set, device, and the units of the layer.
Prepared: TypeAlias = tuple[Session, Mapping[str, Any], str, Units]


def describe_estimate(estimate: Estimate, units: Units | None = None) -> str:
    """Write an estimate: how much there is to do, what it takes, and what is used.

    Parameters
    ----------
    estimate : Estimate
        What was measured.
    units : Units, optional
        Of the layer.

    Returns
    -------
    str
        A few short lines.
    """
    units = units or Units()
    height, width = estimate.network_shape
    frames = "1 frame" if estimate.n_frames == 1 else f"{estimate.n_frames} frames"
    if units.seconds is not None:
        frames += f" ({in_minutes((estimate.n_frames - 1) * units.seconds)})"
    much = [frames, f"{width} × {height} network pixels"]
    if estimate.diameter is not None:
        cells = f"cells of {estimate.diameter:g} px"
        if units.micrometres is not None:
            cells += f" ({in_micrometres(estimate.diameter * units.micrometres)})"
        much.append(cells)
    stages = f"{_duration(estimate.clustering_seconds)} clustering"
    if estimate.network_seconds:
        stages = f"{_duration(estimate.network_seconds)} network, {stages}"
    takes = [
        f"about {in_words(estimate.seconds)} ({stages} a frame)",
        f"{_size(estimate.memory)} of {_size(estimate.available)} free",
    ]
    many = estimate.threads
    threads = "1 thread" if many == 1 else f"{many} threads"
    used = [
        f"model {estimate.model} at scale {estimate.scale:.2f}",
        f"{estimate.device}, {threads}",
    ]
    lines = [" · ".join(part) for part in (much, takes, used)]
    lines += estimate.notes
    if not estimate.fits:
        lines.append(
            "This does not fit in memory: take fewer frames, a smaller part of the "
            "image, or the command fastershift batch."
        )
    return "\n".join(lines)


def _duration(seconds: float) -> str:
    return f"{seconds * 1e3:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def _size(n_bytes: int) -> str:
    if n_bytes < 1e9:
        return f"{max(1, round(n_bytes / 1e6))} MB"
    return f"{n_bytes / 1e9:.1f} GB"


class RunEstimate(QObject):
    """Measures in another thread, once changes have come to rest.

    Parameters
    ----------
    parent : QObject
        Lives as long as this.
    """

    begun = Signal()
    message = Signal(str)
    model_chosen = Signal(str)
    next_best = Signal(object)
    quality = Signal(object)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._tasks = TaskRunner(self)
        self._timer = make_timer(self, _WAIT_MS, self._measure)
        self._prepare: Callable[[], Prepared | None] = lambda: None
        self._interrupted = False

    def ask(self, prepare: Callable[[], Prepared | None]) -> None:
        """Measure soon.

        Parameters
        ----------
        prepare : callable
            Gives what to measure when it is time; None to leave it.
        """
        self._prepare = prepare
        self._tasks.drop()
        self._timer.start()

    def stop(self) -> None:
        """Leave the machine to a run or a preview."""
        self._interrupted |= self._tasks.busy or self._timer.isActive()
        self._timer.stop()
        self._tasks.drop()

    def resume(self) -> None:
        """Measure soon what was to be measured when it was stopped."""
        if self._interrupted:
            self._timer.start()

    def _measure(self) -> None:
        prepared = self._prepare()
        if prepared is None:
            return
        self._interrupted = False
        session, settings, device, units = prepared

        def tell(estimate: Estimate | None) -> None:
            if estimate is not None:
                self.model_chosen.emit(estimate.model)
                self.message.emit(describe_estimate(estimate, units))
                self.next_best.emit(estimate.next_best)
                self.quality.emit(estimate.quality)

        self.begun.emit()
        self._tasks.start(
            Task(
                partial(session.estimate, settings, device=device),
                tell,
                lambda error: self.message.emit(describe_error(error)),
            )
        )

    def measure_diameter(
        self, prepared: Prepared, on_found: Callable[[float], None]
    ) -> None:
        """Measure in the background the cell diameter that a run would take.

        Parameters
        ----------
        prepared : Prepared
            What to measure.
        on_found : callable
            Receives the diameter in pixels.
        """
        session, settings, device, _ = prepared

        def steps() -> Iterator[float]:
            yield session.measure_diameter(settings, device=device)

        self._timer.stop()
        self._tasks.start(
            Task(
                steps, on_found, lambda error: self.message.emit(describe_error(error))
            )
        )
