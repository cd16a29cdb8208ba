"""Ground truth with gaps, and what becomes of it on its way to the network."""

import numpy as np
import pytest
import tifffile

from fastershift.errors import InputError
from fastershift.simulate import SimulatedMovie
from fastershift.training import complete_markers, from_simulation, load_ctc_truth
from fastershift.training import prepare_movie as prepare
from fastershift.training._truth import TruthSequence, cell_diameters, ignore_border

ROWS, COLUMNS = np.mgrid[:48, :64]
DARK = np.zeros((48, 64), np.int32)


def disc(row, column, radius, value=1):
    return np.where(np.hypot(ROWS - row, COLUMNS - column) <= radius, value, 0)


def test_diameters_are_those_of_discs_of_the_same_area():
    labels = (disc(12, 12, 8) + disc(34, 40, 4, 2)).astype(np.int32)
    assert cell_diameters(labels) == pytest.approx([16, 8], rel=0.05)
    labels[0] = -1
    assert len(cell_diameters(labels)) == 2
    assert len(cell_diameters(DARK)) == 0


def test_only_unmarked_pixels_of_a_border_become_unknown():
    labels = disc(0, 20, 5).astype(np.int32)
    bordered = labels.copy()
    ignore_border(bordered, 3)
    np.testing.assert_array_equal(bordered == 1, labels == 1)
    inner = (slice(3, -3), slice(3, -3))
    np.testing.assert_array_equal(bordered[inner], labels[inner])
    assert (np.count_nonzero(bordered == -1)) == 48 * 64 - 42 * 58 - np.count_nonzero(
        labels[:3]
    )
    untouched = labels.copy()
    ignore_border(untouched, 0)
    np.testing.assert_array_equal(untouched, labels)


class TestGrowing:
    markers = (disc(24, 20, 2) + disc(24, 40, 2, 2)).astype(np.int32)
    cells = disc(24, 20, 6) + disc(24, 40, 6, 2)

    def grown(self, frame, reach=12.0):
        return complete_markers(
            frame.astype(np.float32), DARK, self.markers, reach, grow=True
        )

    def test_two_markers_grow_to_their_own_cells(self):
        result = self.grown(np.where(self.cells > 0, 200.0, 20.0))
        for number in (1, 2):
            own, true = result == number, self.cells == number
            assert (own & true).sum() / (own | true).sum() > 0.8
        assert result[0, 0] == 0

    def test_between_half_and_a_quarter_of_its_height_nothing_is_said(self):
        frame = np.where(self.cells > 0, 200.0, 20.0)
        ring = (disc(24, 20, 9) > 0) & (self.cells == 0)
        frame[ring] = 20 + 0.38 * 180
        result = self.grown(frame)
        middle = ring & (disc(24, 20, 8) > 0) & (disc(24, 20, 7) == 0)
        assert (result[middle] == -1).mean() > 0.9

    def test_a_marker_on_an_even_frame_leaves_its_surrounding_open(self):
        result = self.grown(np.full(DARK.shape, 20.0))
        np.testing.assert_array_equal(result == 1, self.markers == 1)

    def test_outlined_cells_are_not_grown_over(self):
        outlined = disc(24, 40, 6, 2).astype(np.int32)
        result = complete_markers(
            np.where(self.cells > 0, 200.0, 20.0).astype(np.float32),
            outlined,
            self.markers,
            12.0,
            grow=True,
        )
        np.testing.assert_array_equal(result == 2, outlined == 2)


def sequence(folder, *, frame, marked, segmented=None, listed=None):
    """One frame of a challenge, with its truth."""
    for name in ("01", "01_GT/TRA", "01_GT/SEG"):
        (folder / name).mkdir(parents=True)
    tifffile.imwrite(folder / "01/t000.tif", frame)
    tifffile.imwrite(folder / "01_GT/TRA/man_track000.tif", marked)
    if segmented is not None:
        tifffile.imwrite(folder / "01_GT/SEG/man_seg000.tif", segmented)
    if listed:
        (folder / "01_GT/TRA/man_track.txt").write_text(listed)
    return folder / "01"


FRAME = np.full((48, 64), 20, np.uint16)


