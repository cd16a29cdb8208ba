"""Sorted tables of keys and values, the container of a checkpoint's index."""

import struct
from collections.abc import Iterator

from fastershift.rshn.checkpoint._crc32c import masked_crc32c

__all__ = ["Damage", "read_fixed", "read_table", "read_varint"]

_FOOTER = 48
_MAGIC = 0xDB4775248B80FB57
_TRAILER = 5
_SNAPPY = 1

# Variable names are far shorter, and the index of a published model has 447 of them.
# The bounds keep a made-up index from unfolding into more than fits.
_LONGEST_KEY = 1000
_MOST_ENTRIES = 10_000


class Damage(ValueError):
    """Why the bytes at hand cannot be what they should be, as half a sentence."""


def read_varint(data: bytes, place: int) -> tuple[int, int]:
    """Read a number of seven bits a byte; return it and the place after it.

    Raises
    ------
    Damage
        When it does not end within the data, or does not fit into 64 bits.
    """
    value = 0
    for count, byte in enumerate(data[place : place + 10]):
        value |= (byte & 127) << 7 * count
        if byte < 128:
            if value >> 64:
                break
            return value, place + count + 1
    raise Damage("a number in it does not end")


def read_fixed(data: bytes, place: int, size: int) -> int:
    """Read a little-endian number of `size` bytes.

    Raises
    ------
    Damage
        When the data end before it.
    """
    if place + size > len(data):
        raise Damage("it ends too early")
    return int.from_bytes(data[place : place + size], "little")


def _block(data: bytes, offset: int, size: int) -> bytes:
    end = offset + size
    if end + _TRAILER > len(data) - _FOOTER:
        raise Damage("a block reaches beyond its end")
    if masked_crc32c(data[offset : end + 1]) != read_fixed(data, end + 1, 4):
        raise Damage("a checksum is wrong")
    if data[end] == _SNAPPY:
        raise Damage(
            "it is compressed with Snappy, which the published checkpoints are not"
        )
    if data[end]:
        raise Damage("it is compressed in an unknown way")
    return data[offset:end]


def _entries(block: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the keys and values of a block; a key continues the one before it."""
    restarts = read_fixed(block, max(0, len(block) - 4), 4)
    end = len(block) - 4 - 4 * restarts
    if end < 0:
        raise Damage("a block is shorter than it says")
    place, key = 0, b""
    while place < end:
        shared, place = read_varint(block, place)
        unshared, place = read_varint(block, place)
        size, place = read_varint(block, place)
        if shared > len(key) or place + unshared + size > end:
            raise Damage("an entry reaches beyond its block")
        if shared + unshared > _LONGEST_KEY:
            raise Damage("a name in it is too long")
        key = key[:shared] + block[place : place + unshared]
        place += unshared
        yield key, block[place : place + size]
        place += size


def _handle(data: bytes, place: int) -> tuple[int, int, int]:
    offset, place = read_varint(data, place)
    size, place = read_varint(data, place)
    return offset, size, place


def read_table(data: bytes) -> dict[bytes, bytes]:
    """Read a sorted string table, as LevelDB and TensorFlow write it.

    Parameters
    ----------
    data : bytes
        A whole file, uncompressed blocks only.

    Returns
    -------
    dict of bytes to bytes
        Values by key, in the order of the keys.

    Raises
    ------
    Damage
        When the end mark, a checksum, the order of blocks or keys, or any length is
        wrong.
    """
    if len(data) < _FOOTER or struct.unpack("<Q", data[-8:])[0] != _MAGIC:
        raise Damage("the mark of a checkpoint's index is not at its end")
    footer = data[-_FOOTER:]
    *_, place = _handle(footer, 0)
    offset, size, _ = _handle(footer, place)
    table: dict[bytes, bytes] = {}
    reached, last = 0, None
    for _, handle in _entries(_block(data, offset, size)):
        start, length, _ = _handle(handle, 0)
        # Blocks follow each other, so that none can be read twice.
        if start < reached or start + length > offset:
            raise Damage("its blocks overlap or are out of order")
        reached = start + length + _TRAILER
        for key, value in _entries(_block(data, start, length)):
            if last is not None and key <= last:
                raise Damage("its names are out of order")
            if len(table) == _MOST_ENTRIES:
                raise Damage(f"it has more than {_MOST_ENTRIES} entries")
            table[key] = value
            last = key
    return table
