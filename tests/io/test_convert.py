"""Results to other tools and back: what each format can hold survives a round trip."""

import csv
import shutil
import zipfile
from collections import Counter
from xml.etree import ElementTree

import imageio.v3 as imageio
import numpy as np
import pytest
import tifffile

from fastershift.errors import InputError
from fastershift.io import (
    SavedResult,
    check_output,
    format_of,
    is_result,
    read_result,
    read_saved,
    write_saved,
)
from fastershift.simulate import simulate_movie
from helpers.movies import MOVIES, every_movie

SCALE, UNITS = (30.0, 0.5, 0.25), ("second", "micrometer", "micrometer")
#: Formats that hold every mask without holes, and all tracks with their parents.
WHOLE = ("ctc", "tiff", "zarr", "geff", "trackmate", "acdc")
ALL = (*WHOLE, "rois", "csv")
NEEDS = {"zarr": "zarr", "geff": "geff", "rois": "roifile"}


def there_and_back(path, form, result, **options):
    if form in NEEDS:
        pytest.importorskip(NEEDS[form])
    written = write_saved(path, result, format=form, **options)
    assert is_result(written)
    return read_saved(written)


@pytest.fixture(scope="module")
def simulated():
    movie = simulate_movie(8, (90, 110), 6, diameter=16, seed=3, cell_cycle=4)
    assert any(parent for *_, parent in movie.tracks)
    return SavedResult(movie.labels, list(movie.tracks), SCALE, UNITS)


@pytest.mark.parametrize("form", WHOLE)
def test_masks_and_lineage_survive(tmp_path, simulated, form):
    read = there_and_back(tmp_path / "r", form, simulated)
    np.testing.assert_array_equal(read.stack(), simulated.labels)
    assert sorted(read.tracks) == sorted(simulated.tracks)
    if form != "ctc":
        np.testing.assert_allclose(read.scale, SCALE)
        assert read.units == UNITS


@every_movie
@pytest.mark.parametrize("form", ["trackmate", "acdc"])
def test_every_kind_of_track_survives(tmp_path, movie, form):
    if not movie.labels.any() and form == "trackmate":
        pytest.skip("a file without cells says so when it is read")
    result = SavedResult(movie.labels, movie.lineage.rows())
    read = there_and_back(tmp_path / "r", form, result)
    np.testing.assert_array_equal(read.stack(), movie.labels)
    assert sorted(read.tracks) == sorted(movie.lineage.rows())


def test_rois_hold_masks_and_numbers_but_no_parents(tmp_path, simulated):
    read = there_and_back(tmp_path / "r", "rois", simulated)
    stack = read.stack()
    # The frame ends where the last cell ends.
    height, width = stack.shape[1:]
    np.testing.assert_array_equal(stack, simulated.labels[:, :height, :width])
    assert not simulated.labels[:, height:].any()
    assert not simulated.labels[:, :, width:].any()
    spans = [(track, first, last, 0) for track, first, last, _ in simulated.tracks]
    assert sorted(read.tracks) == sorted(spans)


def test_a_table_holds_places_sizes_and_parents(tmp_path, simulated):
    read = there_and_back(tmp_path / "r", "csv", simulated)
    assert sorted(read.tracks) == sorted(simulated.tracks)
    with (tmp_path / "r.csv").open() as file:
        rows = list(csv.DictReader(file))
    for row in rows[:20]:
        t, track = int(row["frame"]), int(row["track"])
        y, x = np.nonzero(simulated.labels[t] == track)
        assert float(row["y"]) == pytest.approx(y.mean(), rel=1e-5)
        assert float(row["x"]) == pytest.approx(x.mean(), rel=1e-5)
        assert int(row["area"]) == len(y)
        assert read.labels[t][round(y.mean()), round(x.mean())] == track
    with (tmp_path / "r_links.csv").open() as file:
        links = list(csv.DictReader(file))
    cells = {(int(row["track"]), int(row["frame"])) for row in rows}
    ends = [
        (
            (int(row["from_track"]), int(row["from_frame"])),
            (int(row["to_track"]), int(row["to_frame"])),
        )
        for row in links
    ]
    assert {end for link in ends for end in link} <= cells
    born = {(a[0], b[0]) for a, b in ends if a[0] != b[0]}
    assert born == {(up, track) for track, _, _, up in simulated.tracks if up}
    assert len(ends) == len(cells) - sum(not up for *_, up in simulated.tracks)


def test_trees_are_written_and_not_read(tmp_path, simulated):
    path = write_saved(tmp_path / "r", simulated, format="newick")
    lines = path.read_text().splitlines()
    assert len(lines) == sum(not parent for *_, parent in simulated.tracks)
    with pytest.raises(InputError, match="tree alone"):
        read_saved(path)


