"""How a training starts: settings that follow from a model or a former run."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from fastershift.errors import InputError
from fastershift.rshn import ModelCard, NetworkSize
from fastershift.training._state import read_state
from fastershift.training._trainer import TrainSettings

__all__ = ["decide_settings", "state_path"]

# Highest learning rate for weights that are good already.
_FINE_TUNING_RATE = 5e-4

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
        former = TrainSettings.model_validate_json(read_state(resumed)[1]["settings"])
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
