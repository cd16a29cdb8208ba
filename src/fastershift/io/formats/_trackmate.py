"""A result as a file of TrackMate: spots with outlines, and links between them."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO
from xml.etree import ElementTree
from xml.parsers import expat
from xml.sax.saxutils import XMLGenerator
from xml.sax.xmlreader import AttributesImpl

import numpy as np

from fastershift.errors import InputError
from fastershift.io._atomic import MADE_BY, replacing_files
from fastershift.io._graph import (
    DrawnCell,
    check_flat,
    draw_result,
    links_of_tracks,
    tracks_of_links,
    trees_of_links,
)
from fastershift.io._movie import Scale, Units
from fastershift.io._outlines import Outline, outlined_cells
from fastershift.io._saved_result import SavedResult
from fastershift.io._units import unit_named
from fastershift.io.formats._format import Format

__all__ = ["TrackMateFormat"]

#: Of TrackMate, whose files these are like.
_VERSION = "7.11.1"
#: Feature of a spot with our number of its track.
_TRACK = "FASTERSHIFT_TRACK"
#: Feature of a link: 1 where it leads from a parent to a child.
_BORN = "FASTERSHIFT_BORN"
_ENDS = ("SPOT_SOURCE_ID", "SPOT_TARGET_ID")
_UNITS = {"micrometer": "µm", "second": "sec", "minute": "min", "hour": "h"}
#: Key, name, short name, dimension, and whether it is a whole number.
_SPOT_FEATURES = (
    ("QUALITY", "Quality", "Quality", "QUALITY", False),
    ("POSITION_X", "X", "X", "POSITION", False),
    ("POSITION_Y", "Y", "Y", "POSITION", False),
    ("POSITION_Z", "Z", "Z", "POSITION", False),
    ("POSITION_T", "T", "T", "TIME", False),
    ("FRAME", "Frame", "Frame", "NONE", True),
    ("RADIUS", "Radius", "R", "LENGTH", False),
    ("VISIBILITY", "Visibility", "Visibility", "NONE", True),
    ("AREA", "Area", "Area", "AREA", False),
    (_TRACK, "Track in fastershift", "Track", "NONE", True),
)
_EDGE_FEATURES = (
    ("SPOT_SOURCE_ID", "Source spot ID", "Source ID", "NONE", True),
    ("SPOT_TARGET_ID", "Target spot ID", "Target ID", "NONE", True),
    ("LINK_COST", "Edge cost", "Cost", "COST", False),
    (_BORN, "Parent to child in fastershift", "Born", "NONE", True),
)
_TRACK_FEATURES = (
    ("TRACK_INDEX", "Track index", "Index", "NONE", True),
    ("TRACK_ID", "Track ID", "ID", "NONE", True),
    ("NUMBER_SPOTS", "Number of spots in track", "N spots", "NONE", True),
    ("NUMBER_SPLITS", "Number of split events", "N splits", "NONE", True),
    ("TRACK_START", "Track start", "Track start", "TIME", False),
    ("TRACK_STOP", "Track stop", "Track stop", "TIME", False),
    ("TRACK_DURATION", "Track duration", "Duration", "TIME", False),
)
#: Characters that XML cannot hold, and names of files can.
_UNSPELLABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


class TrackMateFormat(Format):
    """``NAME.xml``, which TrackMate opens with *Load a TrackMate file*."""

    suffixes = (".xml",)

    def is_result(self, path: Path) -> bool:
        """Tell a former result from the files of TrackMate itself."""
        if not self.recognises(path):
            return False
        with path.open("rb") as file:
            start = file.read(2000).decode("utf-8", "replace")
        return "<TrackMate" in start and f"<Log>{MADE_BY.split()[0]}" in start

    def write(self, path: Path, result: SavedResult, *, overwrite: bool) -> None:
        """Write the file; see `Format.write`."""
        with (
            replacing_files([path], overwrite, self.is_result) as folder,
            (folder / path.name).open("wb") as file,
        ):
            _Writer(file, result).write()

    def read(self, path: Path) -> SavedResult:
        """Read spots and links, and draw the cells; see `Format.read`."""
        root = _parse(path)
        model, image = root.find("Model"), root.find("Settings/ImageData")
        if root.tag == "Tracks":
            raise InputError(
                f"{path} is a list of tracks that TrackMate has exported, without the "
                "image; give the file that its button Save writes."
            )
        if root.tag != "TrackMate" or model is None:
            raise InputError(f"{path} is not a file of TrackMate.")
        try:
            return _read_model(model, {} if image is None else image.attrib, path)
        except InputError:
            raise
        except (KeyError, ValueError, IndexError) as error:
            raise InputError(
                f"{path} cannot be read as a file of TrackMate ({error}); save it in "
                "TrackMate again."
            ) from error


class _Writer:
    """Writes one file, frame by frame."""

    def __init__(self, file: BinaryIO, result: SavedResult) -> None:
        self._xml = XMLGenerator(file, "UTF-8", short_empty_elements=True)
        self._result = result
        self._scale = result.scale or (1.0, 1.0, 1.0)
        self._units = result.units or ("pixel",) * 3
        self._cells: list[tuple[int, int]] = []

    def write(self) -> None:
        """Write everything."""
        self._xml.startDocument()
        self._start("TrackMate", version=_VERSION)
        self._text("Log", f"{MADE_BY}\n")
        time, space = (_UNITS.get(unit, unit) for unit in self._units[:2])
        time = "frame" if time == "pixel" else time
        self._start("Model", spatialunits=space, timeunits=time)
        self._declare()
        self._write_spots()
        self._write_tracks()
        self._end("Model")
        self._write_settings()
        self._empty("GUIState", state="ConfigureViews")
        self._end("TrackMate")
        self._xml.endDocument()

    def _start(self, tag: str, /, **attributes: Any) -> None:
        told = {
            name: _UNSPELLABLE.sub("?", str(value))
            for name, value in attributes.items()
        }
        self._xml.startElement(tag, AttributesImpl(told))

    def _end(self, name: str) -> None:
        self._xml.endElement(name)
        self._xml.ignorableWhitespace("\n")

    def _empty(self, tag: str, /, **attributes: Any) -> None:
        self._start(tag, **attributes)
        self._end(tag)

    def _text(self, tag: str, text: str, /, **attributes: Any) -> None:
        self._start(tag, **attributes)
        self._xml.characters(text)
        self._end(tag)

    def _declare(self) -> None:
        self._start("FeatureDeclarations")
        for kind, features in (
            ("SpotFeatures", _SPOT_FEATURES),
            ("EdgeFeatures", _EDGE_FEATURES),
            ("TrackFeatures", _TRACK_FEATURES),
        ):
            self._start(kind)
            for key, name, short, dimension, whole in features:
                self._empty(
                    "Feature",
                    feature=key,
                    name=name,
                    shortname=short,
                    dimension=dimension,
                    isint=str(whole).lower(),
                )
            self._end(kind)
        self._end("FeatureDeclarations")

    def _write_spots(self) -> None:
        # How many there are is said before them.
        labels = self._result.labels
        count = sum(
            np.unique(frame[frame > 0]).size
            for frame in (np.asarray(labels[t]) for t in range(len(labels)))
        )
        step, height, width = self._scale
        self._start("AllSpots", nspots=count)
        for t in range(len(labels)):
            self._start("SpotsInFrame", frame=t)
            for cell in outlined_cells(np.asarray(labels[t])):
                number = len(self._cells)
                self._cells.append((cell.track, t))
                # One polygon to a spot, relative to its centre, x before y.
                corners = (cell.pieces[0] - (cell.y, cell.x)) * (height, width)
                area = cell.area * height * width
                self._text(
                    "Spot",
                    " ".join(f"{value:.10g}" for value in corners[:, ::-1].ravel()),
                    ID=number,
                    name=f"ID{number}",
                    QUALITY=1.0,
                    POSITION_X=cell.x * width,
                    POSITION_Y=cell.y * height,
                    POSITION_Z=0.0,
                    POSITION_T=t * step,
                    FRAME=t,
                    RADIUS=float(np.sqrt(area / np.pi)),
                    VISIBILITY=1,
                    AREA=area,
                    ROI_N_POINTS=len(corners),
                    **{_TRACK: cell.track},
                )
            self._end("SpotsInFrame")
        self._end("AllSpots")

    def _write_tracks(self) -> None:
        cells = np.array(self._cells, np.int64).reshape(-1, 2)
        links = links_of_tracks(cells[:, 0], cells[:, 1], self._result.tracks)
        trees = list(trees_of_links(len(cells), links))
        self._start("AllTracks")
        for number, (spots, edges) in enumerate(trees):
            frames = cells[spots, 1]
            begin, end = (
                float(t) * self._scale[0] for t in (frames.min(), frames.max())
            )
            _, leaving = np.unique(edges[:, 0], return_counts=True)
            self._start(
                "Track",
                name=f"Track_{number}",
                TRACK_INDEX=number,
                TRACK_ID=number,
                NUMBER_SPOTS=len(spots),
                NUMBER_SPLITS=int((leaving > 1).sum()),
                TRACK_START=begin,
                TRACK_STOP=end,
                TRACK_DURATION=end - begin,
            )
            for source, aim in edges.tolist():
                self._empty(
                    "Edge",
                    SPOT_SOURCE_ID=source,
                    SPOT_TARGET_ID=aim,
                    LINK_COST=-1.0,
                    **{_BORN: int(cells[source, 0] != cells[aim, 0])},
                )
            self._end("Track")
        self._end("AllTracks")
        self._start("FilteredTracks")
        for number in range(len(trees)):
            self._empty("TrackID", TRACK_ID=number)
        self._end("FilteredTracks")

    def _write_settings(self) -> None:
        count, rows, columns = self._result.shape
        step, height, width = self._scale
        folder, name = _image_of(self._result.provenance)
        self._start("Settings")
        self._empty(
            "ImageData",
            filename=name,
            folder=folder,
            width=columns,
            height=rows,
            nslices=1,
            nframes=count,
            pixelwidth=width,
            pixelheight=height,
            voxeldepth=1.0,
            timeinterval=step,
        )
        self._empty(
            "BasicSettings",
            xstart=0,
            xend=columns - 1,
            ystart=0,
            yend=rows - 1,
            zstart=0,
            zend=0,
            tstart=0,
            tend=count - 1,
        )
        # TrackMate asks for both; these are those that find nothing of their own.
        self._empty("DetectorSettings", DETECTOR_NAME="MANUAL_DETECTOR", RADIUS=5.0)
        self._empty("InitialSpotFilter", feature="QUALITY", value=0.0, isabove="true")
        self._empty("SpotFilterCollection")
        self._empty("TrackerSettings", TRACKER_NAME="MANUAL_TRACKER")
        self._empty("TrackFilterCollection")
        self._start("AnalyzerCollection")
        for name in ("SpotAnalyzers", "EdgeAnalyzers", "TrackAnalyzers"):
            self._empty(name)
        self._end("AnalyzerCollection")
        self._end("Settings")


def _image_of(provenance: Mapping[str, Any]) -> tuple[str, str]:
    """Tell folder and name of the movie, so that TrackMate opens it, too."""
    path = Path(str(provenance.get("input") or "")).absolute()
    if not path.is_file():
        return "", ""
    return str(path.parent), path.name


def _parse(path: Path) -> ElementTree.Element:
    """Read an XML file that declares nothing of its own.

    Entities that are declared may stand for one another until memory is full, or for
    other files; files of TrackMate have none.
    """

    def refuse(*_: Any) -> None:
        raise InputError(
            f"{path} declares entities, which files of TrackMate never do, so it is "
            "not opened."
        )

    builder, parser = ElementTree.TreeBuilder(), expat.ParserCreate()
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.data
    try:
        with path.open("rb") as file:
            parser.ParseFile(file)
        return builder.close()
    except expat.ExpatError as error:
        raise InputError(f"{path} is not a whole XML file ({error}).") from error


@dataclass(frozen=True)
class _Image:
    """The image that spots belong to, as far as it is told."""

    shape: tuple[int, int, int]
    scale: Scale

    @classmethod
    def of(cls, attributes: Mapping[str, str]) -> "_Image":
        def number(name: str, otherwise: float) -> float:
            return float(attributes.get(name) or otherwise) or otherwise

        return cls(
            (
                int(number("nframes", 0)),
                int(number("height", 0)),
                int(number("width", 0)),
            ),
            (
                number("timeinterval", 1),
                number("pixelheight", 1),
                number("pixelwidth", 1),
            ),
        )


def _read_model(
    model: ElementTree.Element, image: Mapping[str, str], path: Path
) -> SavedResult:
    known = _Image.of(image)
    wanted = model.find("FilteredTracks")
    shown = None if wanted is None else {one.get("TRACK_ID") for one in wanted}
    edges = [
        edge
        for track in model.iter("Track")
        if shown is None or track.get("TRACK_ID") in shown
        for edge in track.iter("Edge")
    ]
    # Spots that a filter has taken out, alone or with their track, stay in the file.
    hidden = _ends(model.iter("Edge")) - _ends(edges)
    spots = [
        spot
        for spot in model.iter("Spot")
        if spot.get("VISIBILITY", "1") not in "0.0" and spot.get("ID") not in hidden
    ]
    check_flat([float(spot.get("POSITION_Z", 0)) for spot in spots], path)
    place = {spot.attrib["ID"]: n for n, spot in enumerate(spots)}
    frames = np.array([int(float(spot.attrib["FRAME"])) for spot in spots], np.int64)
    edges = [edge for edge in edges if _ends([edge]) <= place.keys()]
    links = [[place[edge.attrib[end]] for end in _ENDS] for edge in edges]
    # Links may have been corrected in TrackMate, which does not change our numbers.
    tracks, parents = tracks_of_links(
        frames,
        np.array(links, np.int64).reshape(-1, 2),
        np.array([int(float(spot.get(_TRACK, 0))) for spot in spots], np.int64),
        np.array([float(edge.get(_BORN, 0)) > 0 for edge in edges], bool),
    )
    _, height, width = known.scale
    cells = [
        _cell(spot, int(frame), int(track), height, width)
        for spot, frame, track in zip(spots, frames, tracks, strict=True)
    ]
    space = model.get("spatialunits", "pixel")
    time = model.get("timeunits", "frame")
    row = unit_named(space)
    units: Units = (unit_named(time), row, row)
    has_scale = known.scale != (1, 1, 1) or units != ("pixel",) * 3
    return draw_result(
        cells,
        _shape(known.shape, cells),
        parents,
        path,
        known.scale if has_scale else None,
        units if has_scale else None,
    )


def _ends(edges: Iterable[ElementTree.Element]) -> set[str | None]:
    return {edge.get(end) for edge in edges for end in _ENDS}


def _cell(
    spot: ElementTree.Element, frame: int, track: int, height: float, width: float
) -> DrawnCell:
    x, y = (float(spot.attrib[f"POSITION_{axis}"]) for axis in "XY")
    radius = float(spot.get("RADIUS", 0)) / np.sqrt(height * width)
    pieces: tuple[Outline, ...] = ()
    count = int(spot.get("ROI_N_POINTS") or 0)
    if count and spot.text:
        numbers = np.array(spot.text.split(), np.float64)
        if len(numbers) != 2 * count:
            raise ValueError("outlines are not in two dimensions")
        corners = numbers.reshape(-1, 2)[:, ::-1] + (y, x)
        pieces = (corners / (height, width),)
    return DrawnCell(frame, track, y / height, x / width, radius, pieces)


def _shape(told: tuple[int, int, int], cells: list[DrawnCell]) -> tuple[int, int, int]:
    """Take the sizes of the image; where they are not told, those of all cells."""
    frames = 1 + max((cell.frame for cell in cells), default=0)
    height = 1 + int(max((cell.y + cell.radius for cell in cells), default=0))
    width = 1 + int(max((cell.x + cell.radius for cell in cells), default=0))
    return (told[0] or frames, told[1] or height, told[2] or width)
