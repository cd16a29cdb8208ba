"""Where a model is written: nothing of the user's is replaced, nothing learned lost."""

import tempfile
import uuid
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from fastershift.errors import FastershiftError, InputError
from fastershift.io import check_file, is_own_picture
from fastershift.rshn import RSHN, Head, ModelCard, read_card, save_model
from fastershift.training._start import state_path
from fastershift.training._state import is_state

__all__ = ["check_model_output", "picture_path", "save_or_keep"]

_SUFFIX = ".safetensors"


def picture_path(output: str | Path) -> Path:
    """Tell where the picture of a validation frame lies: beside the model."""
    output = Path(output)
    return output.with_name(f"{output.stem}_validation.png")


def check_model_output(output: str | Path) -> None:
    """Make sure, before anything is learned, that a model can go where it is to go.

    Parameters
    ----------
    output : str or Path
        The model, and beside it the state of a training and a picture.

    Raises
    ------
    InputError
        For another suffix than .safetensors, and where something lies that is neither
        a model of fastershift nor was left by its training.
    FastershiftError
        When nothing can be written there.
    """
    output = Path(output)
    if output.suffix != _SUFFIX:
        raise InputError(
            f"{output} is not a name for a model; it must end in {_SUFFIX}."
        )
    check_file(output, _is_model)
    check_file(state_path(output), is_state)
    check_file(picture_path(output), is_own_picture)


def _is_model(path: Path) -> bool:
    try:
        read_card(path)
    except InputError:
        return False
    return True


def save_or_keep(
    network: RSHN | Mapping[str, Tensor],
    card: ModelCard,
    path: Path,
    *,
    head: Head | None = None,
) -> None:
    """Write a model that took long to make; keep it elsewhere when that fails.

    Parameters
    ----------
    network, card, path, head
        As for `save_model`.

    Raises
    ------
    FastershiftError
        When it was not written to ``path``; the sentence says where it was kept.
    """
    try:
        save_model(network, card, path, head=head)
    except FastershiftError as error:
        name = f"{path.stem}-{uuid.uuid4().hex[:8]}{_SUFFIX}"
        kept = Path(tempfile.gettempdir()) / name
        try:
            save_model(network, card, kept, head=head)
        except FastershiftError:
            raise error from None
        raise FastershiftError(f"{error} The model was kept in {kept}.") from error
