"""Movies with masks to weights."""

from fastershift.training._augment import Augmentation, Clip, TrainingMovie, draw_clip
from fastershift.training._loss import background_loss, embedding_loss, instance_loss
from fastershift.training._movies import from_simulation, prepare_movie
from fastershift.training._trainer import Trainer, TrainProgress, TrainSettings
from fastershift.training._truth import TruthSequence, complete_markers, load_ctc_truth

__all__ = [
    "Augmentation",
    "Clip",
    "TrainProgress",
    "TrainSettings",
    "Trainer",
    "TrainingMovie",
    "TruthSequence",
    "background_loss",
    "complete_markers",
    "draw_clip",
    "embedding_loss",
    "from_simulation",
    "instance_loss",
    "load_ctc_truth",
    "prepare_movie",
]
