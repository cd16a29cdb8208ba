"""Runs in a region of the frames."""

import numpy as np
import pytest
import tifffile
from PIL import Image

from fastershift import segment_movie
from fastershift.errors import InputError
from fastershift.io import read_movie
from fastershift.labels import keep_inside
from fastershift.session import Session, SessionInput, describe_methods

LINKED = {"track": {"vote_weight": 0.0, "shortest_track": 1}}


@pytest.fixture(scope="module")
def left(simulated):
    region = np.zeros(simulated.labels.shape[1:], np.uint8)
    region[:, :40] = 1
    return region


def expected(labels, region):
    return np.stack([keep_inside(frame, region > 0) for frame in labels]) > 0


def test_only_masks_inside_are_tracked(simulated, left):
    result = segment_movie(None, LINKED, labels=simulated.labels, inside=left)
    kept = expected(simulated.labels, left)
    assert 0 < kept.sum() < (simulated.labels > 0).sum()
    np.testing.assert_array_equal(result.labels > 0, kept)
    assert result.provenance["inside"] == "a region"
    assert "inside of a region" in describe_methods({}, result.provenance)


def test_cells_of_a_region_are_left_out_of_embeddings(simulated, embeddings, left):
    whole = segment_movie(None, LINKED, embeddings=embeddings)
    result = segment_movie(None, LINKED, embeddings=embeddings, outside=left)
    cells = expected(whole.labels, 1 - left)
    # The two frames of a pair are cut by their own pixels.
    differ = np.mean((result.labels > 0) != cells)
    assert differ < 0.01
    assert 0 < (result.labels > 0).sum() < (whole.labels > 0).sum()


def test_a_preview_shows_the_cells_of_the_region(simulated, embeddings, left):
    session = Session()
    session.open(SessionInput(embeddings=embeddings))
    *_, before = session.preview(2, LINKED)
    session.confine(left > 0, None)
    *_, preview = session.preview(2, LINKED)
    np.testing.assert_array_equal(
        preview.cells > 0, keep_inside(before.cells, left > 0) > 0
    )
    assert preview.report.cells < before.report.cells
    session.confine(None, None)
    *_, again = session.preview(2, LINKED)
    np.testing.assert_array_equal(again.cells > 0, before.cells > 0)


def test_a_region_of_a_network_of_another_size_lies_where_it_was_drawn(
    simulated, tiny_model, left
):
    settings = {**LINKED, "embed": {"diameter": 12.0, "model": str(tiny_model)}}
    whole = segment_movie(simulated.frames, settings)
    result = segment_movie(simulated.frames, settings, inside=left)
    assert (result.labels > 0).any()
    assert ((result.labels > 0) <= (whole.labels > 0)).all()
    for frame, cells in zip(whole.labels, result.labels, strict=True):
        kept = np.unique(frame[cells > 0])
        shares = [left[frame == cell].mean() for cell in kept]
        assert min(shares, default=1) > 0.4
        others = np.setdiff1d(np.unique(frame)[1:], kept)
        assert max((left[frame == one].mean() for one in others), default=0) < 0.6


def test_a_region_may_be_a_file_with_a_mask_for_each_frame(simulated, tmp_path):
    region = np.zeros(simulated.labels.shape, np.uint8)
    region[2:, :40] = 255
    tifffile.imwrite(tmp_path / "region.tif", region, metadata={"axes": "TYX"})
    path = str(tmp_path / "region.tif")
    result = segment_movie(None, LINKED, labels=simulated.labels, inside=path)
    assert not result.labels[:2].any()
    assert result.labels[2].any()


def test_a_region_of_the_whole_file_is_cut_like_its_movie(simulated, tmp_path):
    """As given masks are, where only some of the frames are tracked."""
    masks, frames = simulated.labels, simulated.frames
    region = np.zeros(masks.shape, np.uint8)
    region[:2, :, :40] = region[2:, :, 40:] = 1
    tifffile.imwrite(tmp_path / "r.tif", region, photometric="minisblack")
    tifffile.imwrite(tmp_path / "m.tif", frames, photometric="minisblack")
    movie = read_movie(tmp_path / "m.tif", frames=(1, 4))
    result = segment_movie(movie, LINKED, labels=masks[1:4], inside=tmp_path / "r.tif")
    kept = np.concatenate(
        [expected(masks[1:2], region[0]), expected(masks[2:4], region[2])]
    )
    np.testing.assert_array_equal(result.labels > 0, kept)


def test_a_region_that_does_not_fit_is_a_sentence(simulated):
    with pytest.raises(InputError, match="10 × 10 pixels"):
        segment_movie(None, LINKED, labels=simulated.labels, inside=np.ones((10, 10)))


def test_a_region_without_any_cell_gives_an_empty_result(simulated):
    nowhere = np.zeros(simulated.labels.shape[1:])
    nowhere[tuple(np.argwhere((simulated.labels == 0).all(0))[0])] = 1
    result = segment_movie(None, LINKED, labels=simulated.labels, inside=nowhere)
    assert not result.labels.any()
    assert not result.lineage.tracks


@pytest.mark.parametrize(
    ("value", "said"), [(0, "leaves no pixel"), (np.nan, "not numbers")]
)
def test_a_region_of_nothing_is_told(simulated, value, said):
    region = np.full(simulated.labels.shape[1:], value, np.float32)
    with pytest.raises(InputError, match=said):
        segment_movie(None, LINKED, labels=simulated.labels, inside=region)


def test_a_jpeg_is_no_mask(simulated, left, tmp_path):
    Image.fromarray(left * 255).save(tmp_path / "mask.jpg")
    for given in (tmp_path / "mask.jpg", tmp_path):
        with pytest.raises(InputError, match="is a JPEG"):
            segment_movie(None, LINKED, labels=simulated.labels, inside=given)
        with pytest.raises(InputError, match="is a JPEG"):
            segment_movie(None, LINKED, labels=given)


def border_of(width):
    return {"track": {"border": width}}


def test_a_border_that_covers_the_frame_is_refused(simulated):
    """Until now it gave a result without a cell, and without a word."""
    masks = simulated.labels
    half = min(masks.shape[1:]) // 2
    result = segment_movie(None, LINKED | border_of(half - 1), labels=masks)
    assert result.labels.shape == masks.shape
    for border in (half, 10**6):
        with pytest.raises(InputError, match=f"covers frames of .* less than {half}"):
            segment_movie(None, border_of(border), labels=masks)
