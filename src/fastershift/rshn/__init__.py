"""Frames to embeddings."""

from fastershift.rshn._network import RSHN, normalise_embedding
from fastershift.rshn._normalise import normalise_frame, resize_frame

__all__ = ["RSHN", "normalise_embedding", "normalise_frame", "resize_frame"]
