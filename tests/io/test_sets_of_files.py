"""Files of a set, each of which tells of all positions and holds one of them."""

from uuid import uuid4

import numpy as np
import pytest
import tifffile

from fastershift.batch import list_movies
from fastershift.io import read_movie
from helpers.micromanager import write_stack

NAMES = [f"run_MMStack_Pos{number}.ome.tif" for number in range(2)]


@pytest.fixture
def positions():
    draw = np.random.default_rng(0)
    return draw.integers(0, 4000, (2, 3, 40, 44)).astype(np.uint16)


def _write_ome(folder, positions):
    """Write them as bio-formats does; pixels of the second are larger."""
    sets = [(name, uuid4()) for name in NAMES]
    images = "".join(
        f'<Image ID="Image:{number}"><Pixels ID="Pixels:{number}" Type="uint16" '
        f'DimensionOrder="XYCZT" SizeX="44" SizeY="40" SizeC="1" SizeZ="1" SizeT="3" '
        f'PhysicalSizeX="{number + 1}" PhysicalSizeY="{number + 1}">'
        + "".join(
            f'<TiffData IFD="{t}" FirstT="{t}" PlaneCount="1">'
            f'<UUID FileName="{name}">urn:uuid:{uuid}</UUID></TiffData>'
            for t in range(3)
        )
        + "</Pixels></Image>"
        for number, (name, uuid) in enumerate(sets)
    )
    for (name, uuid), frames in zip(sets, positions, strict=True):
        told = f'<?xml version="1.0"?><OME UUID="urn:uuid:{uuid}">{images}</OME>'
        with tifffile.TiffWriter(folder / name) as file:
            for t, frame in enumerate(frames):
                file.write(frame, description=None if t else told, metadata=None)


def _write_micromanager(folder, positions):
    for number, (name, frames) in enumerate(zip(NAMES, positions, strict=True)):
        write_stack(folder / name, frames, number, len(positions))


@pytest.mark.parametrize("write", [_write_ome, _write_micromanager])
def test_a_file_of_a_set_is_read_as_its_own_position(tmp_path, positions, write):
    write(tmp_path, positions)
    for name, own in zip(NAMES, positions, strict=True):
        np.testing.assert_array_equal(list(read_movie(tmp_path / name)), own)
        # The number counts through the whole set.
        for number, frames in enumerate(positions):
            chosen = read_movie(tmp_path / name, position=number)
            np.testing.assert_array_equal(list(chosen), frames)
    found = list_movies([tmp_path])
    assert [(one.source.name, one.position) for one in found] == [
        (name, None) for name in NAMES
    ]


def test_a_file_of_a_set_has_its_own_pixel_size(tmp_path, positions):
    _write_ome(tmp_path, positions)
    for number, name in enumerate(NAMES):
        assert read_movie(tmp_path / name).scale == (1, number + 1, number + 1)


def test_a_file_alone_of_its_set_is_read(tmp_path, positions):
    _write_micromanager(tmp_path, positions)
    (tmp_path / NAMES[0]).unlink()
    np.testing.assert_array_equal(list(read_movie(tmp_path / NAMES[1])), positions[1])
