"""A result as a graph in the GEFF format, with the labels it belongs to."""

import warnings
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastershift.config import InputSettings
from fastershift.errors import import_extra
from fastershift.io._atomic import replacing_folder
from fastershift.io._graph import links_of_tracks
from fastershift.io._labels import adopt_labels
from fastershift.io._listed import as_listed
from fastershift.io._movie import Scale, Units
from fastershift.io._saved_result import SavedResult, from_record, to_record
from fastershift.io._zarr import (
    RECORD,
    import_zarr,
    is_zarr,
    is_zarr_result,
    read_attributes,
)
from fastershift.io.formats._foreign_geff import read_foreign_geff
from fastershift.io.formats._format import Format
from fastershift.io.movies import read_zarr

__all__ = ["GeffFormat"]

_LABELS = "labels"


class GeffFormat(Format):
    """A Zarr with nodes, edges, and the labels beside them."""

    suffixes = (".geff",)

    def target(self, path: Path) -> Path:
        """Add ``.geff`` where it is missing."""
        import_geff()
        return super().target(path)

    def is_result(self, path: Path) -> bool:
        """Tell a former result from the graphs of others."""
        return self.recognises(path) and is_zarr_result(
            path, ("nodes", "edges", _LABELS)
        )

    def recognises(self, path: Path) -> bool:
        """Tell any GEFF from other Zarrs."""
        return is_zarr(path) and all((path / n).is_dir() for n in ("nodes", "edges"))

    def write(self, path: Path, result: SavedResult, *, overwrite: bool) -> None:
        """Write graph and labels; see `Format.write`.

        The graph has a node for each cell of each frame. Edges lead from a cell to the
        same cell where it is seen next, and from the last cell of a track to the first
        of every track that descends from it.
        """
        # Tracking loads torch, which no other format needs.
        from fastershift.tracking import centroids

        with replacing_folder(path, overwrite, self.is_result) as folder:
            labels = adopt_labels(result.labels)
            # The package empties the folder, so the graph comes first.
            _write_graph(folder, centroids(labels), result)
            group = import_zarr().open_group(folder, mode="a")
            array = group.create_array(
                _LABELS,
                shape=result.shape,
                dtype="int32",
                chunks=(1, *result.shape[1:]),
                # A frame without cells is then told from one that is lost.
                config={"write_empty_chunks": True},
            )
            for t in range(len(labels)):
                array[t] = labels[t]
            group.attrs[RECORD] = to_record(result)

    def read(self, path: Path) -> SavedResult:
        """Read the labels, and what is kept with them; see `Format.read`.

        Of a GEFF of another program the labels that it names, else discs.
        """
        attributes = read_attributes(path)
        if RECORD not in attributes:
            return read_foreign_geff(path, import_geff())
        movie = read_zarr(path / _LABELS, InputSettings(axes="TYX"))
        labels = adopt_labels(movie, str(path))
        scale, units = _read_scale(attributes)
        saved = from_record(attributes[RECORD], labels, scale, units, path)
        return as_listed(saved, movie)


def import_geff() -> ModuleType:
    """Import geff, or say how to get it."""
    return import_extra("geff", "geff", "GEFF files need one more package; install it")


def _write_graph(folder: Path, cells: NDArray[np.float64], result: SavedResult) -> None:
    geff = import_geff()
    from geff.core_io import write_arrays
    from geff_spec import Axis, RelatedObject

    track, frames = cells[:, 0].astype(np.int64), cells[:, 1].astype(np.int64)
    columns = {
        "t": frames,
        "y": cells[:, 2],
        "x": cells[:, 3],
        "track": track,
    }
    steps, spelled = result.scale or (1.0, 1.0, 1.0), result.units or ("pixel",) * 3
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
            links_of_tracks(track, frames, result.tracks).astype(np.uint64),
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


def _read_scale(
    attributes: Mapping[str, Any],
) -> tuple[Scale | None, Units | None]:
    """Read size and units of a step along t, y and x; None where they are not known."""
    axes = attributes.get("geff", {}).get("axes") or []
    if len(axes) != 3:
        return None, None
    t, y, x = (float(axis.get("scale") or 1) for axis in axes)
    units = tuple(str(axis.get("scaled_unit") or "pixel") for axis in axes)
    if (t, y, x) == (1, 1, 1) and set(units) == {"pixel"}:
        return None, None
    return (t, y, x), (units[0], units[1], units[2])
