"""Marks of a few cells, and the model that learns from them while one looks on."""

from fastershift.plugin.learn._section import LearnSection

__all__ = ["LearnSection"]
