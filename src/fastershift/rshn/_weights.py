"""Weight files: safetensors that carry the card of their model."""

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import torch
from pydantic import ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from fastershift.errors import FastershiftError, InputError
from fastershift.rshn._card import ModelCard
from fastershift.rshn._network import RSHN
from fastershift.rshn.head import Head

__all__ = [
    "SUFFIX",
    "Model",
    "make_model",
    "read_card",
    "read_model",
    "save_model",
]

SUFFIX = ".safetensors"

# Key of the card in the metadata of a weight file.
_CARD = "fastershift"

# How the names of what belongs to a head begin in a weight file.
_HEAD = "head."

# How the files begin that would have to be unpickled: zip archives and bare pickles.
_PICKLES = (b"PK\x03\x04", b"\x80")


@dataclass(frozen=True, eq=False)
class Model:
    """A network ready to embed frames.

    Attributes
    ----------
    network : RSHN
        In evaluation mode, float32, on the CPU.
    card : ModelCard
        What it is for and how it was made.
    name : str
        What it was asked for by.
    sha256 : str
        Of the weight file, in hexadecimal.
    head : Head, optional
        What was learned from annotated cells, over the outputs of the network.
    found_by : str
        What `load_model` finds it by from any folder: its name, or the absolute path
        of its file; empty where it has none.
    """

    network: RSHN
    card: ModelCard
    name: str
    sha256: str
    head: Head | None = None
    found_by: str = ""


def _refuse_pickle(path: Path) -> None:
    with path.open("rb") as file:
        beginning = file.read(9)
    # A safetensors file begins with the eight bytes of a length, of which the first may
    # be 0x80 too, but then follows a brace.
    if beginning.startswith(_PICKLES) and beginning[8:] != b"{":
        raise InputError(
            f"{path} is a pickle, which could run any program when "
            f"loaded; convert it to {SUFFIX} with the program that wrote "
            "it."
        )


def _open(path: Path) -> "safe_open":
    if not path.is_file():
        raise InputError(f"There is no weight file at {path}.")
    try:
        _refuse_pickle(path)
        return safe_open(path, "pt")
    except (SafetensorError, OSError) as error:
        raise InputError(
            f"{path} is damaged or is not a {SUFFIX} file; get it again."
        ) from error


def _card(file: "safe_open", path: Path) -> ModelCard:
    metadata: dict[str, str] | None = file.metadata()  # type: ignore[no-untyped-call]
    text = (metadata or {}).get(_CARD)
    if text is None:
        raise InputError(
            f"{path} holds no model card, so it is not a model of fastershift; train "
            "one, or import a published checkpoint."
        )
    try:
        return ModelCard.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise InputError(
            f"The model card in {path} cannot be used: {place or 'it'}: {first['msg']}."
        ) from error


def read_card(path: str | Path) -> ModelCard:
    """Read the card of a weight file without its weights.

    Raises
    ------
    InputError
        When the file is missing, damaged, a pickle, or has no usable card.
    """
    path = Path(path)
    with _open(path) as file:
        return _card(file, path)


def _network(weights: Mapping[str, Tensor], card: ModelCard, place: str) -> RSHN:
    with torch.device("meta"):
        network = card.network()
    expected = {name: tuple(one.shape) for name, one in network.state_dict().items()}
    if {name: tuple(one.shape) for name, one in weights.items()} != expected:
        raise InputError(
            f"The weights in {place} do not fit the network that their card describes "
            f"({card.filters} filters, {card.levels} levels, {card.channels} channels)."
        )
    if not all(one.is_floating_point() for one in weights.values()):
        raise InputError(f"The weights in {place} are not floating-point numbers.")
    single = {name: one.to(torch.float32) for name, one in weights.items()}
    if not all(bool(one.isfinite().all()) for one in single.values()):
        raise InputError(f"Some weights in {place} are infinite or not a number.")
    network.load_state_dict(single, assign=True)
    return network.eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]


def _head(tensors: Mapping[str, Tensor], card: ModelCard, place: str) -> Head | None:
    if not tensors:
        return None
    try:
        if card.embedding != "votes":
            raise ValueError("its network does not vote")
        return Head.of(tensors, card.channels + card.filters)
    except ValueError as error:
        raise InputError(
            f"What {place} has learned from annotated cells cannot be used: {error}."
        ) from error


def read_model(path: str | Path, name: str, found_by: str = "") -> Model:
    """Read a weight file.

    Parameters
    ----------
    path : str or Path
        A file that `save_model` wrote.
    name : str
        What the model is called from now on.
    found_by : str
        As in `Model`.

    Returns
    -------
    Model

    Raises
    ------
    InputError
        When the file is missing, damaged, a pickle, has no usable card, or when its
        weights do not fit the card.
    """
    path = Path(path)
    with _open(path) as file:
        card = _card(file, path)
        try:
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        except SafetensorError as error:
            raise InputError(f"{path} is damaged; get it again.") from error
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    of_head = {
        key.removeprefix(_HEAD): value
        for key, value in tensors.items()
        if key.startswith(_HEAD)
    }
    weights = {k: v for k, v in tensors.items() if not k.startswith(_HEAD)}
    return Model(
        _network(weights, card, str(path)),
        card,
        name,
        digest,
        _head(of_head, card, str(path)),
        found_by,
    )


def _as_bytes(
    network: RSHN | Mapping[str, Tensor],
    card: ModelCard,
    head: Head | None,
    *,
    half: bool = False,
) -> bytes:
    weights = network.state_dict() if isinstance(network, RSHN) else network
    kind = torch.float16 if half else torch.float32
    # Written in the plain order of dimensions, so that equal weights are equal bytes.
    stored = {
        name: value.detach().cpu().to(kind).contiguous()
        for name, value in weights.items()
    }
    _network(stored, card, f"the model {card.name}")
    if head is not None:
        stored |= {_HEAD + name: value for name, value in head.tensors.items()}
    metadata = {_CARD: json.dumps(card.model_dump(mode="json"), sort_keys=True)}
    written: bytes = save(stored, metadata)
    return written


def make_model(network: RSHN, card: ModelCard, head: Head | None = None) -> Model:
    """Make a model that is written nowhere yet.

    Parameters
    ----------
    network : RSHN
        Its weights are shared.
    card : ModelCard
        Its size must be that of the network.
    head : Head, optional
        What was learned from annotated cells.

    Returns
    -------
    Model
        Under the hash that its file would have.
    """
    digest = hashlib.sha256(_as_bytes(network, card, head)).hexdigest()
    return Model(network, card, card.name, digest, head)


def save_model(
    network: RSHN | Mapping[str, Tensor],
    card: ModelCard,
    path: str | Path,
    *,
    head: Head | None = None,
    half: bool = False,
) -> None:
    """Write a model.

    Parameters
    ----------
    network : RSHN or mapping of str to Tensor
        The network, or the values of its `state_dict`.
    card : ModelCard
        Its size must be that of the network.
    path : str or Path
        Target file; replaced whole or not at all.
    head : Head, optional
        What was learned from annotated cells.
    half : bool
        Store the weights as float16: half the size, and about three digits.

    Raises
    ------
    InputError
        When the weights do not fit the card, or not into float16.
    FastershiftError
        When the file cannot be written.
    """
    path = Path(path)
    written = _as_bytes(network, card, head, half=half)
    partial = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(written)
        partial.replace(path)
    except (OSError, SafetensorError) as error:
        with suppress(OSError):
            partial.unlink()
        raise FastershiftError(
            f"The model cannot be written to {path}: {error}."
        ) from error
