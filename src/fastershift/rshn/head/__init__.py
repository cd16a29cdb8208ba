"""What a few annotated cells teach, put over the outputs of a network."""

from fastershift.rshn.head._features import count_features, describe_pixels
from fastershift.rshn.head._fill import PixelClass, fill_votes
from fastershift.rshn.head._forest import Forest
from fastershift.rshn.head._head import Head

__all__ = [
    "Forest",
    "Head",
    "PixelClass",
    "count_features",
    "describe_pixels",
    "fill_votes",
]
