"""The small picture of a movie in the summary, and how its frames lie on disk."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from fastershift.batch._summary import _SIDE, thumbnail
from fastershift.batch._work import _strips


def picture(frame, labels):
    return np.asarray(Image.open(BytesIO(thumbnail(frame, labels))))


def test_a_small_frame_is_shown_pixel_by_pixel():
    frame = np.arange(30 * 40, dtype=np.uint16).reshape(30, 40)
    assert picture(frame, np.zeros((30, 40), np.int32)).shape == (30, 40, 3)


@pytest.mark.parametrize("shape", [(_SIDE + 1, 20), (20, 3 * _SIDE)])
def test_a_large_frame_fits_and_keeps_its_shape(shape):
    frame = np.random.default_rng(0).random(shape)
    drawn = picture(frame, np.zeros(shape, np.int32))
    assert max(drawn.shape) <= _SIDE
    assert drawn.shape[0] / drawn.shape[1] == pytest.approx(
        shape[0] / shape[1], rel=0.11
    )


def test_only_outlines_of_cells_have_a_colour():
    labels = np.zeros((40, 40), np.int32)
    labels[10:20, 10:20] = 3
    drawn = picture(np.random.default_rng(0).random((40, 40)), labels).astype(int)
    coloured = np.ptp(drawn, axis=-1) > 0
    outline = labels > 0
    outline[11:19, 11:19] = False
    assert np.array_equal(coloured, outline)


def test_a_frame_without_contrast_is_a_picture():
    labels = np.zeros((8, 8), np.int32)
    assert picture(np.full((8, 8), np.nan), labels).shape == (8, 8, 3)


def test_chunks_are_strips_of_rows_of_one_frame():
    chunks = _strips((5, 2, 4000, 3000))
    assert chunks[:2] == (1, 1)
    assert chunks[3] == 3000
    assert 1 <= chunks[2] < 4000
    assert _strips((5, 40, 30)) == (1, 40, 30)
