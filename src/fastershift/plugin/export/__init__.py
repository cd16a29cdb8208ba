"""The part of the panel that saves results and starts runs of many movies."""

from fastershift.plugin.export._many import ManyDialog
from fastershift.plugin.export._section import ExportSection

__all__ = ["ExportSection", "ManyDialog"]
