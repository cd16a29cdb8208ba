"""Files to movies, and tracked labels to files and back."""

from fastershift.io._atomic import (
    check_apart,
    fitting_name,
    machine_name,
    replacing_files,
    replacing_folder,
)
from fastershift.io._channels import read_channels
from fastershift.io._graph import parents_that_fit
from fastershift.io._labels import (
    AdoptedLabels,
    LabelFrames,
    Numbers,
    adopt_labels,
    check_no_movie,
    check_other_than,
    read_label_frames,
    rename_tracks,
)
from fastershift.io._masks import (
    read_segmentation_truth,
    read_tracks,
    tracks_from_labels,
)
from fastershift.io._movie import (
    FrameSource,
    Movie,
    Scale,
    Units,
    as_movie,
    check_range,
)
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
    WHOLE_FORMATS,
    ResultFormat,
    SavedResult,
    Tracks,
    settings_of,
)
from fastershift.io._simulation import write_simulation, write_simulation_zarr
from fastershift.io._table import (
    check_file,
    is_own_picture,
    write_file,
    write_picture,
    write_table,
)
from fastershift.io._zarr import import_zarr, is_zarr
from fastershift.io.formats import lost_parents
from fastershift.io.movies import (
    IMAGE_SUFFIXES,
    MICROSCOPE_SUFFIXES,
    TIFF_SUFFIXES,
    VIDEO_SUFFIXES,
    find_images,
    holds_masks,
    movie_parts,
    stored_axes,
    without_derived,
)

__all__ = [
    "IMAGE_SUFFIXES",
    "MICROSCOPE_SUFFIXES",
    "REPORT_COLUMNS",
    "TIFF_SUFFIXES",
    "VIDEO_SUFFIXES",
    "WHOLE_FORMATS",
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
    "check_apart",
    "check_file",
    "check_no_movie",
    "check_other_than",
    "check_output",
    "check_range",
    "find_images",
    "fitting_name",
    "format_of",
    "holds_cells",
    "holds_masks",
    "import_zarr",
    "is_own_picture",
    "is_result",
    "is_zarr",
    "lost_parents",
    "machine_name",
    "movie_parts",
    "parents_that_fit",
    "read_channels",
    "read_label_frames",
    "read_movie",
    "read_result",
    "read_saved",
    "read_segmentation_truth",
    "read_tracks",
    "rename_tracks",
    "replacing_files",
    "replacing_folder",
    "result_place",
    "settings_of",
    "stored_axes",
    "tracks_from_labels",
    "without_derived",
    "write_file",
    "write_or_keep",
    "write_picture",
    "write_result",
    "write_saved",
    "write_simulation",
    "write_simulation_zarr",
    "write_table",
]