@pytest.mark.parametrize("form", [*ALL, "newick"])
def test_only_former_results_are_replaced(tmp_path, simulated, form):
    if form in NEEDS:
        pytest.importorskip(NEEDS[form])
    path = write_saved(tmp_path / "r", simulated, format=form)
    with pytest.raises(InputError, match="already holds"):
        check_output(path, form)
    write_saved(path, simulated, format=form, overwrite=True)
    stranger = path / "notes.txt" if path.is_dir() else path
    stranger.write_bytes(b"mine,own\nNot a result.\n")
    with pytest.raises(InputError, match="not replaced"):
        write_saved(path, simulated, format=form, overwrite=True)
    assert stranger.read_bytes() == b"mine,own\nNot a result.\n"


@pytest.mark.parametrize("form", [*ALL, "newick"])
def test_a_result_without_cells_can_be_written(tmp_path, form):
    if form in NEEDS:
        pytest.importorskip(NEEDS[form])
    empty = SavedResult(MOVIES["no cell"].labels, [])
    path = write_saved(tmp_path / "r", empty, format=form)
    if form in ("csv", "trackmate", "rois"):
        with pytest.raises(InputError, match="holds no"):
            read_saved(path)


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("a.xml", "trackmate"),
        ("a.TIF", "tiff"),
        ("a.ome.zarr", "zarr"),
        ("a.geff", "geff"),
        ("a.csv", "csv"),
        ("a.zip", "rois"),
        ("a.nwk", "newick"),
        ("a", "ctc"),
    ],
)
def test_the_suffix_tells_the_format(name, form):
    assert format_of(name) == form


def test_a_suffix_of_no_format_is_a_sentence():
    with pytest.raises(InputError, match=r"a\.docx does not tell a format"):
        format_of("a.docx")


