"""Models by name: those in the package and those of the user."""

import logging
import os
import re
from collections.abc import Collection
from importlib.resources import files
from pathlib import Path

from platformdirs import user_data_path

from fastershift.errors import InputError
from fastershift.rshn._card import ModelCard
from fastershift.rshn._first_look import KINDS, FirstLook
from fastershift.rshn._weights import SUFFIX, Model, read_card, read_model

__all__ = [
    "PUBLISHED_MODEL",
    "choose_model",
    "eligible_models",
    "find_model",
    "found_by",
    "is_model_name",
    "list_models",
    "load_model",
    "place_for_model",
    "user_models_folder",
]

_LOGGER = logging.getLogger(__name__)

_DEFAULT = "generalist"

#: The model for the published method, whose embeddings are compared by cosine.
PUBLISHED_MODEL = "cosine"

# What a model may be called: nothing that leads to another folder, and not what leaves
# the choice of a model open.
_NAME = re.compile(r"(?!\.|auto$)[\w. +-]{1,100}")

# How sure the kind of image must be for the model that was made for it.
_SURE = 0.8


def user_models_folder() -> Path:
    """Tell where the models of this user lie; the folder may not exist yet."""
    return user_data_path("fastershift", appauthor=False) / "models"


def _shipped_folder() -> Path:
    return Path(str(files("fastershift.rshn") / "weights"))


def _known() -> dict[str, Path]:
    """Map names to files; a shipped model keeps its name whatever the user adds."""
    shipped = _shipped_folder()
    paths = [*user_models_folder().glob(f"*{SUFFIX}"), *shipped.glob(f"*{SUFFIX}")]
    return {path.stem: path for path in sorted(paths, key=lambda one: one.stem)} | {
        path.stem: path for path in paths if path.parent == shipped
    }


def is_model_name(name: str) -> bool:
    """Tell whether a model of the user may be called so; not where it would lie."""
    return bool(_NAME.fullmatch(name))


def place_for_model(name: str) -> Path:
    """Tell where a model of the user goes that is to be called by a name.

    Parameters
    ----------
    name : str
        Letters, digits, spaces and ``_ . + -``, other than ``auto``.

    Returns
    -------
    Path
        Its file, which may exist already.

    Raises
    ------
    InputError
        For a name that cannot be that of a file, or that a model of fastershift has.
    """
    if not is_model_name(name):
        raise InputError(
            f"'{name}' cannot be the name of a model; use up to 100 letters, digits, "
            "spaces, points and dashes, other than 'auto'."
        )
    if (_shipped_folder() / f"{name}{SUFFIX}").exists():
        raise InputError(f"{name} comes with fastershift; choose another name.")
    return user_models_folder() / f"{name}{SUFFIX}"


def find_model(name_or_path: str | Path = "auto") -> tuple[str, Path]:
    """Find the weight file of a model without reading it.

    Parameters
    ----------
    name_or_path : str or Path
        As for `load_model`.

    Returns
    -------
    name : str
        Of the model.
    path : Path
        Of its file; it may not exist when a path was given.

    Raises
    ------
    InputError
        For an unknown name.
    """
    name = _DEFAULT if str(name_or_path) == "auto" else str(name_or_path)
    known = _known()
    if name in known:
        return name, known[name]
    path = Path(os.path.expanduser(name))
    if path.suffix or path.is_file():
        return path.stem, path
    choice = f"choose one of {', '.join(known)}" if known else "none is installed"
    raise InputError(f"There is no model '{name}'; {choice}, or give a weight file.")


def found_by(name: str, path: Path) -> str:
    """Tell what finds a model again that `find_model` has found, from any folder.

    Parameters
    ----------
    name, path
        Of the model.

    Returns
    -------
    str
        Its name, or the absolute path of its file where no name finds that.
    """
    path = path.absolute()
    return name if _known().get(name) == path else str(path)


def load_model(name_or_path: str | Path = "auto") -> Model:
    """Load a model.

    Parameters
    ----------
    name_or_path : str or Path
        A name of `list_models`, the path of a weight file, or ``"auto"`` for the model
        that serves most images.

    Returns
    -------
    Model

    Raises
    ------
    InputError
        For an unknown name, and for a file that is not a model; pickles are refused.
    """
    name, path = find_model(name_or_path)
    return read_model(path, name, found_by(name, path))


def eligible_models() -> list[str]:
    """Name the models of this machine that a run may choose by itself."""
    known = _known()
    return [_DEFAULT, *(one for one in (PUBLISHED_MODEL, *KINDS) if one in known)]


def choose_model(
    look: FirstLook | None, eligible: Collection[str] | None = None
) -> str:
    """Choose the model for a kind of image.

    Parameters
    ----------
    look : FirstLook or None
        See `first_look`.
    eligible : collection of str, optional
        What there is to choose from; `eligible_models` by default.

    Returns
    -------
    str
        The model made for that kind, where there is one and the kind is sure enough;
        ``"generalist"`` otherwise.
    """
    if look is None or look.probability < _SURE:
        return _DEFAULT
    names = eligible_models() if eligible is None else eligible
    return look.kind if look.kind in names else _DEFAULT


def list_models() -> list[ModelCard]:
    """List the models that can be loaded by name, shipped and own, by name.

    Returns
    -------
    list of ModelCard
        Read without the weights. The name of a card is that of its file. A file that
        cannot be read is left out and logged.
    """
    cards = []
    for name, path in _known().items():
        try:
            cards.append(read_card(path).model_copy(update={"name": name}))
        except InputError as error:
            _LOGGER.warning("%s", error)
    return cards
