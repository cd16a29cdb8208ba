"""How a training starts: what follows from its data, a model or a former run."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from fastershift.errors import InputError
from fastershift.rshn import ModelCard, NetworkSize
from fastershift.training._data import TrainingData
from fastershift.training._state import parse_told, read_state
from fastershift.training._trainer import TrainSettings

__all__ = ["continued_card", "decide_settings", "first_card", "state_path"]

# Highest learning rate for weights that are good already.
_FINE_TUNING_RATE = 5e-4

# Terms of a model by its data, and how its card names the model it began from.
_OF_THE_DATA = "As of the training data."
_OF_SIMULATIONS = "Trained on simulated movies alone: free for any use."
_BEGUN = " Begun from the model "

# What a trained network cannot change any more, by its names in card and settings.
_FIXED = {
    **{name: name for name in NetworkSize.model_fields},
    "embedding": "embedding",
    "network_diameter": "diameter",
}


def state_path(output: str | Path) -> Path:
    """Tell where the state of the training of a model lies: beside the model."""
    output = Path(output)
    return output.with_name(f"{output.stem}.state.safetensors")


def decide_settings(
    chosen: Mapping[str, Any],
    *,
    start: ModelCard | None = None,
    resumed: Path | None = None,
) -> TrainSettings:
    """Decide what a training is made of.

    Parameters
    ----------
    chosen : mapping
        Values of `TrainSettings` that were set on purpose; None means not set.
    start : ModelCard, optional
        Of the model to go on from: the network is as large as it, and learns slower.
    resumed : Path, optional
        State of a former run, whose settings are kept.

    Returns
    -------
    TrainSettings

    Raises
    ------
    InputError
        For values out of range, and where what was set contradicts the model or the
        former run.
    """
    given = {name: value for name, value in chosen.items() if value is not None}
    if resumed is not None:
        told = read_state(resumed)[1]["settings"]
        former = parse_told(TrainSettings, told, resumed)
        _refuse_change(given, former.model_dump(), "the training that is resumed")
        return former
    if start is not None:
        fixed = {name: getattr(start, key) for name, key in _FIXED.items()}
        _refuse_change(given, fixed, f"the model {start.name}")
        given = {"learning_rate": _FINE_TUNING_RATE} | given | fixed
    try:
        return TrainSettings(**given)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise InputError(
            f"The value of {place} cannot be used: {first['msg']}."
        ) from error


def _refuse_change(
    given: Mapping[str, Any], fixed: Mapping[str, Any], owner: str
) -> None:
    for name, value in given.items():
        if name in fixed and fixed[name] != value:
            raise InputError(
                f"{name} is {fixed[name]} in {owner} and cannot be {value}; omit it."
            )


def first_card(
    name: str, settings: TrainSettings, data: TrainingData, start: ModelCard | None
) -> ModelCard:
    """Describe the model of a training that begins.

    Parameters
    ----------
    name : str
        Of the model.
    settings : TrainSettings
        What the training is made of.
    data : TrainingData
        What is learned from.
    start : ModelCard or None
        Of the model to go on from, whose training data and terms are inherited.

    Returns
    -------
    ModelCard
    """
    learned = f"{'; '.join(data.sources)}."
    terms = _OF_SIMULATIONS if data.simulated else _OF_THE_DATA
    if start is not None:
        seen = start.training_data or "unknown training data"
        learned += f"{_BEGUN}{start.name} ({seen})"
        terms += f" As of the model {start.name}, too: {start.terms}"
    return ModelCard(
        name=name,
        summary=f"Trained on {', '.join(data.names)}.",
        **settings.network_size,
        embedding=settings.embedding,
        diameter=settings.network_diameter,
        training_data=learned,
        terms=terms,
    )


def continued_card(
    former: ModelCard, data: TrainingData, start: ModelCard | None
) -> ModelCard:
    """Describe the model of a training that is resumed, maybe on other data.

    Parameters
    ----------
    former : ModelCard
        Of the training so far; all that it names has been learned from.
    data : TrainingData
        What is learned from now.
    start : ModelCard or None
        Of the model that the training is said to have begun from.

    Returns
    -------
    ModelCard

    Raises
    ------
    InputError
        When it began from another model, or from none.
    """
    learned, summary, terms = former.training_data, former.summary, former.terms
    if start is not None:
        _, _, begun = learned.partition(_BEGUN)
        if not begun.startswith(f"{start.name} ("):
            raise InputError(
                f"The training that is resumed did not begin from the model "
                f"{start.name}; omit it, or start a new training in another file."
            )
    pairs = zip(data.sources, data.names, strict=True)
    new = {source: name for source, name in pairs if source not in learned}
    if new:
        learned = f"{learned.removesuffix('.')}. Then {'; '.join(new)}."
        summary = f"{summary.removesuffix('.')}, {', '.join(new.values())}."
    if not data.simulated and terms.startswith(_OF_SIMULATIONS):
        terms = _OF_THE_DATA + terms.removeprefix(_OF_SIMULATIONS)
    told = {"training_data": learned, "summary": summary, "terms": terms}
    return former.model_copy(update=told)