class TestTrackMate:
    def spots(self, path):
        return list(ElementTree.parse(path).getroot().iter("Spot"))

    def test_positions_are_in_units_and_outlines_relative_to_them(
        self, tmp_path, simulated
    ):
        path = write_saved(tmp_path / "r", simulated, format="trackmate")
        spot = self.spots(path)[-1]
        t, track = int(spot.get("FRAME")), int(spot.get("FASTERSHIFT_TRACK"))
        y, x = np.nonzero(simulated.labels[t] == track)
        assert float(spot.get("POSITION_T")) == t * SCALE[0]
        assert float(spot.get("POSITION_Y")) == pytest.approx(y.mean() * SCALE[1])
        assert float(spot.get("POSITION_X")) == pytest.approx(x.mean() * SCALE[2])
        corners = np.array(spot.text.split(), float).reshape(-1, 2)
        assert len(corners) == int(spot.get("ROI_N_POINTS"))
        right, down = (corners + np.array([x.mean() * 0.25, y.mean() * 0.5])).max(0)
        assert right == pytest.approx((x.max() + 0.5) * 0.25)
        assert down == pytest.approx((y.max() + 0.5) * 0.5)
        # Shoelace: the outline encloses the pixels and nothing else.
        after = np.roll(corners, -1, 0)
        cross = corners[:, 0] * after[:, 1] - corners[:, 1] * after[:, 0]
        assert abs(cross.sum()) / 2 == pytest.approx(len(y) * 0.125)
        assert float(spot.get("AREA")) == pytest.approx(len(y) * 0.125)

    def test_all_that_it_speaks_of_is_declared_and_there(self, tmp_path, simulated):
        path = write_saved(tmp_path / "r", simulated, format="trackmate")
        root = ElementTree.parse(path).getroot()
        declared = {one.get("feature") for one in root.iter("Feature")}
        for tag, others in (
            ("Spot", {"ID", "name", "ROI_N_POINTS"}),
            ("Edge", set()),
            ("Track", {"name"}),
        ):
            for one in root.iter(tag):
                assert set(one.keys()) <= declared | others
        ids = {spot.get("ID") for spot in self.spots(path)}
        assert int(root.find("Model/AllSpots").get("nspots")) == len(ids)
        for edge in root.iter("Edge"):
            assert {edge.get("SPOT_SOURCE_ID"), edge.get("SPOT_TARGET_ID")} <= ids
        tracks = {one.get("TRACK_ID") for one in root.find("Model/AllTracks")}
        assert tracks == {one.get("TRACK_ID") for one in root.iter("TrackID")}

    def test_the_movie_is_named_where_it_is_a_file(self, tmp_path, simulated):
        movie = tmp_path / "movie.tif"
        movie.touch()
        result = SavedResult(
            simulated.labels, simulated.tracks, provenance={"input": str(movie)}
        )
        path = write_saved(tmp_path / "r", result, format="trackmate")
        image = ElementTree.parse(path).getroot().find("Settings/ImageData")
        assert (image.get("folder"), image.get("filename")) == (
            str(tmp_path),
            "movie.tif",
        )

    def corrected(self, tmp_path, labels, tracks, removed=(), added=()):
        """Read a file after links were changed as TrackMate does: numbers stay."""
        result = SavedResult(labels, tracks)
        path = write_saved(tmp_path / "r", result, format="trackmate")
        tree = ElementTree.parse(path)
        cells = {
            spot.get("ID"): (int(spot.get("FASTERSHIFT_TRACK")), int(spot.get("FRAME")))
            for spot in tree.iter("Spot")
        }
        ids = {cell: number for number, cell in cells.items()}
        for track in tree.iter("Track"):
            for edge in list(track):
                ends = (edge.get("SPOT_SOURCE_ID"), edge.get("SPOT_TARGET_ID"))
                if tuple(cells[end] for end in ends) in removed:
                    track.remove(edge)
        for one, other in added:
            ends = {"SPOT_SOURCE_ID": ids[one], "SPOT_TARGET_ID": ids[other]}
            ElementTree.SubElement(next(tree.iter("Track")), "Edge", ends)
        tree.write(path)
        read = read_saved(path)
        return sorted(read.tracks), read.stack()

    @pytest.fixture
    def pair(self):
        labels = np.zeros((4, 30, 30), np.int32)
        labels[:, 2:8, 2:8], labels[:, 20:26, 20:26] = 1, 2
        return labels

    def test_tracks_that_a_filter_hides_stay_out_with_their_spots(self, tmp_path, pair):
        whole = [(1, 0, 3, 0), (2, 0, 3, 0)]
        path = write_saved(tmp_path / "r", SavedResult(pair, whole), format="trackmate")
        tree = ElementTree.parse(path)
        shown = tree.find("Model/FilteredTracks")
        shown.remove(shown[1])
        tree.write(path)
        assert read_saved(path).tracks == whole[:1]

    def test_spots_in_three_dimensions_are_refused(self, tmp_path, pair):
        whole = [(1, 0, 3, 0), (2, 0, 3, 0)]
        path = write_saved(tmp_path / "r", SavedResult(pair, whole), format="trackmate")
        tree = ElementTree.parse(path)
        spot = next(tree.iter("Spot"))
        spot.set("POSITION_Z", "4.0")
        tree.write(path)
        with pytest.raises(InputError, match="three dimensions"):
            read_saved(path)
        spot.set("VISIBILITY", "0")
        tree.write(path)
        assert len(read_saved(path).tracks) == 2

    def test_tracks_swapped_in_trackmate_are_swapped(self, tmp_path, pair):
        whole = [(1, 0, 3, 0), (2, 0, 3, 0)]
        removed = [((1, 1), (1, 2)), ((2, 1), (2, 2))]
        added = [((1, 1), (2, 2)), ((2, 1), (1, 2))]
        tracks, stack = self.corrected(tmp_path, pair, whole, removed, added)
        assert tracks == whole
        assert stack[:, 4, 4].tolist() == [1, 1, 2, 2]
        assert stack[:, 22, 22].tolist() == [2, 2, 1, 1]

    def test_a_track_cut_in_trackmate_is_cut(self, tmp_path, pair):
        whole = [(1, 0, 3, 0), (2, 0, 3, 0)]
        tracks, stack = self.corrected(tmp_path, pair, whole, [((1, 1), (1, 2))])
        assert tracks == [(1, 0, 1, 0), (2, 0, 3, 0), (3, 2, 3, 0)]
        assert stack[:, 4, 4].tolist() == [1, 1, 3, 3]

    def test_tracks_joined_in_trackmate_are_one(self, tmp_path, pair):
        pair[2:][pair[2:] == 1] = 3
        cut = [(1, 0, 1, 0), (2, 0, 3, 0), (3, 2, 3, 0)]
        joined = self.corrected(tmp_path, pair, cut, added=[((1, 1), (3, 2))])
        assert joined[0] == [(1, 0, 3, 0), (2, 0, 3, 0)]

    def test_an_only_child_is_no_continuation(self, tmp_path, pair):
        pair[2:][pair[2:] == 1] = 3
        born = [(1, 0, 1, 0), (2, 0, 3, 0), (3, 2, 3, 1)]
        assert self.corrected(tmp_path, pair, born)[0] == born

    def test_files_of_trackmate_itself_are_read(self, tmp_path):
        """As version 8 writes them: discs, spots out of sight, tracks left out."""
        spot = (
            '<Spot ID="{0}" name="ID{0}" FRAME="{1}" POSITION_X="{2}" POSITION_Y="{3}" '
            'POSITION_Z="0.0" POSITION_T="{1}.0" RADIUS="2.0" VISIBILITY="{4}" />'
        )
        spots = [(11, 0, 10, 8, 1), (12, 1, 10, 8, 1), (13, 2, 6, 8, 1)]
        spots += [(14, 2, 14, 8, 1), (15, 0, 3, 3, 0), (16, 0, 20, 3, 1)]
        edges = [(11, 12), (12, 13), (14, 12)]
        path = tmp_path / "theirs.xml"
        path.write_text(
            '<TrackMate version="8.1.6"><Log>x</Log>'
            '<Model spatialunits="micron" timeunits="sec"><AllSpots>'
            + "".join(spot.format(*one) for one in spots)
            + '</AllSpots><AllTracks><Track name="Track_0" TRACK_ID="0">'
            + "".join(
                f'<Edge SPOT_SOURCE_ID="{a}" SPOT_TARGET_ID="{b}" LINK_COST="1.0" />'
                for a, b in edges
            )
            + '</Track></AllTracks><FilteredTracks><TrackID TRACK_ID="0" />'
            "</FilteredTracks></Model><Settings>"
            '<ImageData filename="x.tif" folder="" width="24" height="16" nframes="3" '
            'pixelwidth="1.0" pixelheight="1.0" timeinterval="5.0" /></Settings>'
            "</TrackMate>"
        )
        read = read_saved(path)
        assert read.shape == (3, 16, 24)
        assert read.scale == (5.0, 1.0, 1.0)
        assert read.units == ("second", "micrometer", "micrometer")
        stack = read.stack()
        mother = stack[0, 8, 10]
        assert mother == stack[1, 8, 10] > 0
        assert stack[0, 3, 3] == 0, "a filter has taken that spot out"
        daughters = {row[0] for row in read.tracks if row[3] == mother}
        assert daughters == {stack[2, 8, 6], stack[2, 8, 14]}
        assert (stack[0, 3, 20], 0, 0, 0) in read.tracks
        with pytest.raises(InputError, match="not replaced"):
            check_output(path, "trackmate", overwrite=True)

    def test_entities_are_refused(self, tmp_path):
        path = tmp_path / "bomb.xml"
        path.write_text(
            '<!DOCTYPE t [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>'
            "<TrackMate>&b;</TrackMate>"
        )
        with pytest.raises(InputError, match="declares entities"):
            read_saved(path)

    @pytest.mark.parametrize(
        ("text", "sentence"),
        [
            ("<TrackMate><Mod", "not a whole XML file"),
            ("<svg/>", "not a file of TrackMate"),
            ("<TrackMate><Model><Spot ID='1'/></Model></TrackMate>", "cannot be read"),
        ],
    )
    def test_damaged_files_are_sentences(self, tmp_path, text, sentence):
        path = tmp_path / "r.xml"
        path.write_text(text)
        with pytest.raises(InputError, match=sentence):
            read_saved(path)


