"""Saved results, opened with all that was saved."""

from collections.abc import Iterable
from pathlib import Path

from napari.components import ViewerModel
from napari.layers import Labels, Layer

from fastershift.io import read_saved
from fastershift.plugin.files._readers import LayerData, get_zarr_reader, saved_layers

__all__ = ["add_layers", "result_layers"]


def result_layers(path: Path) -> list[LayerData]:
    """Read the layers of a saved result; takes time.

    Parameters
    ----------
    path : Path
        Folder or file, as `fastershift.io.write_result` has written it.

    Returns
    -------
    list of (data, attributes, layer type)

    Raises
    ------
    InputError
        When there is no result.
    """
    in_zarr = get_zarr_reader(str(path))
    if in_zarr is not None:
        return in_zarr(str(path))
    return saved_layers(read_saved(path), path.stem)


def add_layers(viewer: ViewerModel, layers: Iterable[LayerData]) -> Labels:
    """Show layers, and select that of the cells.

    Parameters
    ----------
    viewer : ViewerModel
        Where.
    layers : iterable of (data, attributes, layer type)
        With one of labels among them.

    Returns
    -------
    Labels
        The cells.
    """
    made = [Layer.create(*one) for one in layers]
    for layer in made:
        viewer.add_layer(layer)
    cells = next(layer for layer in made if isinstance(layer, Labels))
    viewer.layers.selection.active = cells
    return cells
