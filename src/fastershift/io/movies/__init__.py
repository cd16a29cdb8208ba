"""Movies from files, one module for each kind of file."""

from fastershift.io.movies._bioio import MICROSCOPE_SUFFIXES, read_microscope_file
from fastershift.io.movies._file_names import sort_files, without_derived
from fastershift.io.movies._folder import (
    IMAGE_SUFFIXES,
    find_images,
    holds_masks,
    read_folder,
)
from fastershift.io.movies._pictures import JPEG_SUFFIXES, read_picture
from fastershift.io.movies._tiff import TIFF_SUFFIXES, read_tiff, stored_axes
from fastershift.io.movies._video import VIDEO_SUFFIXES, read_video
from fastershift.io.movies._zarr import movie_parts, read_zarr

__all__ = [
    "IMAGE_SUFFIXES",
    "JPEG_SUFFIXES",
    "MICROSCOPE_SUFFIXES",
    "TIFF_SUFFIXES",
    "VIDEO_SUFFIXES",
    "find_images",
    "holds_masks",
    "movie_parts",
    "read_folder",
    "read_microscope_file",
    "read_picture",
    "read_tiff",
    "read_video",
    "read_zarr",
    "sort_files",
    "stored_axes",
    "without_derived",
]
