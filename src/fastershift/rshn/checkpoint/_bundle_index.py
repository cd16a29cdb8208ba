"""The index of a TensorFlow checkpoint: which tensor lies where in its data."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fastershift.rshn.checkpoint._table import (
    Damage,
    read_fixed,
    read_table,
    read_varint,
)

__all__ = ["Entry", "read_entries"]

_MOST_DIMENSIONS = 8

# How a protocol buffer says that a value is stored.
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def _fields(message: bytes) -> Iterator[tuple[int, Any]]:
    """Yield number and value of each field of a protocol buffer."""
    place = 0
    while place < len(message):
        key, place = read_varint(message, place)
        kind = key & 7
        value: int | bytes
        if kind in (_VARINT, _BYTES):
            value, place = read_varint(message, place)
        if kind == _BYTES:
            size = int(value)
            if place + size > len(message):
                raise Damage("an entry ends too early")
            value = message[place : place + size]
            place += size
        elif kind in (_FIXED64, _FIXED32):
            size = 8 if kind == _FIXED64 else 4
            value = read_fixed(message, place, size)
            place += size
        elif kind != _VARINT:
            raise Damage("an entry cannot be understood")
        yield key >> 3, value


def _number(value: Any) -> int:
    if not isinstance(value, int):
        raise Damage("an entry cannot be understood")
    return value


def _message(value: Any) -> bytes:
    if not isinstance(value, bytes):
        raise Damage("an entry cannot be understood")
    return value


def _shape(message: bytes) -> tuple[int, ...]:
    shape = []
    for field, dimension in _fields(message):
        if field != 2:
            raise Damage("the shape of an entry is not known")
        sizes = [
            _number(size) for part, size in _fields(_message(dimension)) if part == 1
        ]
        shape.append(sizes[-1] if sizes else 0)
    if len(shape) > _MOST_DIMENSIONS:
        raise Damage(f"an entry has more than {_MOST_DIMENSIONS} dimensions")
    return tuple(shape)


@dataclass(frozen=True)
class Entry:
    """Where a tensor lies in the data file, and what it is.

    Attributes
    ----------
    kind : int
        Type of its numbers by the code of TensorFlow.
    shape : tuple of int
        Sizes of its dimensions.
    offset, size : int
        Place in the data file, in bytes.
    checksum : int
        Masked CRC-32C of its bytes.
    """

    kind: int = 0
    shape: tuple[int, ...] = ()
    offset: int = 0
    size: int = 0
    checksum: int = 0


def _entry(message: bytes) -> Entry:
    names = {1: "kind", 4: "offset", 5: "size", 6: "checksum"}
    values: dict[str, Any] = {}
    for field, value in _fields(message):
        if field == 2:
            values["shape"] = _shape(_message(value))
        elif field == 3 and value:
            raise Damage("a tensor of it lies in another data file")
        elif field == 7:
            raise Damage("a variable of it is stored in slices")
        elif field in names:
            values[names[field]] = _number(value)
    return Entry(**values)


def _check_header(message: bytes) -> None:
    header = {1: 0, 2: 0} | {
        field: _number(value) for field, value in _fields(message) if field in (1, 2)
    }
    if header[1] != 1:
        raise Damage(
            f"its tensors are spread over {header[1]} data files instead of one"
        )
    if header[2]:
        raise Damage("it was written on a big-endian machine")


def read_entries(data: bytes) -> dict[str, Entry]:
    """Read the index of a tensor bundle.

    Parameters
    ----------
    data : bytes
        A whole ``.index`` file.

    Returns
    -------
    dict of str to Entry
        By name of the variable; no two share a byte of the data file.

    Raises
    ------
    Damage
        When it is damaged, or describes what the published checkpoints do not have.
    """
    table = read_table(data)
    if b"" not in table:
        raise Damage("it has no header")
    _check_header(table.pop(b""))
    entries = {key: _entry(value) for key, value in table.items()}
    reached = 0
    for entry in sorted(entries.values(), key=lambda one: (one.offset, one.size)):
        if entry.offset < reached:
            raise Damage("some of its tensors overlap")
        reached = entry.offset + entry.size
    try:
        return {key.decode(): entry for key, entry in entries.items()}
    except UnicodeDecodeError:
        raise Damage("a name in it is not text") from None
