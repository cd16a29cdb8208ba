"""How a network is judged: which frames, what counts, and which score is best."""

import numpy as np
import pytest

from fastershift.simulate import simulate_movie
from fastershift.training import Trainer, TrainSettings, choose_part, from_simulation
from fastershift.training import prepare_movie as prepare
from fastershift.training._trainer import TrainProgress, _cosine, _fall
from fastershift.training._truth import TruthSequence
from fastershift.training._validation import (
    PartScores,
    Validation,
    ValidationPart,
    score_part,
)
from helpers.movies import A_CELL_ENTERS_LATE as LATE
from helpers.movies import TWO_CELLS_TOUCH_THEN_ONE_LEAVES as TOUCH

NO_PICTURE = np.zeros((4, 4, 3), np.uint8)


def part_of(labels, markers=None, outlines=None):
    labels = np.asarray(labels, np.int32)
    cells = np.maximum(labels, 0)
    return ValidationPart(
        "movie",
        np.zeros(labels.shape, np.uint16),
        labels,
        cells if markers is None else markers,
        cells if outlines is None else outlines,
        4.0,
    )


class TestScores:
    @pytest.mark.parametrize("movie", [TOUCH, LATE])
    def test_what_is_true_scores_one(self, movie):
        scores = score_part(movie.labels.astype(np.int32), part_of(movie.labels))
        assert (scores.seg, scores.tra) == (1, 1)

    def test_other_numbers_are_as_good(self):
        renumbered = np.where(TOUCH.labels > 0, 90 - TOUCH.labels, 0).astype(np.int32)
        scores = score_part(renumbered, part_of(TOUCH.labels))
        assert (scores.seg, scores.tra) == (1, 1)

    def test_a_missed_cell_and_an_invented_one_cost(self):
        truth = part_of(TOUCH.labels)
        missed = np.where(TOUCH.labels == 1, 0, TOUCH.labels).astype(np.int32)
        found = score_part(missed, truth)
        assert found.seg < 0.7
        assert found.tra < 0.7
        more = TOUCH.labels.astype(np.int32)
        more[:, 0, -2:] = 7
        invented = score_part(more, truth)
        assert invented.seg == 1
        assert 0.7 < invented.tra < 1

    def test_cells_that_nobody_can_judge_cost_nothing(self):
        labels = TOUCH.labels.astype(np.int32)
        labels[:, 0] = -1
        found = np.maximum(labels, 0)
        found[:, 0, -2:] = 7
        scores = score_part(found, part_of(labels))
        assert (scores.seg, scores.tra) == (1, 1)

    def test_a_marker_makes_a_cell_count_whatever_is_known_around_it(self):
        labels = TOUCH.labels.astype(np.int32)
        labels[:, 0] = -1
        markers = np.maximum(labels, 0)
        markers[:, 0, -1] = 7
        part = part_of(labels, markers)
        found = np.maximum(labels, 0)
        missed = score_part(found, part)
        found[:, 0, -2:] = 7
        assert score_part(found, part).tra > missed.tra

    def test_a_cell_that_comes_back_is_another_track(self):
        away = TOUCH.labels.astype(np.int32)
        away[2][away[2] == 1] = 0
        scores = score_part(away, part_of(away))
        assert (scores.seg, scores.tra) == (1, 1)

    def test_without_outlines_only_tracks_are_judged(self):
        nothing = np.zeros(TOUCH.labels.shape, np.int32)
        labels = TOUCH.labels.astype(np.int32)
        scores = score_part(labels, part_of(labels, outlines=nothing))
        assert scores.seg is None
        assert scores.tra == 1


class TestMeans:
    def test_scores_are_named_and_rounded_where_they_are_known(self):
        assert PartScores("a", 0.123456, None).values == {"SEG": 0.1235}
        assert PartScores("a", 0.5, 1.0).values == {"SEG": 0.5, "TRA": 1.0}

    def test_the_score_is_the_mean_over_parts_whatever_each_has(self):
        parts = (
            PartScores("both", 0.6, 1.0),
            PartScores("tracks", None, 0.4),
            PartScores("nothing", None, None),
        )
        found = Validation(parts, NO_PICTURE)
        assert found.score == pytest.approx((0.8 + 0.4) / 2)
        assert found.seg == 0.6
        assert found.tra == pytest.approx(0.7)

    def test_nothing_that_is_known_scores_zero(self):
        found = Validation((PartScores("nothing", None, None),), NO_PICTURE)
        assert (found.score, found.seg, found.tra) == (0.0, None, None)


def truth_of(outlined, shape=(40, 60), diameter=8.0):
    """Empty frames with so many outlined pixels each, in the lower right corner."""
    frames, outlines = [], []
    for pixels in outlined:
        frame = np.zeros(shape, np.int32)
        frame[-4:, -20:].flat[:pixels] = 1
        outlines.append(frame)
        frames.append(np.full(shape, len(frames), np.uint16))
    return TruthSequence(
        tuple(frames), tuple(outlines), diameter, "", tuple(outlines), tuple(outlines)
    )


