"""What can be looked at of embeddings and clusters while settings are tuned."""

from fastershift.session.views._clusters import SeedMap
from fastershift.session.views._colours import ColourAxes, ColourFrame
from fastershift.session.views._frame import Pixel
from fastershift.session.views._similarity import SimilarityFrame
from fastershift.session.views._views import Views

__all__ = ["ColourAxes", "ColourFrame", "Pixel", "SeedMap", "SimilarityFrame", "Views"]