A_DIVISION = {
    "t": [0, 1, 2, 2],
    "y": [8.0, 8.0, 4.0, 12.0],
    "x": [10.0, 11.0, 10.0, 10.0],
    "radius": [3.0, 3.0, 2.0, 2.0],
}
ITS_LINKS = [(0, 1), (1, 2), (1, 3)]


class TestForeignGeff:
    """Graphs that other programs write with the package geff."""

    def write(self, path, columns, edges, related=None, unit=None, **axes):
        geff = pytest.importorskip("geff")
        from geff.core_io import write_arrays
        from geff_spec import Axis

        count = len(next(iter(columns.values())))
        named = {"t": "time", "y": "space", "x": "space"} | axes
        write_arrays(
            path,
            np.arange(100, 100 + count, dtype=np.uint64),
            {
                name: {"values": np.asarray(values), "missing": None}
                for name, values in columns.items()
            },
            np.asarray(edges, np.uint64).reshape(-1, 2) + 100,
            {},
            geff.GeffMetadata(
                directed=True,
                axes=[
                    Axis(name=name, type=kind, unit=unit if kind == "time" else None)
                    for name, kind in named.items()
                ],
                node_props_metadata={},
                edge_props_metadata={},
                related_objects=related,
            ),
            zarr_format=2,
        )
        return path

    def test_without_labels_discs_are_drawn(self, tmp_path):
        read = read_saved(self.write(tmp_path / "g.geff", A_DIVISION, ITS_LINKS))
        stack = read.stack()
        mother = stack[0, 8, 10]
        assert stack[1, 8, 11] == mother > 0
        assert {row[0] for row in read.tracks if row[3] == mother} == {
            stack[2, 4, 10],
            stack[2, 12, 10],
        }
        assert (stack[0] > 0).sum() == pytest.approx(np.pi * 9, rel=0.2)

    @pytest.mark.parametrize("prop", ["seg", None])
    def test_labels_that_it_names_are_taken(self, tmp_path, prop):
        zarr = pytest.importorskip("zarr")
        from geff_spec import RelatedObject

        labels = np.zeros((3, 16, 20), np.uint16)
        labels[0, 6:11, 8:13], labels[1, 6:11, 9:14] = 7, 3
        labels[2, 2:6, 8:12], labels[2, 10:14, 8:12] = 3, 9
        labels[2, 0, 0] = 12  # belongs to no cell of the graph
        group = zarr.open_group(tmp_path / "both.zarr", mode="w", zarr_format=2)
        group.create_array("segmentation", data=labels)
        related = [RelatedObject(type="labels", path="../segmentation", node_prop=prop)]
        columns = A_DIVISION | {"seg": [7, 3, 3, 9]}
        path = self.write(
            tmp_path / "both.zarr" / "tracks", columns, ITS_LINKS, related
        )
        read = read_saved(path)
        wanted = labels > 0
        wanted[2, 0, 0] = False
        np.testing.assert_array_equal(read.stack() > 0, wanted)
        mother = read.labels[0][8, 10]
        assert read.labels[1][8, 11] == mother
        assert {row[3] for row in read.tracks} == {0, mother}

    @pytest.mark.parametrize(("begin", "first"), [(0, 0), (1, 2), (0.7, 0), (-1, 0)])
    def test_times_are_counted_from_0_not_from_the_first_cell(
        self, tmp_path, begin, first
    ):
        columns = A_DIVISION | {"t": [begin + 0.5 * t for t in A_DIVISION["t"]]}
        read = read_saved(self.write(tmp_path / "g.geff", columns, ITS_LINKS))
        seen = read.stack().any(axis=(1, 2))
        assert np.flatnonzero(seen).tolist() == [first, first + 1, first + 2]
        assert read.scale == (0.5, 1.0, 1.0)

    @pytest.mark.parametrize(("begin", "step"), [(60, 5), (1.8e9, 300), (7, 1)])
    def test_times_of_a_clock_begin_where_the_labels_do(self, tmp_path, begin, step):
        zarr = pytest.importorskip("zarr")
        from geff_spec import RelatedObject

        labels = np.zeros((3, 20, 20), np.uint16)
        for t, y, x in ((0, 8, 10), (1, 8, 11), (2, 4, 10), (2, 12, 10)):
            labels[t, y, x] = y
        columns = A_DIVISION | {"t": [begin + step * t for t in A_DIVISION["t"]]}
        related = [RelatedObject(type="labels", path="../labels", node_prop=None)]
        zarr.save_array(tmp_path / "labels", labels)
        path = self.write(tmp_path / "g.geff", columns, ITS_LINKS, related, "second")
        np.testing.assert_array_equal(read_saved(path).stack() > 0, labels > 0)
        shutil.rmtree(tmp_path / "labels")
        zarr.save_array(tmp_path / "labels", labels[:2])
        with pytest.raises(InputError, match="its labels have 2 frames"):
            read_saved(path)

    def test_times_that_are_too_far_from_0_are_counted_from_the_first(self, tmp_path):
        columns = A_DIVISION | {"t": [1.8e9 + 300 * t for t in A_DIVISION["t"]]}
        columns["x"] = [500.0 * x for x in A_DIVISION["x"]]
        path = tmp_path / "g.geff"
        read = read_saved(self.write(path, columns, ITS_LINKS, unit="second"))
        assert read.stack().any(axis=(1, 2)).tolist() == [True, True, True]

    def test_axes_may_come_in_any_order(self, tmp_path):
        expected = read_saved(self.write(tmp_path / "a.geff", A_DIVISION, ITS_LINKS))
        geff = pytest.importorskip("geff")
        from geff.core_io import write_arrays
        from geff_spec import Axis

        names = {"POSITION_X": "x", "POSITION_Y": "y", "POSITION_Z": "", "t": "t"}
        columns = {
            new: np.array(A_DIVISION.get(old, [0.0] * 4)) for new, old in names.items()
        }
        columns["radius"] = np.array(A_DIVISION["radius"])
        write_arrays(
            tmp_path / "b.geff",
            np.arange(4, dtype=np.uint64),
            {n: {"values": v, "missing": None} for n, v in columns.items()},
            np.array(ITS_LINKS, np.uint64),
            {},
            geff.GeffMetadata(
                directed=True,
                axes=[
                    Axis(name=name, type="time" if name == "t" else "space")
                    for name in names
                ],
                node_props_metadata={},
                edge_props_metadata={},
            ),
            zarr_format=2,
        )
        read = read_saved(tmp_path / "b.geff")
        np.testing.assert_array_equal(read.stack(), expected.stack())

    def test_what_the_package_converts_is_read(self, tmp_path, simulated):
        """Its own readers of TrackMate and CTC read what is written here."""
        pytest.importorskip("geff")
        from geff.convert import from_ctc_to_geff, from_trackmate_xml_to_geff

        masks = write_saved(tmp_path / "ctc", simulated)
        place = tmp_path / "ctc.zarr" / "tracks.geff"
        from_ctc_to_geff(masks, place, tmp_path / "ctc.zarr" / "segmentation")
        read = read_saved(place)
        np.testing.assert_array_equal(read.stack() > 0, simulated.labels > 0)

        def divisions(result):
            children = Counter(row[3] for row in result.tracks)
            return sorted(row[2] for row in result.tracks if children[row[0]] > 1)

        assert divisions(read) == divisions(simulated) != []
        spots = write_saved(tmp_path / "spots", simulated, format="trackmate")
        with pytest.warns(UserWarning, match="DisplaySettings"):
            from_trackmate_xml_to_geff(spots, tmp_path / "spots.geff")
        read = read_saved(tmp_path / "spots.geff")
        assert divisions(read) == divisions(simulated)

    def test_times_in_minutes_are_counted_as_frames(self, tmp_path):
        columns = A_DIVISION | {"t": [0.0, 2.5, 5.0, 5.0]}
        read = read_saved(self.write(tmp_path / "g.geff", columns, ITS_LINKS))
        assert read.shape[0] == 3

    def test_depth_is_refused(self, tmp_path):
        columns = A_DIVISION | {"z": [0.0, 1.0, 2.0, 3.0]}
        named = {"t": "time", "z": "space", "y": "space", "x": "space"}
        path = tmp_path / "g.geff"
        geff = pytest.importorskip("geff")
        from geff.core_io import write_arrays
        from geff_spec import Axis

        write_arrays(
            path,
            np.arange(4, dtype=np.uint64),
            {n: {"values": np.array(v), "missing": None} for n, v in columns.items()},
            np.empty((0, 2), np.uint64),
            {},
            geff.GeffMetadata(
                directed=True,
                axes=[Axis(name=name, type=kind) for name, kind in named.items()],
                node_props_metadata={},
                edge_props_metadata={},
            ),
            zarr_format=2,
        )
        with pytest.raises(InputError, match="three dimensions"):
            read_saved(path)


