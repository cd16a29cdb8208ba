"""Movies in a folder: one file for each frame, channel, plane or position."""

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastershift.config import InputSettings
from fastershift.errors import InputError
from fastershift.io._axes import choose_position
from fastershift.io._movie import Lost, Movie, Scale, Units, as_movie
from fastershift.io.movies._file_names import (
    FileGrid,
    are_masks,
    natural_order,
    sort_files,
)
from fastershift.io.movies._pictures import PICTURE_SUFFIXES, Picture
from fastershift.io.movies._tiff import TIFF_SUFFIXES, TiffStack, read_tiff

__all__ = ["IMAGE_SUFFIXES", "find_images", "holds_masks", "read_folder"]

IMAGE_SUFFIXES = (*TIFF_SUFFIXES, *PICTURE_SUFFIXES)

_Image: TypeAlias = TiffStack | Picture

#: Folders that hold a position each, and the one that Cell-ACDC puts in between.
_POSITION = re.compile(r"(pos|position|xy|fov|site|series)[-_ ]?\d+", re.IGNORECASE)
_IMAGES = "Images"


def find_images(folder: Path) -> list[Path]:
    """List the images in a folder, ``t2`` before ``t10``.

    Hidden files are left out, and pictures beside TIFFs: they only show what is there.
    """
    for suffixes in (TIFF_SUFFIXES, PICTURE_SUFFIXES):
        files = [
            path
            for path in folder.iterdir()
            if path.suffix.lower() in suffixes and not path.name.startswith(".")
        ]
        if files:
            return sorted(files, key=lambda path: natural_order(path.name))
    return []


def holds_masks(folder: Path) -> bool:
    """Tell a folder of masks, of any program, from one of images, by their names."""
    return folder.is_dir() and are_masks([path.name for path in find_images(folder)])


@dataclass(frozen=True)
class _FileArray:
    """All files of a folder as one array; those that are asked for are opened."""

    folder: Path
    grid: FileGrid
    level: int
    axes: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @property
    def files(self) -> tuple[Path, ...]:
        """All files, in the order of frames."""
        return tuple(self.folder / name for name in self.grid.names)

    def __getitem__(self, index: tuple[int | slice, ...]) -> NDArray[Any]:
        lead = len(self.grid.axes)
        numbers = np.arange(int(np.prod(self.grid.shape))).reshape(self.grid.shape)
        chosen = numbers[index[:lead]]
        pieces = [
            self._read(np.unravel_index(int(n), self.grid.shape), index[lead:])
            for n in np.atleast_1d(chosen).flat
        ]
        stacked = np.stack(pieces)
        return stacked.reshape(*chosen.shape, *stacked.shape[1:])

    def _read(self, place: tuple[Any, ...], index: tuple[int | slice, ...]) -> Any:
        path = self.folder / self.grid.files[tuple(int(at) for at in place)]
        image = _open(path, self.level)
        if tuple(image.shape) != self.shape[len(self.grid.axes) :]:
            raise InputError(f"{path} has changed since the movie was opened.")
        return image[index]

    def lost(self, _index: tuple[int | str, ...]) -> Lost | None:
        """Tell which frames have no file."""
        missing = self.grid.missing
        if not missing:
            return None
        first = min(missing)
        more = f", and {len(missing) - 1} more" if len(missing) > 1 else ""
        return Lost(
            frozenset(missing),
            f"going by the numbers in the names, frame {first} is missing, which would "
            f"follow {missing[first]}{more}",
        )


def _open(path: Path, level: int) -> _Image:
    if path.suffix.lower() in PICTURE_SUFFIXES:
        return Picture.open(path)
    return TiffStack(path, level)


