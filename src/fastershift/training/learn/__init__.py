"""A few annotated cells to a model of one's own, in seconds."""

from fastershift.training.learn._annotations import (
    Annotations,
    Unmarked,
    read_annotations,
)
from fastershift.training.learn._grow import grow_forest, pixel_classes
from fastershift.training.learn._learner import Learned, Learner, learn

__all__ = [
    "Annotations",
    "Learned",
    "Learner",
    "Unmarked",
    "grow_forest",
    "learn",
    "pixel_classes",
    "read_annotations",
]
