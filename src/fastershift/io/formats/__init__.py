"""The formats of a result, one module each."""

from collections.abc import Mapping

from fastershift.io._saved_result import ResultFormat
from fastershift.io.formats._ctc import CtcFormat
from fastershift.io.formats._format import Format
from fastershift.io.formats._geff import GeffFormat
from fastershift.io.formats._ome_zarr import OmeZarrFormat
from fastershift.io.formats._tiff import TiffFormat

__all__ = ["FORMATS", "Format"]

#: By name. A place is read by the first that recognises it: a GEFF is a Zarr, too.
FORMATS: Mapping[ResultFormat, Format] = {
    "ctc": CtcFormat(),
    "tiff": TiffFormat(),
    "geff": GeffFormat(),
    "zarr": OmeZarrFormat(),
}
