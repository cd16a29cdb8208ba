"""Parents: each format holds them, or says which one it cannot hold."""

import csv
from xml.etree import ElementTree

import numpy as np
import pytest

from fastershift.errors import InputError
from fastershift.io import SavedResult, read_saved, write_saved

pytest.importorskip("geff")
zarr = pytest.importorskip("zarr")

LABELS = np.zeros((6, 32, 32), np.int32)
LABELS[:3, 4:11, 4:11] = 1
LABELS[3:, 4:11, 4:7] = 2
LABELS[3:, 4:11, 8:11] = 3
LABELS[:, 20:27, 20:27] = 4
LABELS[2:, 20:27, 10:16] = 5
FORMATS = ("ctc", "tiff", "zarr", "geff", "trackmate", "csv", "acdc", "newick")
#: Formats that cannot hold it, and what makes a lineage special.
ODD = {
    "a mother that lives on": (4, ("acdc", "newick")),
    "a parent that is not there": (99, ("trackmate", "csv", "acdc", "newick")),
    "a parent that comes later": (3, FORMATS),
}


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("odd", ODD)
def test_parents_come_back_or_are_refused(tmp_path, form, odd):
    parent, refused = ODD[odd]
    tracks = [(1, 0, 2, 0), (2, 3, 5, 1), (3, 3, 5, 1), (4, 0, 5, 0), (5, 2, 5, parent)]
    result = SavedResult(LABELS, tracks)
    if form in refused:
        with pytest.raises(InputError, match=f"the parent {parent} of track 5"):
            write_saved(tmp_path / "result", result, format=form)
        assert not list(tmp_path.iterdir())
    else:
        path = write_saved(tmp_path / "result", result, format=form)
        assert sorted(read_saved(path).tracks) == tracks


def _csv_links(path):
    with path.with_name("result_links.csv").open() as file:
        rows = [{k: int(v) for k, v in row.items()} for row in csv.DictReader(file)]
    return [
        ((one["from_track"], one["from_frame"]), (one["to_track"], one["to_frame"]))
        for one in rows
    ]


def _geff_links(path):
    group = zarr.open_group(path, mode="r")
    tracks, frames = (
        group[f"nodes/props/{n}/values"][:].tolist() for n in ("track", "t")
    )
    cells = list(zip(tracks, frames, strict=True))
    return [(cells[a], cells[b]) for a, b in group["edges/ids"][:].tolist()]


def _trackmate_links(path):
    root = ElementTree.parse(path).getroot()
    cells = {
        spot.get("ID"): (int(spot.get("FASTERSHIFT_TRACK")), int(spot.get("FRAME")))
        for spot in root.iter("Spot")
    }
    edges = root.iter("Edge")
    return [
        (cells[e.get("SPOT_SOURCE_ID")], cells[e.get("SPOT_TARGET_ID")]) for e in edges
    ]


@pytest.mark.parametrize(
    ("form", "read"),
    [("csv", _csv_links), ("geff", _geff_links), ("trackmate", _trackmate_links)],
)
def test_a_bud_is_linked_to_its_mother_in_the_frame_before_it(tmp_path, form, read):
    tracks = [(1, 0, 2, 0), (2, 3, 5, 1), (3, 3, 5, 1), (4, 0, 5, 0), (5, 2, 5, 4)]
    path = write_saved(tmp_path / "result", SavedResult(LABELS, tracks), format=form)
    links = read(path)
    assert all(later - earlier == 1 for (_, earlier), (_, later) in links)
    assert ((4, 1), (5, 2)) in links
