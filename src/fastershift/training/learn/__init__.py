"""A few annotated cells to a model of one's own, in seconds."""

from fastershift.training.learn._annotations import (
    Annotations,
    Unmarked,
    read_annotations,
)
from fastershift.training.learn._learner import Learned, Learner, learn

__all__ = [
    "Annotations",
    "Learned",
    "Learner",
    "Unmarked",
    "learn",
    "read_annotations",
]
