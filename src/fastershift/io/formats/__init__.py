"""The formats of a result, one module each."""

from collections.abc import Mapping, Sequence

from fastershift.io._saved_result import ResultFormat
from fastershift.io.formats._acdc import AcdcFormat
from fastershift.io.formats._cellpose import CellposeMasks
from fastershift.io.formats._csv import CsvFormat
from fastershift.io.formats._ctc import CtcFormat
from fastershift.io.formats._format import Format, Openable, Readable
from fastershift.io.formats._geff import GeffFormat
from fastershift.io.formats._newick import NewickFormat
from fastershift.io.formats._ome_zarr import OmeZarrFormat
from fastershift.io.formats._rois import RoisFormat
from fastershift.io.formats._tiff import TiffFormat, lost_parents
from fastershift.io.formats._trackmate import TrackMateFormat

__all__ = ["FORMATS", "READERS", "Format", "Openable", "lost_parents"]

#: By name.
FORMATS: Mapping[ResultFormat, Format] = {
    "ctc": CtcFormat(),
    "tiff": TiffFormat(),
    "zarr": OmeZarrFormat(),
    "geff": GeffFormat(),
    "trackmate": TrackMateFormat(),
    "csv": CsvFormat(),
    "acdc": AcdcFormat(),
    "rois": RoisFormat(),
    "newick": NewickFormat(),
}

#: A place is read by the first that recognises it: a GEFF is a Zarr, too, masks of the
#: Challenge are any other folder, and a TIFF any other file.
READERS: Sequence[Readable] = (
    CellposeMasks(),
    *(FORMATS[name] for name in ("trackmate", "csv", "rois", "newick", "acdc")),
    *(FORMATS[name] for name in ("geff", "zarr", "ctc", "tiff")),
)
