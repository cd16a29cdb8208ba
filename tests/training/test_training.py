"""Truth, clips and the training loop."""

from typing import ClassVar

import numpy as np
import pytest
import tifffile
import torch

from fastershift.errors import InputError
from fastershift.simulate import simulate_movie
from fastershift.training import (
    Augmentation,
    Trainer,
    TrainSettings,
    complete_markers,
    draw_clip,
    from_simulation,
    load_ctc_truth,
    prepare_movie,
)
from fastershift.training._augment import neighbour_matrix
from fastershift.training._intensity import _with_dirt, vary_intensity
from helpers.movies import A_CELL_DIVIDES

TINY = TrainSettings(filters=4, levels=3, channels=8, size=32, length=3, batch=2)


@pytest.fixture(scope="module")
def movie():
    simulated = simulate_movie(6, (64, 72), 7, diameter=14, seed=1)
    return prepare_movie(from_simulation(simulated, 14), 12.0)


def drawn(movie, seed, **options):
    return draw_clip(
        (movie,),
        length=3,
        size=32,
        reach=6,
        network_diameter=12.0,
        options=Augmentation(**options),
        generator=torch.Generator().manual_seed(seed),
    )


def weights_of(trainer):
    weights = trainer.weights
    return torch.cat([weights[name].flatten() for name in sorted(weights)])


class TestMarkers:
    frame = np.zeros((40, 40), np.float32)
    labels = np.zeros((40, 40), np.int32)
    markers = np.zeros((40, 40), np.int32)
    markers[8:12, 8:12] = 1
    markers[28:32, 28:32] = 2

    def test_a_lone_marker_is_a_cell_with_unknown_surrounding(self):
        result = complete_markers(self.frame, self.labels, self.markers, 5, grow=False)
        assert (result[8:12, 8:12] == 1).all()
        assert result[10, 14] == -1
        assert result[10, 20] == 0

    def test_an_outlined_cell_has_background_around_it(self):
        labels = self.labels.copy()
        labels[6:14, 6:14] = 1
        result = complete_markers(self.frame, labels, self.markers, 5, grow=False)
        assert np.array_equal(result[:20, :20], labels[:20, :20])
        assert result[30, 34] == -1

    def test_a_marker_grows_to_half_of_its_height(self):
        rows, columns = np.mgrid[:40, :40]
        bright = (rows - 10) ** 2 + (columns - 10) ** 2 <= 36
        frame = np.where(bright, 100.0, 10.0).astype(np.float32)
        markers = np.where(self.markers == 1, 1, 0).astype(np.int32)
        result = complete_markers(frame, self.labels, markers, 12, grow=True)
        found = result == 1
        assert (found & bright).sum() / (found | bright).sum() > 0.85
        assert result[10, 20] == 0


def write_sequence(folder, seg=(), silver=()):
    movie = simulate_movie(3, (48, 48), 4, diameter=12, seed=2)
    for name in ("01", "01_GT/TRA", "01_GT/SEG", "01_ST/SEG"):
        (folder / name).mkdir(parents=True)
    for t, (frame, labels) in enumerate(zip(movie.frames, movie.labels, strict=True)):
        tifffile.imwrite(folder / f"01/t{t:03d}.tif", frame)
        truth = labels.astype(np.uint16)
        tifffile.imwrite(folder / f"01_GT/TRA/man_track{t:03d}.tif", truth)
        # Outlines have numbers of their own.
        renamed = np.where(truth > 0, truth + 100, 0).astype(np.uint16)
        if t in seg:
            tifffile.imwrite(folder / f"01_GT/SEG/man_seg{t:03d}.tif", renamed)
        if t in silver:
            tifffile.imwrite(folder / f"01_ST/SEG/man_seg{t:03d}.tif", truth)
    return movie


def test_the_best_truth_of_each_frame_is_taken_and_named(tmp_path):
    movie = write_sequence(tmp_path, seg=(0, 1), silver=(1,))
    truth = load_ctc_truth(tmp_path / "01")
    assert "1 frames silver, 1 frames outlines, 1 frames markers" in truth.source
    assert np.array_equal(truth.labels[0], movie.labels[0])
    assert np.array_equal(truth.labels[1], movie.labels[1])
    assert (truth.labels[2] == -1).any()
    assert truth.diameter == pytest.approx(12, rel=0.4)


