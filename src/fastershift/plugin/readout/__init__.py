"""The part of the panel that tells how a run went, frame by frame."""

from fastershift.plugin.readout._feed import ReadOutFeed
from fastershift.plugin.readout._section import ReadOut

__all__ = ["ReadOut", "ReadOutFeed"]
