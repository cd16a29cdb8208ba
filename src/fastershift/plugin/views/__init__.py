"""The part of the panel that looks into embeddings and clusters."""

from fastershift.plugin.views._controller import ViewsController
from fastershift.plugin.views._section import ViewsSection

__all__ = ["ViewsController", "ViewsSection"]
