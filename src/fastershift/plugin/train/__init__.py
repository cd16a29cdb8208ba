"""The dock widget that trains a model."""

from fastershift.plugin.train._widget import TrainWidget

__all__ = ["TrainWidget"]
