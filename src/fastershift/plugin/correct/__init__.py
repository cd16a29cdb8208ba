"""The part of the panel that corrects cells by hand."""

from fastershift.plugin.correct._section import CorrectSection

__all__ = ["CorrectSection"]
