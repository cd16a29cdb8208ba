"""Masks that Cellpose saves beside its images; they are read, not written."""

import re
from collections.abc import Collection
from pathlib import Path

from fastershift.errors import InputError
from fastershift.io._labels import adopt_labels
from fastershift.io._masks import read_label_image, tracks_from_labels
from fastershift.io._saved_result import SavedResult
from fastershift.io.movies import IMAGE_SUFFIXES, TIFF_SUFFIXES, sort_files

__all__ = ["CellposeMasks"]

_END = "_cp_masks"
_PICKLED = "_seg.npy"


class CellposeMasks:
    """``NAME_cp_masks.tif`` or ``.png``, or a folder of them, one for each frame."""

    def recognises(self, path: Path) -> bool:
        """Tell such a folder, and the file of objects that is refused."""
        return path.name.endswith(_PICKLED) or (path.is_dir() and bool(_masks(path)))

    def read(self, path: Path) -> SavedResult:
        """Read the masks of a folder, in the order of their names.

        Cellpose numbers the cells of each image anew, so that each cell is a track of
        one frame; link them with ``fastershift run --labels``.

        Raises
        ------
        InputError
            For ``_seg.npy``, masks that differ in size, and such that are not one movie
            or lack those of an image.
        """
        if path.name.endswith(_PICKLED):
            raise InputError(
                f"{path.name} holds Python objects (pickle), which can run any program "
                "when they are opened, so it is never read; save the masks as TIFF in "
                "Cellpose (its option save_tif, or File > Save masks as PNG/tif) and "
                f"give NAME{_END}.tif."
            )
        frames = [read_label_image(file) for file in _in_order(path)]
        if len({frame.shape for frame in frames}) > 1:
            raise InputError(f"The masks in {path} differ in size.")
        labels = adopt_labels(frames, str(path)).stack().copy()
        highest = 0
        for frame in labels:
            cells = frame > 0
            frame[cells] += highest
            highest = max(highest, int(frame.max(initial=0)))
        return SavedResult(labels, tracks_from_labels(labels))


def _masks(folder: Path) -> list[Path]:
    """List the masks, as TIFFs if there are any; beside them may be any images."""
    for suffixes in (TIFF_SUFFIXES, (".png",)):
        found = [
            one
            for one in folder.iterdir()
            if one.stem.endswith(_END)
            and one.suffix.lower() in suffixes
            and not one.name.startswith(".")
        ]
        if found:
            return found
    return []


def _in_order(folder: Path) -> list[Path]:
    """Order the masks by the names of their images, which must be those of a movie."""
    masks = {one.name.replace(_END, ""): one for one in _masks(folder)}
    grid = sort_files([*masks], str(folder), all_time=False)
    if grid.axes != "T":
        raise InputError(
            f"{folder} holds masks of several positions, channels or planes, going by "
            "their names; leave only one movie in the folder."
        )
    if grid.missing:
        _check_images(folder, masks)
    return [masks[name] for name in grid.names]


def _check_images(folder: Path, names: Collection[str]) -> None:
    """Refuse images without masks; other gaps are frames that were thrown away."""
    stems = {Path(name).stem for name in names}
    parts = zip(*(re.split(r"(\d+)", stem) for stem in stems), strict=False)
    alike = "".join(
        re.escape(part[0]) if len({*part}) == 1 else r"\d+" for part in parts
    )
    for one in sorted(folder.iterdir()):
        if (
            one.suffix.lower() in IMAGE_SUFFIXES
            and one.stem not in stems
            and re.fullmatch(alike, one.stem)
        ):
            raise InputError(
                f"{folder} lacks the masks of {one.name}; segment all images."
            )