class TestSequences:
    def test_outlines_get_the_number_of_their_marker_and_others_one_of_their_own(
        self, tmp_path
    ):
        marked = disc(12, 12, 2, 5).astype(np.uint16)
        outlined = (disc(12, 12, 6, 1) + disc(34, 40, 6, 2)).astype(np.uint16)
        truth = load_ctc_truth(
            sequence(tmp_path, frame=FRAME, marked=marked, segmented=outlined)
        )
        (labels,) = truth.labels
        np.testing.assert_array_equal(labels == 5, outlined == 1)
        (other,) = np.unique(labels[outlined == 2])
        assert other > 5

    def test_mothers_are_read_from_the_list_of_tracks(self, tmp_path):
        marked = disc(12, 12, 4, 2).astype(np.uint16)
        folder = sequence(
            tmp_path, frame=FRAME, marked=marked, listed="1 0 0 0\n2 0 0 1\n"
        )
        assert load_ctc_truth(folder, diameter=9.0).mothers == {2: 1}

    def test_some_frames_can_be_taken_and_the_diameter_given(self, tmp_path):
        marked = disc(12, 12, 4, 1).astype(np.uint16)
        folder = sequence(tmp_path, frame=FRAME, marked=marked)
        for number in (1, 2):
            tifffile.imwrite(folder / f"t00{number}.tif", FRAME + number)
            tifffile.imwrite(
                tmp_path / f"01_GT/TRA/man_track00{number}.tif", marked * number
            )
        truth = load_ctc_truth(folder, frames=(1, 3), diameter=9.0)
        assert truth.diameter == 9.0
        assert [int(frame[0, 0]) for frame in truth.frames] == [21, 22]
        assert [set(np.unique(one)) - {0, -1} for one in truth.labels] == [{1}, {2}]

    @pytest.mark.parametrize(
        ("marked", "sentence"),
        [
            (np.zeros((48, 63), np.uint16), "not a ground truth of its frame"),
            (np.zeros((48, 64), np.float32), "whole numbers"),
            (np.zeros((2, 48, 64), np.uint16), "has 3 axes"),
        ],
    )
    def test_truth_that_does_not_fit_is_a_sentence(self, tmp_path, marked, sentence):
        folder = sequence(tmp_path, frame=FRAME, marked=marked)
        with pytest.raises(InputError, match=sentence):
            load_ctc_truth(folder)

    def test_a_frame_without_truth_is_a_sentence_and_so_is_a_damaged_file(
        self, tmp_path
    ):
        folder = sequence(tmp_path, frame=FRAME, marked=FRAME)
        truth = tmp_path / "01_GT/TRA/man_track000.tif"
        for damaged in (b"damaged", b"II*\0"):
            truth.write_bytes(damaged)
            with pytest.raises(InputError, match="cannot be read as a TIFF"):
                load_ctc_truth(folder)
        truth.unlink()
        with pytest.raises(InputError, match="no ground truth at"):
            load_ctc_truth(folder)


def truth_of(labels, frames=None, diameter=16.0):
    labels = np.asarray(labels, np.int32)
    if frames is None:
        frames = [(100 * (one > 0)).astype(np.float32) for one in labels]
    one = tuple(labels)
    return TruthSequence(tuple(frames), one, diameter, "", one, one, {2: 1})


class TestPreparing:
    labels = np.stack([disc(24, 30 + t, 8) + disc(6, 55, 4, 2) for t in range(2)])

    @pytest.mark.parametrize("network_diameter", [16.0, 32.0])
    def test_cells_have_the_diameter_of_the_network(self, network_diameter):
        movie = prepare(truth_of(self.labels), network_diameter)
        areas = [(one == 1).sum() for one in movie.labels.numpy()]
        expected = np.pi * (network_diameter / movie.scale / 2) ** 2
        assert areas == pytest.approx([expected] * 2, rel=0.1)
        assert movie.frames.shape == movie.labels.shape

    def test_frames_that_are_shrunk_keep_some_more_detail(self):
        movie = prepare(truth_of(self.labels), 8.0)
        assert movie.frames.shape[1:] == (32, 43)  # 0.5 * 1.35 of 48 x 64
        assert movie.scale == pytest.approx(1 / 1.35)
        nearly = prepare(truth_of(self.labels), 14.0)
        assert nearly.frames.shape[1:] == (48, 64)

    def test_intensities_are_normalised_and_labels_stay_below_them(self):
        movie = prepare(truth_of(self.labels), 16.0)
        frames, labels = movie.frames.numpy(), movie.labels.numpy()
        assert np.median(frames[labels > 0]) > 0.5
        assert np.median(frames[labels == 0]) < -0.5

    def test_what_is_unknown_or_no_number_stays_unknown(self):
        frames = [np.where(one > 0, 100.0, 0.0) for one in self.labels]
        frames[0][:4] = np.nan
        labels = self.labels.copy()
        labels[1, -4:] = -1
        movie = prepare(truth_of(labels, frames), 16.0)
        assert (movie.labels[0, :4] == -1).all()
        assert (movie.labels[1, -4:] == -1).all()
        assert movie.frames.isfinite().all()

    def test_one_frame_is_a_still_and_mothers_and_weight_go_on(self):
        still = prepare(truth_of(self.labels[:1]), 16.0, weight=0.25)
        assert still.still
        assert still.weight == 0.25
        movie = prepare(truth_of(self.labels), 16.0)
        assert not movie.still
        assert movie.mothers == {2: 1}

    def test_a_simulation_knows_everything(self):
        labels = self.labels.astype(np.int32)
        frames = (labels > 0).astype(np.uint16)
        tracks = ((1, 0, 0, 0), (2, 1, 1, 1), (3, 1, 1, 1))
        truth = from_simulation(SimulatedMovie(frames, labels, tracks), 12.0)
        assert truth.known == (0, 1)
        assert truth.mothers == {2: 1, 3: 1}
        assert truth.diameter == 12.0