def read_folder(path: Path, reading: InputSettings) -> Movie:
    """Open a folder of images, or of folders that hold a position each.

    Raises
    ------
    InputError
        When the images are not one movie, or something of them has to be chosen; the
        sentence says what was found.
    """
    files = find_images(path)
    if not files:
        return _read_positions(path, reading)
    unreadable = [file.name for file in files if not file.exists()]
    if unreadable:
        raise InputError(
            f"{path / unreadable[0]} is a link to a file that is not there; copy the "
            "frames themselves."
        )
    odd = [file.name for file in files if not file.is_file()]
    if odd:
        raise InputError(f"{path / odd[0]} is not a file; take it out of the folder.")
    # Whoever says that files are frames is believed.
    in_file = reading.axes.replace("T", "")
    all_time = reading.axes != "auto" and "T" in reading.axes
    grid = sort_files([file.name for file in files], str(path), all_time=all_time)
    named = [path / name for name in grid.names]
    if len(named) == 1 and named[0].suffix.lower() in TIFF_SUFFIXES:
        return replace(read_tiff(named[0], reading), name=path.name, source=path)
    if len(grid.channels) > 1 and reading.channel is None:
        found = ", ".join(f"{n}: {name}" for n, name in enumerate(grid.channels))
        raise InputError(
            f"{path} holds images of {len(grid.channels)} channels ({found}); choose "
            "one; or, if they are frames, give the axes as TYX.",
            channel=0,
            axes="TYX",
        )
    says = reading.axes != "auto" and bool(set(in_file) - set("YX"))
    array, scale, units = _examine(path, grid, named, reading.level, single=not says)
    own = "".join("Q" if a in grid.axes else a for a in array.axes[len(grid.axes) :])
    return as_movie(
        array,
        grid.axes + (in_file if says else own),
        reading.channel,
        plane=reading.plane,
        position=reading.position,
        name=path.name,
        source=path,
        scale=scale,
        units=units,
        lost=array.lost,
    )


def _examine(
    folder: Path, grid: FileGrid, files: list[Path], level: int, *, single: bool
) -> tuple[_FileArray, Scale | None, Units | None]:
    """Compare all files now, by their heads, rather than in the middle of a run."""
    first = _open(files[0], level)
    types = set()
    for path in files:
        image = _open(path, level)
        if ("S" in image.axes) != ("S" in first.axes):
            names = (path.name, files[0].name)
            coloured, grey = names if "S" in image.axes else reversed(names)
            raise InputError(
                f"The frames in {folder} differ: {coloured} is a colour image and "
                f"{grey} is not; take out what does not belong to the movie."
            )
        if image.shape[-2:] != first.shape[-2:] or len(image.axes) < len(first.axes):
            raise InputError(
                f"The frames in {folder} differ in size: {path.name} is not as large "
                f"as {files[0].name}; take out what does not belong to the movie."
            )
        if single:
            _check_single(path, image, grid)
        if image.shape != first.shape:
            raise InputError(
                f"The frames in {folder} differ: {path.name} is not like "
                f"{files[0].name}; take out what does not belong to the movie."
            )
        if isinstance(image, TiffStack):
            lost = image.lost(tuple(image.axes))
            if lost is not None:
                raise InputError(f"{path} is damaged: {lost.sentence}. Copy it again.")
        types.add(image.dtype)
    if len({one.kind == "f" for one in types}) > 1:
        raise InputError(
            f"Some frames in {folder} hold whole numbers and others real ones, so that "
            "their brightness cannot be compared; save all of them alike."
        )
    array = _FileArray(
        folder,
        grid,
        level,
        grid.axes + first.axes,
        (*grid.shape, *first.shape),
        np.result_type(*types),
    )
    if isinstance(first, TiffStack):
        return array, first.scale, first.units
    return array, None, None


def _check_single(path: Path, image: _Image, grid: FileGrid) -> None:
    """Refuse a file of several frames among files that are frames."""
    sizes = zip(image.axes, image.shape, strict=True)
    frames = int(np.prod([size for axis, size in sizes if axis in "TQIP"], dtype=int))
    if frames > 1 and "T" in grid.axes:
        raise InputError(
            f"{path} holds {frames} frames, but in a folder every file is one frame; "
            "give the file itself."
        )


def _read_positions(path: Path, reading: InputSettings) -> Movie:
    """Open one of the positions that lie in folders of their own."""
    if path.name != _IMAGES and (path / _IMAGES).is_dir():
        return read_folder(path / _IMAGES, reading)
    found = (one for one in path.iterdir() if _POSITION.fullmatch(one.name))
    folders = sorted(
        (one for one in found if one.is_dir()), key=lambda one: natural_order(one.name)
    )
    if not folders:
        raise _nothing_in(path)
    where = f" in the folders {folders[0].name} to {folders[-1].name}"
    number = choose_position(len(folders), reading.position, str(path), where=where)
    return read_folder(folders[number], reading.model_copy(update={"position": None}))


def _nothing_in(path: Path) -> InputError:
    """Say what a folder holds in which no image was found."""
    suffixes = sorted({one.suffix.lower() for one in path.iterdir() if one.is_file()})
    if not any(path.iterdir()):
        return InputError(
            f"The folder {path} is empty; give one that holds the frames."
        )
    found = f", only files of the kinds {', '.join(suffixes)}" if any(suffixes) else ""
    return InputError(
        f"The folder {path} holds no images{found}; give the folder with the frames "
        "themselves, as TIFF, PNG, JPEG or BMP, such as 01 of a Cell Tracking "
        "Challenge data set."
    )