class TestParts:
    @pytest.mark.parametrize(
        ("outlined", "first"),
        [([0, 0, 9, 9, 9, 0], 2), ([9, 1, 1, 1, 8, 8], 3), ([5, 0], 0)],
    )
    def test_the_frames_with_most_outlines_are_taken(self, outlined, first):
        part = choose_part(truth_of(outlined), "movie", 8.0)
        taken = [int(frame[0, 0]) for frame in part.frames]
        assert taken == list(range(first, min(first + 3, len(outlined))))

    def test_a_movie_without_a_cell_is_no_part(self):
        assert choose_part(truth_of([0, 0, 0]), "movie", 8.0) is None

    @pytest.mark.parametrize("network_diameter", [8.0, 128.0])
    def test_a_part_is_at_most_512_pixels_of_the_network_wide_and_where_cells_are(
        self, network_diameter
    ):
        part = choose_part(truth_of([9, 9, 9]), "movie", network_diameter)
        side = 512 * 8.0 / network_diameter
        assert part.frames.shape[1:] == (min(40, side), min(60, side))
        assert (part.outlines > 0).sum() == 27
        assert part.labels.shape == part.markers.shape == part.frames.shape

    def test_the_picture_is_of_the_middle_frame_with_truth(self):
        labels = np.full((5, 4, 4), -1)
        assert part_of(labels).shown == 2
        labels[3:] = 0
        assert part_of(labels).shown == 4
        labels[0] = 0
        assert part_of(labels).shown == 3


TINY = TrainSettings(
    filters=4, levels=2, channels=8, size=32, length=2, network_diameter=12.0
)


@pytest.fixture(scope="module")
def movie():
    simulated = simulate_movie(4, (48, 48), 4, diameter=14, seed=1)
    return prepare(from_simulation(simulated, 14), 12.0)


def trained(movie, iterations=2, **changes):
    trainer = Trainer((movie,), TINY.model_copy(update=changes))
    losses = [step.loss for step in trainer.run(iterations=iterations)]
    return trainer, losses


class TestTraining:
    def test_time_left_follows_from_the_speed_so_far(self):
        assert TrainProgress(10, 0.25, 1.0, 10.0).seconds_left == pytest.approx(30)
        assert TrainProgress(10, 1.0, 1.0, 10.0).seconds_left == 0

    def test_the_rate_falls_to_nothing_when_the_end_is_known(self):
        assert [_cosine(done) for done in (0, 0.5, 1)] == pytest.approx([1, 0.5, 0])

    def test_the_rate_of_an_open_end_stays_and_falls_as_the_root_of_time(self):
        assert _fall(0) == _fall(999) == 1
        assert _fall(3999) == pytest.approx(0.5)
        assert _fall(15999) == pytest.approx(0.25)

    def test_every_seed_sees_other_clips(self, movie):
        _, one = trained(movie, seed=0)
        _, again = trained(movie, seed=0)
        _, other = trained(movie, seed=1)
        assert one == again
        assert one != other

    def test_frames_before_a_clip_are_not_judged_but_change_the_loss(self, movie):
        _, plain = trained(movie, 6)
        _, warmed = trained(movie, 6, warmup=2)
        assert all(np.isfinite(warmed))
        assert plain != warmed

    def test_both_kinds_of_embedding_learn(self, movie):
        for embedding in ("votes", "cosine"):
            trainer, losses = trained(movie, 3, embedding=embedding)
            assert np.isfinite(losses).all()
            assert all(value.isfinite().all() for value in trainer.weights.values())

    def test_the_weights_to_use_lag_behind_those_that_learn(self, movie):
        trainer, _ = trained(movie, 8, average=0.9)
        moving = trainer.network.state_dict()
        lag = sum((trainer.weights[k] - moving[k]).abs().sum() for k in moving)
        assert lag > 0
        at_once, _ = trained(movie, 8, average=0.0)
        moving = at_once.network.state_dict()
        for name, value in at_once.weights.items():
            assert value.equal(moving[name])

    def test_the_best_weights_are_kept_and_come_back(self, movie, tmp_path):
        trainer, _ = trained(movie)
        assert trainer.keep(0.5, {"SEG": 0.5})
        first = trainer.best.weights
        list(trainer.run(iterations=2))
        assert not trainer.keep(0.4, {"SEG": 0.4})
        assert trainer.best.iteration == 2
        trainer.save(tmp_path / "state.safetensors")
        other = Trainer((movie,), TINY)
        other.load(tmp_path / "state.safetensors")
        assert other.iteration == 4
        assert (other.best.score, other.best.details) == (0.5, {"SEG": 0.5})
        assert all(other.best.weights[name].equal(first[name]) for name in first)
        # As good is better: it has learned for longer.
        assert other.keep(0.5, {})
        assert other.best.iteration == 4

    def test_a_state_without_a_best_has_none(self, movie, tmp_path):
        trainer, _ = trained(movie)
        trainer.save(tmp_path / "state.safetensors")
        trainer.keep(1.0, {})
        trainer.load(tmp_path / "state.safetensors")
        assert trainer.best is None