class TestTables:
    def read(self, tmp_path, text):
        path = tmp_path / "cells.csv"
        path.write_text(text)
        return read_saved(path)

    def test_tables_of_others_are_read_by_their_usual_names(self, tmp_path):
        """As TrackMate writes spots: three lines of titles more, tracks from 0."""
        read = self.read(
            tmp_path,
            "LABEL,TRACK_ID,POSITION_X,POSITION_Y,FRAME,RADIUS\n"
            "Label,Track ID,X,Y,Frame,Radius\n"
            "Label,Track ID,X,Y,Frame,R\n"
            ",,(pixel),(pixel),,(pixel)\n"
            "ID1,0,10.2,6.0,0,2.5\nID2,0,12,6,1,2.5\nID3,1,3,3,1,2.5\n",
        )
        assert sorted(read.tracks) == [(1, 0, 1, 0), (2, 1, 1, 0)]
        assert read.labels[1][6, 12] == 1

    def test_what_is_missing_is_a_sentence(self, tmp_path):
        with pytest.raises(InputError, match="no column track and no column y"):
            self.read(tmp_path, "frame,x\n0,1\n")
        with pytest.raises(InputError, match="not described by numbers"):
            self.read(tmp_path, "track,frame,y,x\n1,0,here,2\n")
        with pytest.raises(InputError, match="more than can be drawn"):
            self.read(tmp_path, "track,frame,y,x\n1,0,1e9,1e9\n")


