"""State of a training as a safetensors file; nothing in it is ever unpickled."""

from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from fastershift.errors import FastershiftError, InputError

__all__ = ["is_state", "parse_told", "read_state", "write_state"]

_Told = TypeVar("_Told", bound=BaseModel)

#: What a state tells about itself.
_TOLD = {"iteration", "settings"}


def write_state(
    path: str | Path, tensors: Mapping[str, Tensor], metadata: dict[str, str]
) -> None:
    """Write tensors and metadata; the file is replaced whole or not at all.

    Raises
    ------
    FastershiftError
        When it cannot be written.
    """
    path = Path(path)
    partial = path.with_name(path.name + ".part")
    plain = {name: value.contiguous() for name, value in tensors.items()}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file(plain, partial, metadata=metadata)
        partial.replace(path)
    except (OSError, SafetensorError) as error:
        raise FastershiftError(
            f"The state of the training cannot be written to {path}: {error}."
        ) from error


def read_state(path: str | Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Read tensors and metadata that `write_state` wrote.

    Raises
    ------
    InputError
        When there is no such file, or when it is something else.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"There is no training to resume: {path} does not exist.")
    try:
        with safe_open(path, "pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            metadata = dict(file.metadata() or {})
    except (SafetensorError, OSError) as error:
        raise InputError(
            f"{path} is damaged, so the training cannot be resumed."
        ) from error
    if not metadata.keys() >= _TOLD:
        raise InputError(f"{path} holds no training that could be resumed.")
    return tensors, metadata


def parse_told(kind: type[_Told], text: str, path: str | Path) -> _Told:
    """Parse a part of what a state tells about itself.

    Raises
    ------
    InputError
        When another version of fastershift wrote it.
    """
    try:
        return kind.model_validate_json(text)
    except ValidationError as error:
        raise InputError(
            f"{path} was written by another version of fastershift and cannot be "
            "resumed; start a new training, from the model beside it if there is one."
        ) from error


def is_state(path: Path) -> bool:
    """Tell the state of a training from any other file."""
    try:
        with safe_open(path, "pt") as file:
            return (file.metadata() or {}).keys() >= _TOLD
    except (SafetensorError, OSError):
        return False
