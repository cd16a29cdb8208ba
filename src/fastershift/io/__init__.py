"""Files to movies, and tracked labels to files and back."""

from fastershift.io._atomic import replacing_folder
from fastershift.io._ctc import Tracks, read_segmentation_truth, tracks_from_labels
from fastershift.io._geff import is_geff
from fastershift.io._movie import FrameSource, Movie, Scale, Units, as_movie
from fastershift.io._ome_zarr import plate_fields
from fastershift.io._read import read_movie
from fastershift.io._result import (
    REPORT_COLUMNS,
    ResultFormat,
    check_output,
    read_corrections,
    read_result,
    write_result,
)
from fastershift.io._saved import read_saved
from fastershift.io._simulation import write_simulation, write_simulation_zarr
from fastershift.io._table import write_file, write_table
from fastershift.io._tiff import stored_axes
from fastershift.io._zarr import import_zarr, is_zarr, read_zarr_record

__all__ = [
    "REPORT_COLUMNS",
    "FrameSource",
    "Movie",
    "ResultFormat",
    "Scale",
    "Tracks",
    "Units",
    "as_movie",
    "check_output",
    "import_zarr",
    "is_geff",
    "is_zarr",
    "plate_fields",
    "read_corrections",
    "read_movie",
    "read_result",
    "read_saved",
    "read_segmentation_truth",
    "read_zarr_record",
    "replacing_folder",
    "stored_axes",
    "tracks_from_labels",
    "write_file",
    "write_result",
    "write_simulation",
    "write_simulation_zarr",
    "write_table",
]
