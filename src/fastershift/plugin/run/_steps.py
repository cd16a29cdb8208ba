"""What a run does in another thread, and what comes of it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from fastershift.pipeline import Event, Finished, TrackedMovie
from fastershift.session import Job, Session
from fastershift.tracking import centroids

__all__ = ["Reconcile", "Reconciled", "RunResult", "as_it_is", "run_steps"]


@dataclass(frozen=True)
class Reconciled:
    """A new result beside what was there before.

    Attributes
    ----------
    labels : (T, Y, X) int32
        What will be shown.
    take : callable
        Makes it so, in the thread of the window, and gives what is to be shown.
    stands : callable
        Tells whether what was there before is still as it was.
    """

    labels: npt.NDArray[np.int32]
    take: Callable[[], TrackedMovie]
    stands: Callable[[], bool] = lambda: True


#: Brings the result of a run, in another thread, together with what was there before.
Reconcile: TypeAlias = Callable[[TrackedMovie], Reconciled]


@dataclass(frozen=True)
class RunResult:
    """A result that is ready to be shown.

    Attributes
    ----------
    reconciled : Reconciled
        The result.
    positions : (N, 4) float64
        Id, frame, row and column of its cells.
    again : callable
        Brings it together with what is there now.
    """

    reconciled: Reconciled
    positions: npt.NDArray[np.float64]
    again: "Callable[[], RunResult]"


def _settled(reconcile: Reconcile, result: TrackedMovie) -> RunResult:
    """Bring a result together with what there is, and find its cells."""
    reconciled = reconcile(result)
    again = partial(_settled, reconcile, result)
    return RunResult(reconciled, centroids(reconciled.labels), again)


def run_steps(
    session: Session, settings: Mapping[str, Any], device: str, reconcile: Reconcile
) -> Iterator[Job | Event | RunResult]:
    """Take all steps of a run that need time, for another thread.

    Parameters
    ----------
    session : Session
        Has the input.
    settings : mapping
        Values that the user has set.
    device : str
        Where to compute.
    reconcile : callable
        What is done with the result.

    Yields
    ------
    Job, Event or RunResult
        First the job, last the result.
    """
    job = session.start(settings, device=device)
    yield job
    for event in job.events():
        if isinstance(event, Finished):
            yield _settled(reconcile, event.result)
        else:
            yield event


def as_it_is(result: TrackedMovie) -> Reconciled:
    """Show a result as the run has found it."""
    return Reconciled(result.labels, lambda: result)
