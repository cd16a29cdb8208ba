"""A few vectors on the host."""

import numpy as np

from fastershift.meanshift._points import Vectors

__all__ = ["unit_vectors"]


def unit_vectors(vectors: Vectors) -> Vectors:
    """Divide rows by their length; rows of zeros stay zeros."""
    lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
    unit: Vectors = vectors / lengths.clip(np.finfo(np.float32).tiny)[:, None]
    return unit
