"""Measures the cells of a layer, in another thread."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from napari.layers import Layer

from fastershift.measure import (
    Column,
    FrameTable,
    MeasureOptions,
    WorldUnits,
    columns_for,
    describe_flicker,
    describe_units,
    measure_frames,
)
from fastershift.pipeline import read_confines
from fastershift.plugin.files._layer_files import saved_result
from fastershift.plugin.layers._region import DrawnRegion
from fastershift.plugin.measurements._channels import Position, channels_of

__all__ = ["Measured", "measured_steps"]


@dataclass(frozen=True)
class Measured:
    """What was measured.

    Attributes
    ----------
    table : mapping of str to array
        A row for every cell in every frame.
    columns : tuple of Column
        What is in it.
    units : WorldUnits
        Lengths and times of a pixel and a frame.
    sentence : str
        What the user is told.
    """

    table: FrameTable
    columns: tuple[Column, ...]
    units: WorldUnits
    sentence: str


def measured_steps(
    data: Any,
    placed: Mapping[str, Any],
    layers: Sequence[Layer],
    position: Position | None,
    options: MeasureOptions,
    region: DrawnRegion | None,
    how: str | None,
) -> Iterator[str | Measured]:
    """Measure the cells of a layer, frame by frame.

    Parameters
    ----------
    data : array_like
        Of the layer.
    placed : mapping
        Scale, units and metadata of it.
    layers : sequence of Layer
        Those whose grey values are measured, if they have the same size.
    position : Position or None
        That of the cells, where layers have several.
    options : MeasureOptions
        What is measured.
    region : DrawnRegion or None
        Where cells are measured.
    how : str or None
        What takes flicker out, named where there is any.

    Yields
    ------
    str or Measured
        How far it is, and last what was measured.
    """
    saved = saved_result(data, placed)
    channels = channels_of(layers, saved.shape, position)
    masks = (None, None) if region is None else region.masks(saved.shape[1:])
    pieces: list[FrameTable] = []
    for table in measure_frames(saved, channels, options, read_confines(*masks)):
        pieces.append(table)
        yield f"Measured {len(pieces)} of {len(saved.labels)} frames …"
    whole = {name: np.concatenate([one[name] for one in pieces]) for name in pieces[0]}
    columns = columns_for(
        saved, channels, ring=options.ring > 0, drift=options.without_drift
    )
    sentences = [
        f"{len(whole['track']):,} cells in {len(pieces):,} frames.",
        describe_units(saved),
        *describe_flicker(pieces, channels, how),
    ]
    if not channels:
        sentences.append(
            "Grey values were not measured: no image layer has as many frames of this "
            "size."
        )
    yield Measured(whole, columns, WorldUnits.of(saved), " ".join(sentences))