class TestAcdc:
    def test_folder_has_what_cell_acdc_looks_for(self, tmp_path, simulated):
        path = write_saved(tmp_path / "exp", simulated, format="acdc")
        images = path / "Position_1" / "Images"
        with np.load(images / "exp_segm.npz") as packed:
            np.testing.assert_array_equal(packed["arr_0"], simulated.labels)
        with (images / "exp_acdc_output.csv").open() as file:
            rows = list(csv.DictReader(file))
        child, first, _, parent = next(row for row in simulated.tracks if row[3])
        row = next(one for one in rows if int(one["Cell_ID"]) == child)
        assert int(row["frame_i"]) == int(row["emerg_frame_i"]) == first
        assert int(row["parent_ID_tree"]) == parent
        assert int(row["generation_num_tree"]) >= 2
        with (images / "exp_metadata.csv").open() as file:
            told = dict(csv.reader(file))
        assert float(told["PhysicalSizeX"]) == 0.25
        assert float(told["TimeIncrement"]) == 30

    @pytest.mark.parametrize("inside", ["", "Position_1", "Position_1/Images"])
    def test_every_folder_of_it_can_be_given(self, tmp_path, simulated, inside):
        path = write_saved(tmp_path / "exp", simulated, format="acdc")
        read = read_saved(path / inside)
        np.testing.assert_array_equal(read.stack(), simulated.labels)

    def test_several_positions_are_several_movies(self, tmp_path, simulated):
        path = write_saved(tmp_path / "exp", simulated, format="acdc")
        (path / "Position_1").rename(path / "Position_2")
        other = write_saved(tmp_path / "other", simulated, format="acdc")
        (other / "Position_1").rename(path / "Position_1")
        with pytest.raises(InputError, match="2 positions"):
            read_saved(path)

    def test_objects_are_never_loaded(self, tmp_path, simulated):
        path = write_saved(tmp_path / "exp", simulated, format="acdc")
        masks = path / "Position_1" / "Images" / "exp_segm.npz"
        np.savez(masks, np.array([{"a": 1}], dtype=object))
        with pytest.raises(InputError, match="cannot be read"):
            read_saved(path)


