"""Movies in AVI, MP4 and other video files (extra ``video``)."""

import threading
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastershift.config import InputSettings
from fastershift.errors import InputError
from fastershift.io._movie import Movie, as_movie, no_level

__all__ = ["VIDEO_SUFFIXES", "read_video"]

VIDEO_SUFFIXES = (".avi", ".mp4", ".mov", ".mkv")


def _import_av(path: Path) -> ModuleType:
    try:
        import av
    except ImportError as error:
        raise InputError(
            f"{path.name} is a video, which needs one more package; install it with "
            "pip install 'fastershift[video]', or save the movie as TIFF."
        ) from error
    module: ModuleType = av
    return module


class _Video:
    """Frames of a video; they are unpacked one after the other.

    A frame before the one that was read last begins the video anew: most videos store
    what has changed since the frame before.
    """

    def __init__(self, path: Path) -> None:
        self._av = _import_av(path)
        self._path = path
        self._lock = threading.Lock()
        self._frames: Iterator[Any] = iter(())
        self._next: int | None = None
        try:
            with self._av.open(str(path)) as container:
                stream = container.streams.video[0]
                size = (stream.height, stream.width)
                self._grey = str(stream.codec_context.pix_fmt).startswith("gray")
                count = sum(1 for packet in container.demux(stream) if packet.size)
        except (self._av.FFmpegError, IndexError, OSError) as error:
            raise InputError(f"{path} cannot be read as a video ({error}).") from error
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

    def _unpack(self) -> Iterator[Any]:
        with self._av.open(str(self._path)) as container:
            yield from container.decode(video=0)


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
    )
