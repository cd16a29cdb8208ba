"""The checksum of TensorFlow's files: CRC-32C."""

import numpy as np
from numpy.typing import NDArray

from fastershift._compiled import compiled

__all__ = ["masked_crc32c"]

# Castagnoli's polynomial, lowest bit first (RFC 3720, appendix B.4).
_POLYNOMIAL = 0x82F63B78
_ONES = 0xFFFFFFFF

# A checksum stored beside the data it covers is rotated and shifted by this.
_MASK = 0xA282EAD8


@compiled
def _crc32c(data: NDArray[np.uint8]) -> int:
    # What one byte makes of an empty register.
    table = np.arange(256, dtype=np.int64)
    for _ in range(8):
        table = np.where(table & 1, table >> 1 ^ _POLYNOMIAL, table >> 1)
    register = _ONES
    for byte in data:
        register = int(table[(register ^ int(byte)) & 255]) ^ register >> 8
    return register ^ _ONES


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
    crc = int(_crc32c(np.frombuffer(data, np.uint8)))
    return ((crc >> 15 | crc << 17) + _MASK) & _ONES
