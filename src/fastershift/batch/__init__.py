"""Movies larger than memory, and many movies on any machine or cluster."""

from fastershift.batch._engine import connect
from fastershift.batch._inputs import NamedMovie, list_movies
from fastershift.batch._large import LargeEvent, Written, run_large
from fastershift.batch._many import BatchTask, run_many
from fastershift.batch._measuring import Measuring
from fastershift.batch._movie import MovieTask
from fastershift.batch._outcome import (
    BatchEvent,
    BatchProgress,
    MovieEnded,
    Outcome,
)
from fastershift.batch._work import run_alone

__all__ = [
    "BatchEvent",
    "BatchProgress",
    "BatchTask",
    "LargeEvent",
    "Measuring",
    "MovieEnded",
    "MovieTask",
    "NamedMovie",
    "Outcome",
    "Written",
    "connect",
    "list_movies",
    "run_alone",
    "run_large",
    "run_many",
]
