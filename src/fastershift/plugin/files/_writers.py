"""Save Layers: labels as a Cell Tracking Challenge folder or as TIFF."""

from pathlib import Path
from typing import Any, TypeAlias

from napari.utils.notifications import show_warning

from fastershift.errors import InputError
from fastershift.io import ResultFormat, write_saved
from fastershift.plugin.files._layer_files import describe_lost_parents, saved_result

__all__ = ["write_ctc", "write_tiff"]

LayerData: TypeAlias = tuple[Any, dict[str, Any], str]


def write_ctc(path: str, layers: list[LayerData]) -> list[str]:
    """Save labels as masks with a track file.

    Parameters
    ----------
    path : str
        Folder of the result; with several Labels layers each gets a folder in it.
    layers : list of (data, attributes, layer type)
        Labels, and Tracks whose graph names the parents.

    Returns
    -------
    list of str
        What was written.
    """
    return _write(path, layers, "ctc")


def write_tiff(path: str, layers: list[LayerData]) -> list[str]:
    """Save labels as one TIFF with axes and voxel size, tracks beside it.

    Parameters
    ----------
    path : str
        The file.
    layers : list of (data, attributes, layer type)
        One Labels layer, and Tracks whose graph names the parents.

    Returns
    -------
    list of str
        What was written.
    """
    return _write(path, layers, "tiff")


def _write(path: str, layers: list[LayerData], form: ResultFormat) -> list[str]:
    labels = [
        (data, attributes) for data, attributes, kind in layers if kind == "labels"
    ]
    graphs = [attributes["graph"] for _, attributes, kind in layers if kind == "tracks"]
    if not labels:
        raise InputError("Select a labels layer to save.")
    # Which tracks belong to which labels is clear only for a single pair.
    graph = graphs[0] if len(labels) == len(graphs) == 1 else None
    written = []
    for data, attributes in labels:
        target = Path(path)
        if len(labels) > 1:
            target = target / str(attributes["name"])
        result = saved_result(data, attributes, graph)
        # napari has asked before replacing.
        done = write_saved(target, result, format=form, overwrite=True)
        written.append(str(done))
        lost = describe_lost_parents(result, attributes, graph)
        if lost:
            show_warning(f"{done}: {lost}")
    return written