class TestRois:
    @staticmethod
    def written(tmp_path, *places, names="{}"):
        """Write a square for each frame, numbered in some way."""
        roifile = pytest.importorskip("roifile")
        square = np.array([[2, 3], [8, 3], [8, 9], [2, 9]], np.int32)
        path = tmp_path / "RoiSet.zip"
        with zipfile.ZipFile(path, "w") as packed:
            for number, place in enumerate(places):
                roi = roifile.ImagejRoi.frompoints(square)
                for name, value in place.items():
                    setattr(roi, name, value)
                packed.writestr(names.format(number + 1) + ".roi", roi.tobytes())
        return path

    def test_frames_that_imagej_takes_for_slices_are_frames(self, tmp_path):
        planes = [
            {"c_position": 1, "z_position": n, "t_position": 1} for n in (1, 2, 4)
        ]
        read = read_saved(self.written(tmp_path, *planes))
        assert read.tracks == [(1, 0, 0, 0), (2, 1, 1, 0), (3, 3, 3, 0)]

    def test_names_of_imagej_tell_the_frame_where_nothing_else_does(self, tmp_path):
        path = self.written(tmp_path, {}, {}, names="{:04d}-0006-0005")
        assert read_saved(path).tracks == [(1, 0, 0, 0), (2, 1, 1, 0)]

    @pytest.mark.filterwarnings("ignore:Duplicate name")
    def test_rois_that_were_saved_twice_are_read_once(self, tmp_path):
        """Cellpose adds to a zip that is there."""
        path = self.written(tmp_path, {"position": 1}, {"position": 1}, names="a")
        read = read_saved(path)
        assert read.tracks == [(1, 0, 0, 0)]
        assert (read.labels == 1).sum() == 36

    def test_rois_of_planes_in_frames_are_refused(self, tmp_path):
        planes = [{"z_position": n, "t_position": n} for n in (1, 2)]
        with pytest.raises(InputError, match="three dimensions"):
            read_saved(self.written(tmp_path, *planes))

    def test_rois_of_stardist_are_cells_of_their_frame(self, tmp_path):
        """Polygons named by frame and place, as its plugin for Fiji names them."""
        roifile = pytest.importorskip("roifile")
        square = np.array([[2, 3], [8, 3], [8, 9], [2, 9]])
        path = tmp_path / "RoiSet.zip"
        with zipfile.ZipFile(path, "w") as packed:
            for t in range(2):
                roi = roifile.ImagejRoi.frompoints(square + t, position=t)
                packed.writestr(f"000{t + 1}-0006-0005.roi", roi.tobytes())
        read = read_saved(path)
        assert [(first, last) for _, first, last, _ in read.tracks] == [(0, 0), (1, 1)]
        np.testing.assert_array_equal(np.argwhere(read.labels[0]).min(0), [3, 2])
        assert (read.labels[0] > 0).sum() == 36

    def test_a_zip_of_anything_else_is_a_sentence(self, tmp_path):
        pytest.importorskip("roifile")
        path = tmp_path / "photos.zip"
        with zipfile.ZipFile(path, "w") as packed:
            packed.writestr("a.txt", "hello")
        with pytest.raises(InputError, match="no ROIs"):
            read_saved(path)
        with zipfile.ZipFile(path, "a") as packed:
            packed.writestr("a.roi", b"hello")
        with pytest.raises(InputError, match=r"a\.roi"):
            read_saved(path)

    def test_without_its_package_it_is_a_sentence(self, tmp_path, monkeypatch):
        monkeypatch.setitem(__import__("sys").modules, "roifile", None)
        with pytest.raises(InputError, match=r"fastershift\[rois\]"):
            check_output(tmp_path / "r", "rois")


