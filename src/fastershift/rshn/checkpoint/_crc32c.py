"""The checksum of TensorFlow's files: CRC-32C over numpy arrays."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

__all__ = ["masked_crc32c"]

# Castagnoli's polynomial, lowest bit first (RFC 3720, appendix B.4).
_POLYNOMIAL = 0x82F63B78
_ONES = 0xFFFFFFFF

# A checksum stored beside the data it covers is rotated and shifted by this.
_MASK = 0xA282EAD8

# Bytes taken at once, so that the arrays on the way stay small and in the cache.
_CHUNK = 1 << 18


@cache
def _byte_table() -> NDArray[np.uint32]:
    """Tabulate what one byte makes of an empty register."""
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = np.where(table & 1, table >> 1 ^ _POLYNOMIAL, table >> 1)
    table = table.astype(np.uint32)
    table.flags.writeable = False
    return table


@cache
def _advance_tables(power: int) -> NDArray[np.uint32]:
    """Tabulate what 4 * 2**power zero bytes make of each byte of a register: (4, 256).

    The register is linear over bits: what becomes of a word is the sum (exclusive or)
    of what becomes of its bytes. To go twice as far, go on from where the tables end.
    """
    if power:
        half = _advance_tables(power - 1)
        return _advance(half, half)
    register = np.arange(256, dtype=np.uint32) << np.array(
        [[0], [8], [16], [24]], np.uint32
    )
    table = _byte_table()
    for _ in range(4):
        register = table[register & 255] ^ (register >> 8)
    return register


def _advance(
    tables: NDArray[np.uint32], register: NDArray[np.uint32]
) -> NDArray[np.uint32]:
    result: NDArray[np.uint32] = tables[0].take(register & 255)
    for place in (1, 2, 3):
        result ^= tables[place].take(register >> 8 * place & 255)
    return result


def _fold(words: NDArray[np.uint32]) -> int:
    """Feed words into an empty register: neighbours first, then pairs of them."""
    power = 0
    while len(words) > 1:
        if len(words) % 2:
            # Zeros before the first word leave an empty register empty.
            words = np.concatenate([np.zeros(1, np.uint32), words])
        words = _advance(_advance_tables(power), words[0::2]) ^ words[1::2]
        power += 1
    return int(_advance(_advance_tables(0), words)[0])


def _feed(register: int, chunk: bytes) -> int:
    odd = len(chunk) % 4
    table = _byte_table()
    for byte in chunk[:odd]:
        register = int(table[(register ^ byte) & 255]) ^ register >> 8
    if odd < len(chunk):
        words = np.frombuffer(chunk, "<u4", offset=odd).astype(np.uint32)
        words[0] ^= register
        register = _fold(words)
    return register


def masked_crc32c(data: bytes) -> int:
    """Compute the masked CRC-32C of some bytes.

    Parameters
    ----------
    data : bytes
        What is covered.

    Returns
    -------
    int
        32 bits, masked as in the files of TensorFlow and LevelDB.
    """
    register = _ONES
    for start in range(0, len(data), _CHUNK):
        register = _feed(register, data[start : start + _CHUNK])
    crc = register ^ _ONES
    return ((crc >> 15 | crc << 17) + _MASK) & _ONES