def test_daughters_of_a_sequence_come_from_their_mother(tmp_path):
    """Otherwise a network would learn that daughters come from nowhere."""
    for name in ("01", "01_GT/TRA", "01_ST/SEG"):
        (tmp_path / name).mkdir(parents=True)
    labels = np.kron(A_CELL_DIVIDES.labels, np.ones((1, 8, 8), int)).astype(np.uint16)
    noise = np.random.default_rng(0).integers(0, 50, labels.shape)
    for t, frame in enumerate(labels):
        image = (1000 * (frame > 0) + noise[t]).astype(np.uint16)
        tifffile.imwrite(tmp_path / f"01/t{t:03d}.tif", image)
        tifffile.imwrite(tmp_path / f"01_GT/TRA/man_track{t:03d}.tif", frame)
        tifffile.imwrite(tmp_path / f"01_ST/SEG/man_seg{t:03d}.tif", frame)
    listed = tmp_path / "01_GT" / "TRA" / "man_track.txt"

    def predecessors():
        truth = load_ctc_truth(tmp_path / "01")
        clip = draw_clip(
            (prepare_movie(truth, truth.diameter),),
            length=4,
            size=64,
            reach=8,
            network_diameter=truth.diameter,
            options=Augmentation(zoom=1, stretch=1, elastic=0, reverse=0, skip=0),
            generator=torch.Generator().manual_seed(1),
        )
        # The frame in which the mother is gone and the daughters are new.
        mother, *daughters = range(1, 4)
        assert (clip.labels[1] == mother).any()
        assert all((clip.labels[2] == one).any() for one in daughters)
        return [int(clip.predecessors[2, one]) for one in daughters]

    listed.write_text("1 0 1 0\n2 2 3 1\n3 2 3 1\n")
    assert predecessors() == [1, 1]
    # Without a list nothing is known of divisions.
    listed.unlink()
    assert predecessors() == [0, 0]


def test_the_border_strip_is_unknown_where_nothing_is_marked(tmp_path):
    write_sequence(tmp_path, silver=(0, 1, 2))
    labels = load_ctc_truth(tmp_path / "01", border=5).labels[0]
    strip = np.ones(labels.shape, bool)
    strip[5:-5, 5:-5] = False
    assert not (labels[strip] == 0).any()
    assert (labels[~strip] >= 0).all()


def test_folders_without_frames_or_truth(tmp_path):
    with pytest.raises(InputError, match="no frames"):
        load_ctc_truth(tmp_path)
    (tmp_path / "t000.tif").touch()
    with pytest.raises(InputError, match="no tracking ground truth"):
        load_ctc_truth(tmp_path)


def test_neighbours_come_close_in_some_frame():
    labels = np.zeros((2, 20, 30), np.int64)
    labels[:, 2:6, 2:6] = 1
    labels[0, 2:6, 20:24] = 2
    labels[1, 2:6, 9:13] = 2
    labels[:, 14:18, 25:29] = 3
    near = neighbour_matrix(labels, 3, reach=4).numpy()
    assert np.array_equal(near, near.T)
    assert near[0, 1]
    assert not near[0, 2]
    assert not near.diagonal().any()


def test_dirt_sets_the_range_and_cells_are_dimmer():
    frames = (
        2 * torch.rand(3, 1, 24, 40, generator=torch.Generator().manual_seed(0)) - 1
    )
    shown = 0
    for seed in range(40):
        generator = torch.Generator().manual_seed(seed)
        dirty = _with_dirt(frames, generator)
        assert dirty.min() >= -1
        assert dirty.max() <= 1
        blob = (dirty > 0.9).all(0)[0]
        shown += bool(blob.any())
        # All else goes by one factor, in all frames.
        ratio = ((dirty + 1) / (frames + 1))[:, 0, ~blob]
        assert ratio.quantile(0.5) <= 1
        assert (ratio > ratio.quantile(0.4) - 1e-3).float().mean() > 0.55
    assert 0 < shown < 40


def test_clips_are_the_same_for_the_same_seed(movie):
    first, second, other = drawn(movie, 5), drawn(movie, 5), drawn(movie, 6)
    assert torch.equal(first.frames, second.frames)
    assert torch.equal(first.labels, second.labels)
    assert not torch.equal(first.frames, other.frames)


@pytest.mark.parametrize("seed", range(8))
def test_clips_number_their_cells_without_gaps(movie, seed):
    clip = drawn(movie, seed)
    cells = torch.unique(clip.labels[clip.labels > 0])
    assert torch.equal(cells, torch.arange(1, len(cells) + 1))
    assert clip.neighbours.shape == (len(cells), len(cells))
    assert clip.frames.shape == (3, 1, 32, 32)
    assert clip.frames.isfinite().all()