class TestCellpose:
    @pytest.mark.parametrize("suffix", ["tif", "png"])
    def test_a_folder_of_masks_is_a_movie_of_untracked_cells(self, tmp_path, suffix):
        for t in range(12):
            mask = np.zeros((9, 9), np.uint16)
            mask[1:3, 1:3], mask[5:8, 5:8] = 1, 2
            imageio.imwrite(tmp_path / f"img{t}_cp_masks.{suffix}", mask)
            imageio.imwrite(tmp_path / f"img{t}.{suffix}", mask + 90)
        read = read_saved(tmp_path)
        assert len(read.tracks) == 24
        assert all(first == last for _, first, last, _ in read.tracks)
        assert [int(frame.max()) for frame in read.stack()] == list(range(2, 25, 2))

    def write(self, folder, names):
        for number, name in enumerate(names):
            mask = np.zeros((9, 9), np.uint16)
            mask[number, 1:3] = 1
            imageio.imwrite(folder / f"{name}_cp_masks.png", mask)
            imageio.imwrite(folder / f"{name}.tif", mask + 90)
            imageio.imwrite(folder / f"{name}_cp_output.tif", mask)

    def test_pictures_of_masks_beside_other_images(self, tmp_path):
        self.write(tmp_path, ("t8", "t9", "t10"))
        read = read_saved(tmp_path)
        assert [int(np.argwhere(frame)[0, 0]) for frame in read.stack()] == [0, 1, 2]

    @pytest.mark.parametrize(
        ("names", "told"),
        [
            (("s1_t0", "s1_t1", "s2_t0", "s2_t1"), "several positions, channels"),
            (("t0_gfp", "t1_gfp", "t0_bf", "t1_bf"), "several positions, channels"),
            (("t0", "t1", "other"), "are not one movie"),
        ],
    )
    def test_masks_that_are_not_one_movie(self, tmp_path, names, told):
        self.write(tmp_path, names)
        with pytest.raises(InputError, match=told):
            read_saved(tmp_path)

    @pytest.mark.parametrize(
        "names",
        [
            ("t000", "t001", "t003"),
            ("x_00d00h00m", "x_00d00h15m", "x_00d00h30m", "x_00d01h00m"),
        ],
    )
    def test_a_gap_in_the_names_is_no_gap_where_every_image_has_masks(
        self, tmp_path, names
    ):
        self.write(tmp_path, names)
        assert len(read_saved(tmp_path).labels) == len(names)

    def test_an_image_in_a_gap_lacks_its_masks(self, tmp_path):
        self.write(tmp_path, ("t000", "t001", "t002", "t003"))
        (tmp_path / "t002_cp_masks.png").unlink()
        told = r"lacks the masks of t002\.tif; segment all images"
        with pytest.raises(InputError, match=told):
            read_saved(tmp_path)

    def test_a_stack_of_masks_keeps_its_numbers(self, tmp_path):
        path = tmp_path / "movie_cp_masks.tif"
        labels = np.zeros((3, 9, 9), np.uint16)
        labels[:, 2:4, 2:4] = 5
        tifffile.imwrite(path, labels, photometric="minisblack")
        assert read_saved(path).tracks == [(5, 0, 2, 0)]

    def test_objects_of_python_are_refused_with_the_reason(self, tmp_path):
        path = tmp_path / "img_seg.npy"
        np.save(path, np.array([{"masks": 1}], dtype=object), allow_pickle=True)
        with pytest.raises(InputError, match=r"pickle.*_cp_masks"):
            read_saved(path)


def test_holes_and_pieces_are_lost_where_the_page_says_so(tmp_path):
    labels = np.zeros((1, 20, 20), np.int32)
    labels[0, 2:9, 2:9] = 1
    labels[0, 5, 5] = 0  # a hole
    labels[0, 14:17, 14:17] = 1  # a second piece
    result = SavedResult(labels, [(1, 0, 0, 0)])
    read = there_and_back(tmp_path / "t", "trackmate", result).stack()
    assert read[0, 5, 5] == 1
    assert not read[0, 14:17, 14:17].any()
    rois = there_and_back(tmp_path / "r", "rois", result).stack()
    assert rois[0, 5, 5] == 1
    assert (rois[0, 14:17, 14:17] == 1).all()


@pytest.mark.parametrize("form", ["trackmate", "rois"])
@pytest.mark.parametrize("outer", [1, 2])
def test_a_cell_in_a_hole_of_another_is_whole(tmp_path, form, outer):
    labels = np.zeros((1, 20, 20), np.int32)
    labels[0, 2:18, 2:18] = outer
    labels[0, 5:15, 5:15] = 0
    labels[0, 7:13, 7:13] = 3 - outer
    result = SavedResult(labels, [(1, 0, 0, 0), (2, 0, 0, 0)])
    read = there_and_back(tmp_path / "r", form, result).stack()
    inside = np.zeros((18, 18), bool)
    inside[7:13, 7:13] = True
    np.testing.assert_array_equal(read[0, :18, :18] == 3 - outer, inside)


def test_a_covered_cell_keeps_its_centre(tmp_path):
    (tmp_path / "cells.csv").write_text("track,frame,y,x\n1,0,9,9\n2,0,9,9\n")
    labels, tracks = read_result(tmp_path / "cells.csv")
    assert [track for track, *_ in tracks] == [1, 2]
    assert labels[0, 9, 9] == 2
    assert (labels == 2).sum() == 1


def test_times_are_counted_in_steps(tmp_path):
    path = tmp_path / "cells.csv"
    path.write_text("track,time,y,x\n1,0,9,9\n1,300,9,9\n1,900,9,9\n")
    labels, tracks = read_result(path)
    assert len(labels) == 4
    assert tracks == [(1, 0, 3, 0)]
    path.write_text("track,time,y,x\n1,0,9,9\n1,300,9,9\n1,750,9,9\n")
    with pytest.raises(InputError, match="not multiples of one step"):
        read_result(path)
