"""Movies in AVI, MP4 and other video files (extra ``video``)."""

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastershift.config import InputSettings
from fastershift.errors import InputError, import_extra
from fastershift.io._movie import Lost, Movie, as_movie, no_level

__all__ = ["VIDEO_SUFFIXES", "read_video"]

#: Frames by which the length that a video tells may be off.
_FRAMES_OFF = 0.9

VIDEO_SUFFIXES = (".avi", ".mp4", ".mov", ".mkv")


class _Video:
    """Frames of a video; they are unpacked one after the other.

    A frame before the one that was read last begins the video anew: most videos store
    what has changed since the frame before.
    """

    def __init__(self, path: Path) -> None:
        self._av = import_extra(
            "av",
            "video",
            f"{path.name} is a video, which needs one more package; install it",
            ", or save the movie as TIFF",
        )
        self._path = path
        self._lock = threading.Lock()
        self._frames: Iterator[Any] = iter(())
        self._next: int | None = None
        try:
            with self._av.open(str(path)) as container:
                stream = container.streams.video[0]
                size = (stream.height, stream.width)
                self._grey = str(stream.codec_context.pix_fmt).startswith("gray")
                packets = [one for one in container.demux(stream) if one.size]
                self._breaks_off = _breaks_off(container, stream, packets)
        except (self._av.FFmpegError, IndexError, OSError) as error:
            raise InputError(f"{path} cannot be read as a video ({error}).") from error
        count = len(packets)
        self.axes = "TYX" if self._grey else "TYXS"
        self.shape = (count, *size) if self._grey else (count, *size, 3)
        self.dtype = np.dtype(np.uint8)

    def __getitem__(self, index: tuple[int | slice, ...]) -> NDArray[Any]:
        number = int(index[0])  # type: ignore[arg-type]
        with self._lock:
            if self._next is None or number < self._next:
                self._frames, self._next = self._unpack(), 0
            for frame in self._frames:
                self._next += 1
                if self._next == number + 1:
                    pixels = frame.to_ndarray(format="gray" if self._grey else "rgb24")
                    return np.asarray(pixels)[index[1:]]
            self._next = None
        raise ValueError("the video ends before it")

    def lost(self, _index: tuple[int | str, ...]) -> Lost | None:
        """Tell whether the video ends before it says so."""
        if not self._breaks_off:
            return None
        return Lost(frozenset(), f"it breaks off after frame {self.shape[0] - 1}")

    def _unpack(self) -> Iterator[Any]:
        with self._av.open(str(self._path)) as container:
            yield from container.decode(video=0)


def _breaks_off(container: Any, stream: Any, packets: Sequence[Any]) -> bool:
    """Compare what the head of a video tells with the pieces that are there."""
    if len(packets) < stream.frames:
        return True
    # Sound may last longer.
    if len(container.streams) > 1 or not (container.duration and packets):
        return False
    ends = [one.pts + (one.duration or 0) for one in packets if one.pts is not None]
    begins = stream.start_time or 0
    last = float((max(ends, default=0) - begins) * stream.time_base)
    whole = container.duration / 1e6  # microseconds
    return bool(ends) and last + _FRAMES_OFF * whole / len(packets) < whole


def read_video(path: Path, reading: InputSettings) -> Movie:
    """Open a video; its pixels have 8 bits, and colours unless it is grey.

    Raises
    ------
    InputError
        When it cannot be read, or a colour has to be chosen.
    """
    if reading.level:
        raise no_level(path, reading.level, 1)
    video = _Video(path)
    return as_movie(
        video,
        video.axes,
        reading.channel,
        plane=reading.plane,
        position=reading.position,
        name=path.name,
        source=path,
        lost=video.lost,
    )
