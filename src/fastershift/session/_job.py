"""A run in progress."""

import threading
from collections.abc import Iterator
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from fastershift.pipeline import (
    Event,
    Finished,
    FrameDone,
    FrameReport,
    Plan,
    TrackedMovie,
    run_plan,
)

__all__ = ["Job", "JobState"]

Labels: TypeAlias = npt.NDArray[np.int32]
JobState: TypeAlias = Literal["running", "finished", "cancelled", "failed"]


class Job:
    """A run in progress.

    Attributes
    ----------
    labels : (T, Y, X) int32
        Filled frame by frame while the run goes; the final labels in the end.
    reports : list of FrameReport
        Of the frames that are ready.
    state : {"running", "finished", "cancelled", "failed"}
        Where it stands.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.labels: Labels = np.zeros(
            (plan.source.n_frames, *plan.frame_shape), np.int32
        )
        self.reports: list[FrameReport] = []
        self.state: JobState = "running"
        self.result: TrackedMovie | None = None
        self._cancelled = threading.Event()

    def cancel(self) -> None:
        """Ask the job to end at its next step; may be called from any thread."""
        self._cancelled.set()

    @property
    def cancelling(self) -> bool:
        """Whether it was asked to end."""
        return self._cancelled.is_set()

    def events(self) -> Iterator[Event]:
        """Run the job; ends early, without an error, when it is cancelled.

        Yields
        ------
        Event
            See `fastershift.pipeline`.
        """
        try:
            for event in run_plan(self.plan):
                if self.cancelling:
                    break
                if isinstance(event, FrameDone):
                    self.labels[event.frame] = event.labels
                    self.reports.append(event.report)
                elif isinstance(event, Finished):
                    self.result = event.result
                    self.labels = event.result.labels
                    self.state = "finished"
                yield event
        except Exception:
            self.state = "failed"
            raise
        finally:
            if self.state == "running":
                self.state = "cancelled"