def test_the_transform_is_one_for_image_and_labels(movie):
    """Without changes of intensity, bright pixels stay under their labels."""
    plain = dict.fromkeys(
        ("skip", "offset", "noise", "blur", "gradient", "inversion", "dirt"), 0.0
    )
    clip = drawn(movie, 3, gamma=1.0, contrast=1.0, **plain)
    cells = clip.frames[:, 0][clip.labels > 0].mean()
    background = clip.frames[:, 0][clip.labels == 0].mean()
    source = (
        movie.frames[movie.labels > 0].mean() - movie.frames[movie.labels == 0].mean()
    )
    assert cells - background > 0.6 * source


def test_ten_and_ten_iterations_are_twenty(movie, tmp_path):
    straight = Trainer((movie,), TINY)
    losses = [progress.loss for progress in straight.run(iterations=6)]
    first = Trainer((movie,), TINY)
    assert len(list(first.run(iterations=3))) == 3
    first.save(tmp_path / "half.safetensors")
    second = Trainer((movie,), TINY)
    second.load(tmp_path / "half.safetensors")
    assert second.iteration == 3
    resumed = [progress.loss for progress in second.run(iterations=3)]
    assert resumed == losses[3:]
    assert torch.equal(weights_of(straight), weights_of(second))


@pytest.mark.slow  # a hundred iterations
def test_training_lowers_the_loss(movie):
    trainer = Trainer((movie,), TINY.model_copy(update={"learning_rate": 1e-2}))
    losses = [progress.loss for progress in trainer.run(iterations=100)]
    assert np.mean(losses[-10:]) < 0.85 * np.mean(losses[:10])


def test_training_ends_by_itself_after_its_time(movie):
    progress = list(Trainer((movie,), TINY).run(minutes=0.02))
    assert progress[-1].done == 1
    assert progress[-1].seconds >= 1.2


def test_refusals(movie, tmp_path):
    with pytest.raises(InputError, match="nothing to train on"):
        Trainer((), TINY)
    with pytest.raises(InputError, match="either"):
        next(Trainer((movie,), TINY).run())
    Trainer((movie,), TINY).save(tmp_path / "small.safetensors")
    larger = Trainer((movie,), TINY.model_copy(update={"filters": 6}))
    with pytest.raises(InputError, match="another size"):
        larger.load(tmp_path / "small.safetensors")


class TestIntensities:
    """What shows the same cells as another microscope might."""

    NOTHING: ClassVar = {
        "gamma": 1.0,
        "contrast": 1.0,
        "offset": 0.0,
        "noise": 0.0,
        "blur": 0.0,
        "gradient": 0.0,
        "inversion": 0.0,
        "dirt": 0.0,
    }

    @pytest.fixture
    def square(self):
        frames = torch.full((2, 1, 64, 64), -1.0)
        frames[..., 24:40, 24:40] = 1.0
        return frames

    def varied(self, frames, **options):
        how = Augmentation(**(self.NOTHING | options))
        varied = vary_intensity(frames, how, torch.Generator().manual_seed(3))
        assert varied.shape == frames.shape
        assert torch.isfinite(varied).all()
        return varied

    def test_a_curve_maps_each_tone_to_one(self, square):
        varied = self.varied(square, curve=1.0)
        for one in varied:
            assert one[0, 24:40, 24:40].std() < 1e-5
            assert one[0, 0].std() < 1e-5

    def test_relief_changes_outlines_more_than_what_is_far_from_them(self, square):
        varied = self.varied(square, relief=1.0)
        near, far = varied[0, 0, 32, 23], varied[0, 0, 32, 0]
        assert abs(near - far) > 0.05

    def test_a_filter_keeps_mean_and_contrast(self, square):
        varied = self.varied(square, filtering=1.0)
        assert varied.mean() == pytest.approx(float(square.mean()), abs=0.2)
        assert 0.3 < varied.std() / square.std() < 1.3

    def test_grainy_noise_is_smooth(self):
        plain = torch.zeros(1, 1, 96, 96)

        def alike(grain):
            found = []
            for seed in range(12):
                chance = torch.Generator().manual_seed(seed)
                given = self.NOTHING | {"noise": 0.5, "grain": grain}
                options = Augmentation(**given)
                noise = vary_intensity(plain, options, chance)[0, 0]
                if noise.std() > 1e-3:
                    pair = torch.stack([noise[1:].flatten(), noise[:-1].flatten()])
                    found.append(float(torch.corrcoef(pair)[0, 1]))
            return np.mean(found)

        assert abs(alike(0.0)) < 0.05
        assert alike(3.0) > 0.3
