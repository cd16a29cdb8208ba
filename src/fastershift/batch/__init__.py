"""Movies larger than memory, and many movies on whatever the lab has."""

from fastershift.batch._large import LargeEvent, Written, run_large
from fastershift.batch._movie import MovieTask
from fastershift.batch._outcome import Outcome

__all__ = ["LargeEvent", "MovieTask", "Outcome", "Written", "run_large"]
