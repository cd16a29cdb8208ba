"""Movies with masks to weights."""

from fastershift.training._augment import Clip, TrainingMovie, draw_clip
from fastershift.training._data import (
    LabelledMovie,
    TrainingData,
    TruthOptions,
    load_pair_truth,
    read_training_data,
)
from fastershift.training._intensity import Augmentation
from fastershift.training._loss import background_loss, embedding_loss, instance_loss
from fastershift.training._movies import from_simulation, prepare_movie
from fastershift.training._place import check_model_output, save_or_keep
from fastershift.training._run import (
    TrainEvent,
    TrainFinished,
    TrainingRun,
    TrainStarted,
    TrainValidated,
)
from fastershift.training._start import decide_settings, state_path
from fastershift.training._trainer import Best, Trainer, TrainProgress, TrainSettings
from fastershift.training._truth import TruthSequence, complete_markers, load_ctc_truth
from fastershift.training._validation import (
    PartScores,
    Validation,
    ValidationPart,
    choose_part,
    validate,
)
from fastershift.training.learn import (
    Annotations,
    Learned,
    Learner,
    Unmarked,
    grow_forest,
    learn,
    pixel_classes,
    read_annotations,
)

__all__ = [
    "Annotations",
    "Augmentation",
    "Best",
    "Clip",
    "LabelledMovie",
    "Learned",
    "Learner",
    "PartScores",
    "TrainEvent",
    "TrainFinished",
    "TrainProgress",
    "TrainSettings",
    "TrainStarted",
    "TrainValidated",
    "Trainer",
    "TrainingData",
    "TrainingMovie",
    "TrainingRun",
    "TruthOptions",
    "TruthSequence",
    "Unmarked",
    "Validation",
    "ValidationPart",
    "background_loss",
    "check_model_output",
    "choose_part",
    "complete_markers",
    "decide_settings",
    "draw_clip",
    "embedding_loss",
    "from_simulation",
    "grow_forest",
    "instance_loss",
    "learn",
    "load_ctc_truth",
    "load_pair_truth",
    "pixel_classes",
    "prepare_movie",
    "read_annotations",
    "read_training_data",
    "save_or_keep",
    "state_path",
    "validate",
]
