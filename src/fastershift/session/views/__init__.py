"""Views of embeddings and clusters for tuning."""

from fastershift.session.views._clusters import SeedMap
from fastershift.session.views._colours import ColourAxes, ColourFrame
from fastershift.session.views._frame import Pixel
from fastershift.session.views._similarity import SimilarityFrame
from fastershift.session.views._views import Views

__all__ = ["ColourAxes", "ColourFrame", "Pixel", "SeedMap", "SimilarityFrame", "Views"]
