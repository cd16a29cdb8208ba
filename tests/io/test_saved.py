"""A result comes back with all that was saved with it."""

import numpy as np
import pytest

from fastershift.config import resolve_settings
from fastershift.errors import InputError
from fastershift.io import read_saved, write_result

SCALE, UNITS = (30.0, 0.5, 0.25), ("second", "micrometer", "micrometer")


def save(path, form, **more):
    if form in ("zarr", "geff"):
        pytest.importorskip(form)
    labels = np.zeros((3, 12, 14), np.int32)
    labels[:, 2:6, 3:8] = 4
    labels[1:, 8:10, 3:8] = 5
    tracks = [(4, 0, 2, 0), (5, 1, 2, 0)]
    return labels, tracks, write_result(path, labels, tracks, format=form, **more)


@pytest.mark.parametrize("form", ["ctc", "tiff", "zarr", "geff"])
def test_all_formats_bring_everything_back(tmp_path, form):
    given = {"corrections": {"history": [1, 2]}, "settings": resolve_settings()}
    labels, tracks, path = save(tmp_path / "r", form, scale=SCALE, units=UNITS, **given)
    read = read_saved(path)
    np.testing.assert_array_equal(read["labels"], labels)
    assert read["tracks"] == tracks
    assert read["corrections"] == given["corrections"]
    assert read["settings"]["cluster"]["bandwidth"] == 0.1
    if form == "ctc":
        assert read["scale"] is None, "masks of the Challenge know no scale"
    else:
        np.testing.assert_allclose(read["scale"], SCALE)
        assert tuple(read["units"]) == UNITS


@pytest.mark.parametrize("form", ["ctc", "tiff", "zarr", "geff"])
def test_what_was_not_saved_is_none(tmp_path, form):
    labels, _, path = save(tmp_path / "r", form)
    read = read_saved(path)
    np.testing.assert_array_equal(read["labels"], labels)
    assert read["corrections"] is None
    assert read["settings"] is None
    # OME-Zarr always has a scale.
    assert read["scale"] in (None, (1.0, 1.0, 1.0))


def test_settings_that_cannot_be_read_are_left_out(tmp_path):
    labels, _, path = save(tmp_path / "r", "ctc", settings=resolve_settings())
    (path / "settings.toml").write_text("no settings")
    read = read_saved(path)
    assert read["settings"] is None
    np.testing.assert_array_equal(read["labels"], labels)


def test_nothing_is_a_sentence(tmp_path):
    with pytest.raises(InputError, match="nothing at"):
        read_saved(tmp_path / "missing")
