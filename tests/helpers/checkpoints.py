"""TensorFlow checkpoints, written byte by byte."""

import struct
import zlib
from pathlib import Path

import numpy as np

from fastershift.rshn.checkpoint._crc32c import masked_crc32c

SMALL = Path(__file__).parents[1] / "data" / "ckpt_small" / "small"
DATA = ".data-00000-of-00001"
CODES = {"float32": 1, "float64": 2, "int32": 3, "int64": 9, "float16": 19}
LITTLE = bytes([8, 1, 26, 2, 8, 1])


def varint(value):
    parts = bytearray()
    while value > 127:
        parts.append(value & 127 | 128)
        value >>= 7
    return bytes([*parts, value])


def field(number, value):
    """Encode a number or a message as a field of a protocol buffer."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def entry(kind, shape, offset, size, checksum, more=b""):
    sides = b"".join(field(2, field(1, side)) for side in shape)
    message = field(1, kind) + field(2, sides) + field(4, offset) + field(5, size)
    return message + varint(6 << 3 | 5) + struct.pack("<I", checksum) + more


def block(entries, interval=16):
    """Encode sorted keys and values as a block without its trailer."""
    payload, restarts, last = bytearray(), [], b""
    for index, (key, value) in enumerate(entries):
        shared = 0
        if index % interval:
            while shared < min(len(key), len(last)) and key[shared] == last[shared]:
                shared += 1
        else:
            restarts.append(len(payload))
        payload += varint(shared) + varint(len(key) - shared) + varint(len(value))
        payload += key[shared:] + value
        last = key
    restarts = restarts or [0]
    return bytes(payload) + struct.pack(
        f"<{len(restarts) + 1}I", *restarts, len(restarts)
    )


def trailed(payload, compression=0):
    payload += bytes([compression])
    return payload + struct.pack("<I", masked_crc32c(payload))


def table(blocks, compression=0, handles=None):
    """Encode blocks as an index file; `handles` overrules where they are said to be."""
    data, found = b"", []
    for payload in blocks:
        found.append((len(data), len(payload)))
        data += trailed(payload, compression)
    handles = found if handles is None else handles
    keys = [bytes([97 + number]) for number in range(len(handles))]
    pointers = [varint(start) + varint(size) for start, size in handles]
    index = block(list(zip(keys, pointers, strict=True)))
    footer = varint(0) + varint(0) + varint(len(data)) + varint(len(index))
    magic = struct.pack("<Q", 0xDB4775248B80FB57)
    return data + trailed(index) + footer.ljust(40, b"\0") + magic


def write_bundle(prefix, tensors, per_block=100, header=LITTLE):
    """Write tensors as a checkpoint, packed in the order of their names."""
    data, entries = bytearray(), [(b"", header)]
    for name in sorted(tensors):
        value = tensors[name]
        raw = value.tobytes()
        kind = CODES[value.dtype.name]
        told = entry(kind, value.shape, len(data), len(raw), masked_crc32c(raw))
        entries.append((name.encode(), told))
        data += raw
    parts = range(0, len(entries), per_block)
    blocks = [block(entries[start : start + per_block]) for start in parts]
    write_files(prefix, table(blocks), bytes(data))
    return prefix


def write_files(prefix, index, data):
    prefix.parent.mkdir(parents=True, exist_ok=True)
    prefix.with_name(f"{prefix.name}.index").write_bytes(index)
    prefix.with_name(f"{prefix.name}{DATA}").write_bytes(data)


def generated(name, shape):
    """Weights that follow from their name and shape."""
    numbers = np.random.RandomState(zlib.crc32(name.encode())).standard_normal(shape)
    if name.endswith("/bias"):
        return (0.1 * numbers).astype(np.float32)
    gain = 1 if "/gates/" in name else 2
    return (np.sqrt(gain / np.prod(shape[:3])) * numbers).astype(np.float32)
