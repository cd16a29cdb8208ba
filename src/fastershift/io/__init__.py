"""Files to movies, and tracked labels to files and back."""

from fastershift.io._atomic import replacing_files, replacing_folder
from fastershift.io._channels import read_channels
from fastershift.io._graph import parents_that_fit
from fastershift.io._labels import (
    AdoptedLabels,
    LabelFrames,
    Numbers,
    adopt_labels,
    rename_tracks,
)
from fastershift.io._masks import read_segmentation_truth, tracks_from_labels
from fastershift.io._movie import FrameSource, Movie, Scale, Units, as_movie
from fastershift.io._read import read_movie
from fastershift.io._result import (
    check_output,
    format_of,
    holds_cells,
    is_result,
    read_result,
    read_saved,
    result_place,
    write_or_keep,
    write_result,
    write_saved,
)
from fastershift.io._saved_result import (
    REPORT_COLUMNS,
    ResultFormat,
    SavedResult,
    Tracks,
    settings_of,
)
from fastershift.io._simulation import write_simulation, write_simulation_zarr
from fastershift.io._table import write_file, write_table
from fastershift.io._zarr import import_zarr, is_zarr
from fastershift.io.movies import IMAGE_SUFFIXES, movie_parts, stored_axes

__all__ = [
    "IMAGE_SUFFIXES",
    "REPORT_COLUMNS",
    "AdoptedLabels",
    "FrameSource",
    "LabelFrames",
    "Movie",
    "Numbers",
    "ResultFormat",
    "SavedResult",
    "Scale",
    "Tracks",
    "Units",
    "adopt_labels",
    "as_movie",
    "check_output",
    "format_of",
    "holds_cells",
    "import_zarr",
    "is_result",
    "is_zarr",
    "movie_parts",
    "parents_that_fit",
    "read_channels",
    "read_movie",
    "read_result",
    "read_saved",
    "read_segmentation_truth",
    "rename_tracks",
    "replacing_files",
    "replacing_folder",
    "result_place",
    "settings_of",
    "stored_axes",
    "tracks_from_labels",
    "write_file",
    "write_or_keep",
    "write_result",
    "write_saved",
    "write_simulation",
    "write_simulation_zarr",
    "write_table",
]
