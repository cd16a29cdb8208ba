"""TensorFlow checkpoints of the second version, read without TensorFlow."""

import math
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastershift.errors import InputError
from fastershift.rshn.checkpoint._bundle_index import Entry, read_entries
from fastershift.rshn.checkpoint._crc32c import masked_crc32c
from fastershift.rshn.checkpoint._table import Damage

__all__ = ["Bundle", "read_bundle"]

_INDEX = ".index"
_DATA = ".data-00000-of-00001"
_LARGE_FILE_STORAGE = b"version https://git-lfs"

# A published index has 18 kB and its data 50 MB.
_LARGEST_INDEX = 1 << 20
_LARGEST_DATA = 1 << 28

# Numbers by their code in TensorFlow; 14 keeps the upper half of a float32.
_BFLOAT16 = 14
_KINDS = {1: "<f4", 2: "<f8", 3: "<i4", 9: "<i8", _BFLOAT16: "<u2", 19: "<f2"}


def _refuse_pointer(path: Path) -> None:
    with path.open("rb") as file:
        if file.read(len(_LARGE_FILE_STORAGE)) == _LARGE_FILE_STORAGE:
            raise InputError(
                f"{path} only points to the file in Git LFS; run 'git lfs pull' where "
                "it comes from, or download the file itself."
            )


class Bundle(Mapping[str, NDArray[Any]]):
    """The tensors of a checkpoint by the names of their variables.

    Each tensor is read and checked against its checksum when it is asked for.
    Made by `read_bundle`.

    Attributes
    ----------
    prefix : Path
        Path of the checkpoint without the endings of its files.
    """

    def __init__(self, prefix: Path, entries: Mapping[str, Entry]) -> None:
        self.prefix = prefix
        self._entries = entries

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __getitem__(self, name: str) -> NDArray[Any]:
        """Read one tensor, in row-major order.

        Raises
        ------
        KeyError
            When there is none of this name.
        InputError
            When its type is unknown, its size does not fit its shape, its checksum is
            wrong, or it cannot be read.
        """
        entry = self._entries[name]
        kind = _KINDS.get(entry.kind)
        if kind is None:
            raise self._unusable(name, f"is of the unknown type {entry.kind}")
        expected = math.prod(entry.shape) * np.dtype(kind).itemsize
        if not expected or entry.size != expected:
            raise self._unusable(
                name,
                f"has {entry.size} bytes, but its shape {entry.shape} takes {expected}",
            )
        try:
            with self.prefix.with_name(self.prefix.name + _DATA).open("rb") as file:
                file.seek(entry.offset)
                data = file.read(entry.size)
        except OSError as error:
            raise self._unusable(name, f"cannot be read ({error})") from error
        if masked_crc32c(data) != entry.checksum:
            raise self._unusable(name, "does not fit its checksum")
        values = np.frombuffer(data, kind).reshape(entry.shape)
        if entry.kind == _BFLOAT16:
            return (values.astype("<u4") << 16).view("<f4")
        return values

    def _unusable(self, name: str, reason: str) -> InputError:
        return InputError(
            f"The tensor '{name}' of the checkpoint {self.prefix} {reason}; get the "
            "checkpoint again."
        )


def _without_ending(path: Path) -> Path:
    for ending in (_INDEX, _DATA):
        if path.name.endswith(ending):
            return path.with_name(path.name.removesuffix(ending))
    return path


def _check_data(path: Path, entries: Mapping[str, Entry]) -> None:
    if not path.is_file():
        raise InputError(
            f"There is no {path.name} beside the index of the checkpoint in "
            f"{path.parent}; the weights are in that file, so get it as well."
        )
    _refuse_pointer(path)
    expected = max((one.offset + one.size for one in entries.values()), default=0)
    actual = path.stat().st_size
    if actual != expected:
        state = "truncated" if actual < expected else "not that of this index"
        raise InputError(
            f"{path} is {state}: it has {actual} bytes instead of {expected}; get it "
            "again."
        )
    if actual > _LARGEST_DATA:
        raise InputError(
            f"{path} has {actual} bytes, more than the {_LARGEST_DATA} that the "
            "checkpoint of a cell tracking network may have."
        )


def read_bundle(prefix: str | Path) -> Bundle:
    """Open a TensorFlow checkpoint of format V2 (a tensor bundle).

    Parameters
    ----------
    prefix : str or Path
        Path of the checkpoint, with or without ``.index`` or
        ``.data-00000-of-00001``.

    Returns
    -------
    Bundle
        A mapping of names to arrays, which are read when asked for.

    Raises
    ------
    InputError
        When a file is missing, damaged, truncated or a Git LFS pointer, and for what
        the published checkpoints do not have: several data files, compression,
        slices, big-endian numbers.
    """
    prefix = _without_ending(Path(os.path.expanduser(prefix)).absolute())
    if not prefix.name:
        raise InputError(f"{prefix} is a folder; give the path of a checkpoint in it.")
    index = prefix.with_name(prefix.name + _INDEX)
    try:
        if not index.is_file():
            raise InputError(
                f"There is no {index}; give the path of a checkpoint, which has the "
                f"files NAME{_INDEX} and NAME{_DATA}."
            )
        _refuse_pointer(index)
        if index.stat().st_size > _LARGEST_INDEX:
            raise Damage("it is too large")
        entries = read_entries(index.read_bytes())
        _check_data(prefix.with_name(prefix.name + _DATA), entries)
    except Damage as error:
        raise InputError(
            f"{index} cannot be used as the index of a checkpoint: {error}."
        ) from error
    except OSError as error:
        raise InputError(f"The checkpoint {prefix} cannot be read: {error}.") from error
    return Bundle(prefix, entries)
