"""Movies from files, one module for each kind of file."""

from fastershift.io.movies._folder import IMAGE_SUFFIXES, find_images, read_folder
from fastershift.io.movies._pictures import read_picture
from fastershift.io.movies._tiff import TIFF_SUFFIXES, read_tiff, stored_axes
from fastershift.io.movies._zarr import movie_parts, read_zarr

__all__ = [
    "IMAGE_SUFFIXES",
    "TIFF_SUFFIXES",
    "find_images",
    "movie_parts",
    "read_folder",
    "read_picture",
    "read_tiff",
    "read_zarr",
    "stored_axes",
]
