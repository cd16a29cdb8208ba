"""Tracks as a graph in the GEFF format, with the labels they belong to."""

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastershift.errors import InputError
from fastershift.io._ctc import Tracks
from fastershift.io._movie import Scale, Units
from fastershift.io._zarr import RECORD, import_zarr

__all__ = [
    "import_geff",
    "is_geff",
    "read_geff",
    "read_geff_record",
    "read_geff_scale",
    "write_geff",
]

_LABELS = "labels"


def import_geff() -> ModuleType:
    """Import geff, or say how to get it."""
    try:
        import geff
    except ImportError as error:
        raise InputError(
            "GEFF files need one more package; install it with "
            "pip install 'fastershift[geff]'."
        ) from error
    module: ModuleType = geff
    return module


def is_geff(path: Path) -> bool:
    """Whether a folder is what `write_geff` has written."""
    names = ("nodes", "edges", _LABELS)
    return path.is_dir() and all((path / name).is_dir() for name in names)


def write_geff(
    folder: Path,
    labels: Sequence[NDArray[np.integer[Any]]] | NDArray[np.integer[Any]],
    tracks: Tracks,
    record: Mapping[str, Any],
    scale: Scale | None,
    units: Units | None,
) -> None:
    """Write a graph with a node for each cell of each frame.

    Edges lead from a cell to the same cell in the next frame, and from the last cell
    of a track to the first of every track that descends from it.

    Parameters
    ----------
    folder : Path
        Empty; becomes the GEFF group, with the labels in it.
    labels : array of int, shape (T, Y, X), or sequence of (Y, X) frames
        Track numbers, 0 = background.
    tracks : sequence of (id, first, last, parent)
        The tracks.
    record : mapping
        Kept in the attributes, JSON can hold it.
    scale, units
        Of the axes t, y and x.
    """
    geff, zarr = import_geff(), import_zarr()
    from geff.core_io import write_arrays
    from geff_spec import Axis, RelatedObject

    # Tracking loads torch, which no other format needs.
    from fastershift.tracking import centroids

    stack = np.stack([np.asarray(labels[t]) for t in range(len(labels))])
    cells = centroids(stack)
    number_of = {
        (int(label), int(frame)): number
        for number, (label, frame) in enumerate(cells[:, :2])
    }
    edges = [
        (number_of[label, frame], number_of[label, frame + 1])
        for label, first, last, _ in tracks
        for frame in range(first, last)
    ]
    ends = {label: last for label, _, last, _ in tracks}
    edges += [
        (number_of[parent, ends[parent]], number_of[label, first])
        for label, first, _, parent in tracks
        if parent
    ]
    columns = {
        "t": cells[:, 1].astype(np.int64),
        "y": cells[:, 2],
        "x": cells[:, 3],
        "track": cells[:, 0].astype(np.int64),
    }
    steps, spelled = scale or (1.0, 1.0, 1.0), units or ("pixel",) * 3
    axes = [
        Axis(
            name=name,
            type="time" if name == "t" else "space",
            unit="frame" if name == "t" else "pixel",
            scale=step,
            scaled_unit=None if unit == "pixel" else unit,
        )
        for name, step, unit in zip("tyx", steps, spelled, strict=True)
    ]
    with warnings.catch_warnings():
        # The older name of a property is written on purpose.
        warnings.simplefilter("ignore", DeprecationWarning)
        write_arrays(
            folder,
            np.arange(len(cells), dtype=np.uint64),
            {name: {"values": v, "missing": None} for name, v in columns.items()},
            np.array(edges, np.uint64).reshape(-1, 2),
            {},
            geff.GeffMetadata(
                directed=True,
                axes=axes,
                node_props_metadata={},
                edge_props_metadata={},
                related_objects=[
                    # Readers look for the name that the property had before, too.
                    RelatedObject(
                        type="labels",
                        path=_LABELS,
                        node_prop="track",
                        label_prop="track",
                    )
                ],
            ),
            zarr_format=3,
            overwrite=True,
        )
    group = zarr.open_group(folder, mode="a")
    group.create_array(_LABELS, data=stack, chunks=(1, *stack.shape[1:]))
    group.attrs[RECORD] = dict(record)


def read_geff(path: Path) -> tuple[NDArray[np.int32], Mapping[str, Any]]:
    """Read labels and record of what `write_geff` has written.

    Returns
    -------
    labels : (T, Y, X) int32
    record : mapping
    """
    group = import_zarr().open_group(path, mode="r")
    return np.asarray(group[_LABELS]).astype(np.int32), read_geff_record(path)


def read_geff_record(path: Path) -> Mapping[str, Any]:
    """Read what `write_geff` keeps in the attributes; empty for other files."""
    attributes = import_zarr().open_group(path, mode="r").attrs.asdict()
    record: Mapping[str, Any] = attributes.get(RECORD, {})
    return record


def read_geff_scale(path: Path) -> tuple[Scale | None, Units | None]:
    """Read size and units of a step along t, y and x; None where they are not known."""
    attributes = import_zarr().open_group(path, mode="r").attrs.asdict()
    axes = attributes.get("geff", {}).get("axes") or []
    if len(axes) != 3:
        return None, None
    t, y, x = (float(axis.get("scale") or 1) for axis in axes)
    units = tuple(str(axis.get("scaled_unit") or "pixel") for axis in axes)
    if (t, y, x) == (1, 1, 1) and set(units) == {"pixel"}:
        return None, None
    return (t, y, x), (units[0], units[1], units[2])
