"""Tables of cells that others have written: nothing is guessed in silence."""

import pytest

from fastershift.errors import InputError
from fastershift.io import read_saved

TITLES = "track,frame,y,x,parent"


@pytest.fixture
def read(tmp_path):
    def give(*lines):
        path = tmp_path / "cells.csv"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return read_saved(path)

    return give


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (
            ("track,frame,y,x,X", "1,0,9,9,20"),
            "one column for x: 'x' and 'X'",
        ),
        (("track,frame,y,x,x", "1,0,9,9,20"), "more than one column for x"),
        (("Track,track,frame,y,x", "1,2,0,9,9"), "more than one column for track"),
        (
            ("track,frame,y,x,position_y,position_x", "1,0,9,9,3.1,9"),
            "more than one column for y: 'y' and 'position_y'",
        ),
        ((TITLES, "1,0,9,9,", "2,1,9,9,1", "2,2,9,9,3", "3,0,9,9,"), "in another line"),
        ((TITLES, "1,0,9,9,", "2,0,9,9,1"), "track 1 as the parent of track 2, which"),
        ((TITLES, "1,0,9,9,", "2,1,9,9,7"), "holds no such track"),
        (("track,frame,y,x", "1,0,9,5,9,5"), "more values than there are titles"),
        (("track,frame,y,x,length_unit", "1,0,9,9,µm"), "gives places in µm"),
        (
            ("track,frame,y,x", "Track,Frame,Y,X", ",,(micron),(micron)", "1,0,9,9"),
            "gives places in micron",
        ),
        (
            (
                "TRACK_ID,FRAME,POSITION_Y,POSITION_X,POSITION_Z",
                "1,0,9,9,0",
                "2,0,9,9,4",
            ),
            "three dimensions",
        ),
        (
            ("track,frame,y,x", "1,0,9,9", "1,n/a,9,9", "1,2,9,9"),
            "not described by",
        ),
    ],
)
def test_what_is_ambiguous_is_a_sentence(read, lines, said):
    with pytest.raises(InputError, match=said):
        read(*lines)


@pytest.mark.parametrize(
    ("parents", "found"),
    [
        (("", "", "0", "0"), {1: 0, 2: 1, 3: 1}),
        (("-1", "-1", "0", "0"), {1: 0, 2: 1, 3: 1}),
        (("0", "0", "0", "0"), {1: 0, 2: 1, 3: 1}),
        (("0", "", "1", "2"), {1: 0, 2: 0, 3: 0}),
    ],
)
def test_no_parent_is_not_the_track_with_the_number_0(read, parents, found):
    """Of tracks that are counted from 0, an empty parent is none."""
    places = ("0,0,9,9", "0,1,9,9", "1,2,9,9", "2,2,20,9")
    lines = [f"{place},{up}" for place, up in zip(places, parents, strict=True)]
    tracks = read(TITLES, *lines).tracks
    assert {track: parent for track, _, _, parent in tracks} == found


def test_a_parent_that_stands_in_one_line_alone_is_kept(read):
    lines = ("1,0,9,9,0", "2,1,9,9,1", "2,2,9,9,0", "2,3,9,9,")
    assert read(TITLES, *lines, ",,,,").tracks == [(1, 0, 0, 0), (2, 1, 3, 1)]


def test_two_columns_that_agree_are_no_question(read):
    assert read("track,frame,y,x,pos_x", "1,0,9,5,5").labels[0][9, 5] == 1


_TABLE = "track,frame,y,x\n1,0,10.5,20\n1,1,11.5,20\n"


@pytest.mark.parametrize(
    "content",
    [
        _TABLE.replace(",", ";").replace(".", ",").encode(),
        _TABLE.replace(",", ";").encode(),
        ("sep=;\r\n" + _TABLE.replace(",", ";").replace("\n", "\r\n")).encode(),
        _TABLE.replace(",", "\t").replace(".", ",").encode("utf-16"),
        _TABLE.replace("x\n", "x,Fl\u00e4che (\u00b5m\u00b2)\n", 1).encode("cp1252"),
        _TABLE.replace("\n", "\r\n").encode("utf-8-sig"),
    ],
    ids=["comma", "point", "sep", "Unicode text", "Windows", "Excel"],
)
def test_tables_of_spreadsheets_in_other_languages(tmp_path, content):
    """Excel writes semicolons and decimal commas, or tabs, in the code of Windows."""
    path = tmp_path / "cells.csv"
    path.write_bytes(content)
    read = read_saved(path)
    assert read.tracks == [(1, 0, 1, 0)]
    assert read.shape == (2, 18, 26)
    assert read.labels[1][16, 20] == 1


@pytest.mark.parametrize("none", ["", "None", "NaN"])
def test_spots_of_no_track_are_tracks_of_one_frame(read, none):
    """So TrackMate lists them."""
    lines = ("TRACK_ID,FRAME,POSITION_Y,POSITION_X", "0,0,9,9", "0,1,9,9")
    assert read(*lines, f"{none},1,30,9", f"{none},1,50,9").tracks == [
        (1, 0, 1, 0),
        (2, 1, 1, 0),
        (3, 1, 1, 0),
    ]


@pytest.mark.parametrize("unit", ["inch", "cm", "\u03bcm", "microns"])
def test_places_in_any_unit_of_length_are_refused(read, unit):
    lines = ("track,frame,y,x", "Track,Frame,Y,X", f",,({unit}),({unit})", "1,0,9,9")
    with pytest.raises(InputError, match=f"gives places in {unit}"):
        read(*lines)
