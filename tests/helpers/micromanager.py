"""A file as Micro-Manager writes it: its own index of the frames, and no more tags."""

import json
import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

# Numbers that tell the parts of the head.
_INDEX, _DISPLAY, _COMMENTS, _SUMMARY = 54773648, 483765892, 99384722, 2355492
_INDEX_HERE = 3453623
_SHORT, _LONG, _ASCII = 3, 4, 2


def write_stack(
    path: Path, frames: NDArray[np.uint16], position: int, positions: int
) -> None:
    """Write one of several positions into a file of its own.

    Parameters
    ----------
    path : Path
        Its name is to begin with that of the set and ``_MMStack``.
    frames : (T, Y, X) uint16
        Its frames.
    position, positions : int
        Which it is, from 0, and how many there are.
    """
    n_frames, height, width = frames.shape
    summary = {
        "MicroManagerVersion": "2.0",
        "Prefix": path.name.partition("_MMStack")[0],
        "Frames": n_frames,
        "Positions": positions,
        "Channels": 1,
        "Slices": 1,
        "TimeFirst": False,
        "SlicesFirst": True,
    }
    told = json.dumps(summary).encode()
    head = 40 + len(told) + len(told) % 2
    step = 162 + frames[0].nbytes
    end = head + n_frames * step  # text of the frames, then the index
    text = b'{"FrameIndex": 0}\0'
    ints = (_INDEX, end + len(text), _DISPLAY, 0, _COMMENTS, 0, _SUMMARY, len(told))
    parts = [b"II*\0", struct.pack("<9I", head, *ints), told.ljust(head - 40, b"\0")]
    index = []
    for t, frame in enumerate(frames):
        at = head + t * step
        index.append((0, 0, t, position, at))
        following = at + step if t + 1 < n_frames else 0
        tags = (
            (256, _LONG, 1, width),
            (257, _LONG, 1, height),
            (258, _SHORT, 1, 16),
            (259, _SHORT, 1, 1),
            (262, _SHORT, 1, 1),
            (273, _LONG, 1, at + 162),
            (277, _SHORT, 1, 1),
            (278, _LONG, 1, height),
            (279, _LONG, 1, frame.nbytes),
            (284, _SHORT, 1, 1),
            (296, _SHORT, 1, 1),
            (305, _LONG, 1, 0),
            (51123, _ASCII, len(text), end),
        )
        parts.append(struct.pack("<H", len(tags)))
        parts += [struct.pack("<HHII", *tag) for tag in tags]
        parts += [struct.pack("<I", following), frame.astype("<u2").tobytes()]
    parts += [text, struct.pack("<2I", _INDEX_HERE, n_frames)]
    parts += [struct.pack("<5I", *one) for one in index]
    path.write_bytes(b"".join(parts))
