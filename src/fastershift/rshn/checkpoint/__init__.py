"""Models made of the TensorFlow checkpoints that the authors of RSHN published."""

from fastershift.rshn.checkpoint._bundle import Bundle, read_bundle
from fastershift.rshn.checkpoint._import import import_checkpoint, preset_of
from fastershift.rshn.checkpoint._published import network_from_published

__all__ = [
    "Bundle",
    "import_checkpoint",
    "network_from_published",
    "preset_of",
    "read_bundle",
]
