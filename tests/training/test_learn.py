"""Learning from a few marked cells."""

from dataclasses import replace

import numpy as np
import pytest
import tifffile
import torch
from scipy import ndimage
from typer.testing import CliRunner

from fastershift.cli._app import app
from fastershift.errors import InputError
from fastershift.labels import match_cells
from fastershift.pipeline import segment_movie
from fastershift.rshn import (
    Head,
    ModelCard,
    Observer,
    PixelClass,
    count_features,
    load_model,
    save_model,
)
from fastershift.rshn import make_model as as_model
from fastershift.simulate import simulate_movie
from fastershift.training import Learner, Trainer, learn, read_annotations
from fastershift.training.learn import _tune
from fastershift.training.learn._grow import grow_forest, pixel_classes
from fastershift.training.learn._heads import try_heads
from fastershift.training.learn._judge import Agreement, judge_cells, without_marked
from fastershift.training.learn._ways import Judged, Rules, Seen, keep_out
from fastershift.training.learn._witness import Witness
from helpers.steps import returned

DIAMETER = 16.0


def discs(places, shape=(96, 96), radius=DIAMETER / 2):
    """Label discs from 1, later ones over earlier ones."""
    rows, columns = np.indices(shape)
    labels = np.zeros(shape, np.int32)
    for number, (row, column) in enumerate(places, start=1):
        labels[np.hypot(rows - row, columns - column) <= radius] = number
    return labels


PLACES = [
    (15, 15),
    (16, 45),
    (14, 78),
    (45, 14),
    (46, 46),
    (46, 63),
    (44, 82),
    (76, 16),
    (78, 40),
    (78, 57),
    (76, 80),
]


@pytest.fixture(scope="module")
def movie():
    """Three frames of textured discs, some of which touch, and their labels."""
    labels = np.stack([discs([(r + t, c + t) for r, c in PLACES]) for t in range(3)])
    noise = np.random.default_rng(0).normal(0, 0.06, labels.shape)
    depth = np.stack([disc_depth(one) for one in labels])
    return (1.0 - np.exp(-depth / 3) + noise).astype(np.float32), labels


def disc_depth(labels):
    return sum(
        ndimage.distance_transform_edt(labels == n) for n in range(1, labels.max() + 1)
    )


@pytest.fixture(scope="module")
def start():
    """A model that votes at random: it knows no cell."""
    with torch.random.fork_rng():
        torch.manual_seed(5)
        card = ModelCard(
            name="start",
            filters=4,
            levels=3,
            channels=8,
            embedding="votes",
            diameter=DIAMETER,
            training_data="Nothing",
            terms="Free.",
        )
        network = card.network().eval()
    return as_model(network, card)


@pytest.fixture(scope="module")
def marks(movie):
    _, labels = movie
    known = np.full(labels.shape, -1, np.int32)
    known[0] = labels[0]
    return known


@pytest.fixture(scope="module")
def learned(movie, marks, start):
    return learn(movie[0], marks, model=start, iterations=0, name="mine")


def found(frames, labels, model):
    result = segment_movie(frames, {"track": {"shortest_track": 1}}, model=model)
    return [match_cells(*pair).f1 for pair in zip(labels, result.labels, strict=True)]


class TestLearning:
    def test_cells_of_other_frames_are_found_by_a_head(self, movie, learned):
        assert learned.way == "head"
        assert learned.quality > 0.7 > learned.before
        assert min(found(*movie, learned.model)) > 0.85

    def test_agreement_with_all_marks_is_told_beside_that_with_marks_kept_out(
        self, learned
    ):
        assert learned.shown > learned.quality
        scores = learned.model.card.scores["marks kept out"]
        assert scores["all"] == pytest.approx(learned.shown, abs=1e-3)

    @pytest.mark.slow  # learns once more, to compare
    def test_the_same_marks_make_the_same_model(
        self, movie, marks, start, learned, tmp_path
    ):
        seen = {"photometric": "minisblack", "metadata": {"axes": "TYX"}}
        tifffile.imwrite(tmp_path / "movie.tif", movie[0], **seen)
        np.save(tmp_path / "marks.npy", marks)
        files = (str(tmp_path / "movie.tif"), tmp_path / "marks.npy")
        again = learn(*files, model=start, iterations=0, name="mine")
        assert again.model.sha256 == learned.model.sha256

    def test_a_file_holds_all_of_it(self, movie, learned, tmp_path):
        path = tmp_path / "mine.safetensors"
        model = learned.model
        save_model(model.network, model.card, path, head=model.head)
        read = load_model(path)
        assert read.sha256 == model.sha256
        assert found(*movie, read) == found(*movie, model)

    def test_the_card_tells_what_was_shown_and_inherits_terms(self, learned):
        card = learned.model.card
        assert card.training_data.startswith("11 cells marked in")
        assert "begun from the model start (Nothing)" in card.training_data
        assert card.terms == "As of the model start: Free."
        assert card.settings["embed"]["diameter"] == pytest.approx(DIAMETER, abs=1.5)

    @pytest.mark.slow  # learns once more
    def test_what_is_good_already_stays_as_it_is(self, movie, marks, learned):
        again = learn(movie[0], marks, model=learned.model, iterations=0)
        assert again.way == "as it was"
        assert again.model.head is learned.model.head

    def test_a_few_cells_teach_without_any_background(self, movie, start):
        frames, labels = movie
        few = np.full(labels.shape, -1, np.int32)
        few[0][np.isin(labels[0], (1, 2, 4, 5, 6, 9))] = 0
        few[0] = np.where(few[0] == 0, labels[0], -1)
        model = learn(frames, few, model=start, iterations=0).model
        assert min(found(frames, labels, model)) > 0.7

    @pytest.mark.slow  # learns twice, to compare
    def test_the_network_learns_for_a_number_of_iterations(self, movie, marks, start):
        def steps():
            learner = Learner(movie[0], start)
            annotations = read_annotations(movie[0], marks)
            return list(learner.learn(annotations, iterations=3))

        seen = [step for step in steps() if step is not None]
        assert seen[0].iteration == 0
        assert [one.model.sha256 for one in seen] == [
            one.model.sha256 for one in steps() if one is not None
        ]

    @pytest.mark.slow  # heads learn before the network does
    def test_the_network_learns_on_the_device_that_was_chosen(
        self, movie, marks, start, monkeypatch
    ):
        """Told by what it asks for: there need not be another device."""
        asked = []

        class Recording(Trainer):
            def __init__(self, *given, device="nowhere", **options):
                asked.append(device)
                super().__init__(*given, **options)

        monkeypatch.setattr(_tune, "Trainer", Recording)
        annotations = read_annotations(movie[0], marks)
        learner = Learner(movie[0], start, device="cpu")
        steps = learner.learn(annotations, iterations=1)
        while not asked:
            next(steps)
        assert asked == ["cpu"]

    @pytest.mark.slow  # learns at two diameters
    @pytest.mark.parametrize(("usual", "learned"), [(17.0, 17.0), (60.0, DIAMETER)])
    def test_the_diameter_follows_marks_where_theirs_does_better(
        self, movie, marks, start, usual, learned
    ):
        learner = Learner(movie[0], start, diameter=usual)
        annotations = read_annotations(movie[0], marks)
        first = next(one for one in learner.learn(annotations, iterations=0) if one)
        told = first.model.card.settings["embed"]["diameter"]
        assert told == pytest.approx(learned, rel=0.1)

    @pytest.mark.slow  # learns twice at two diameters
    def test_a_frame_is_looked_at_once_for_each_diameter(
        self, movie, marks, start, monkeypatch
    ):
        looked, see = [], Observer.see

        def counted(self, frames, number):
            looked.append((self.settings.diameter, number))
            return see(self, frames, number)

        monkeypatch.setattr(Observer, "see", counted)
        learner = Learner(movie[0], start, diameter=60.0)
        annotations = read_annotations(movie[0], marks)
        for _ in range(2):
            assert list(learner.learn(annotations, iterations=0))
            assert len(looked) == len(set(looked))

    def test_what_was_looked_at_before_is_known_when_learning_begins(
        self, movie, marks, start, monkeypatch
    ):
        annotations = read_annotations(movie[0], marks)
        learner = Learner(movie[0], start, diameter=DIAMETER)
        steps = list(learner.look(annotations.frames))
        assert steps
        assert not any(steps)

        def fail(*_):
            raise AssertionError("looked again")

        monkeypatch.setattr(Observer, "see", fail)
        assert any(learner.learn(annotations, iterations=0))

    def test_the_diameter_does_not_follow_the_smallest_cells(self):
        """Who marks what is wrong marks the smallest ones; the model knows the rest."""
        made = simulate_movie(1, (128, 128), 12, kind="nuclei", diameter=24, seed=1)
        empty = np.argwhere(made.labels[0] == 0)[::1500][:3]
        marks = np.full_like(made.labels, -1)
        for number, (row, column) in enumerate(empty, start=1):
            marks[0, row : row + 5, column : column + 5] = number
        annotations = read_annotations(made.frames, marks)
        learner = Learner(made.frames, load_model("generalist"), diameter=24.0)
        first = next(one for one in learner.learn(annotations, iterations=0) if one)
        assert first.model.card.settings["embed"]["diameter"] == 24.0

    def test_a_model_of_embeddings_cannot_learn(self, movie, start):
        card = start.card.model_copy(update={"embedding": "cosine"})
        with pytest.raises(InputError, match="does not vote"):
            Learner(movie[0], replace(start, card=card))


@pytest.fixture(scope="module")
def misled(movie):
    """A frame of which each output is right but for one part of the marks."""
    frames, labels = movie
    parts = keep_out({0: labels[0]}, range(1, labels.max() + 1), 0)[0]
    right = np.maximum(pixel_classes(labels[0]), 0).astype(np.float32)
    wrong = 2 - right
    channels = [np.where(parts == part % 3, wrong, right) for part in range(12)]
    nothing = np.full_like(labels[0], -1)
    return Seen(frames[0], np.stack(channels, -1), labels[0], parts, nothing)


class Nobody:
    """A witness that has seen nothing, and expects everything."""

    looks = ()

    def expected(self, found):
        return 1.0


class TestHeads:
    def test_outputs_that_mislead_are_left_out(self, misled):
        head = returned(try_heads([misled], DIAMETER, 0, Nobody())).head
        assert head.forest.feature.max() < count_features(0)

    def test_outputs_that_help_are_used(self, misled):
        right = np.maximum(pixel_classes(misled.marked), 0).astype(np.float32)
        blurred = replace(
            misled,
            shown=np.zeros_like(misled.shown),
            outputs=np.repeat(right[..., None], 12, -1),
        )
        head = returned(try_heads([blurred], DIAMETER, 0, Nobody())).head
        assert head.forest.feature.max() >= count_features(0)

    def test_what_is_far_from_all_marks_changes_nothing(self, misled):
        """Half of a frame is marked; the other half holds anything."""
        qualities = []
        for seed in (1, 2):
            chance = np.random.default_rng(seed)
            shape = (96, 200)
            shown = chance.normal(size=shape).astype(np.float32)
            outputs = chance.normal(size=(*shape, 12)).astype(np.float32)
            marked = np.full(shape, -1, np.int32)
            part = np.zeros(shape, np.int8)
            here = np.s_[:, :96]
            shown[here], outputs[here] = misled.shown, misled.outputs
            marked[here], part[here] = misled.marked, misled.part
            shown[:, 96:160], outputs[:, 96:160] = 0, 0
            nothing = np.full(shape, -1, np.int32)
            seen = Seen(shown, outputs, marked, part, nothing)
            found = returned(try_heads([seen], DIAMETER, 0, Nobody()))
            qualities.append(found.marks)
        assert qualities[0] == qualities[1]


class TestAnnotations:
    def test_zero_alone_is_asked_about(self, movie):
        frames, labels = movie
        for kind in (np.int32, np.uint16):
            with pytest.raises(InputError, match="background or unknown"):
                read_annotations(frames, labels.astype(kind))

    def test_background_holds_for_frames_with_a_cell(self, movie):
        frames, labels = movie
        one = np.where(np.arange(3)[:, None, None] == 1, labels, 0)
        known = read_annotations(frames, one, "background").frames
        assert list(known) == [1]
        np.testing.assert_array_equal(known[1], labels[1])

    def test_unknown_leaves_cells_alone(self, movie):
        frames, labels = movie
        known = read_annotations(frames, labels, "unknown").frames
        assert list(known) == [0, 1, 2]
        assert not any((one == 0).any() for one in known.values())

    def test_what_does_not_fit_is_refused(self, movie):
        frames, labels = movie
        with pytest.raises(InputError, match="must be the same"):
            read_annotations(frames, labels[:2])
        with pytest.raises(InputError, match="whole numbers"):
            read_annotations(frames, labels / 2)
        with pytest.raises(InputError, match="2 cells are marked; mark 3"):
            read_annotations(frames[:1], np.where(labels > 2, -1, labels)[:1])

    def test_cells_need_different_numbers(self, movie):
        frames, labels = movie
        for value in (1, 255):
            mask = (value * (labels > 0)).astype(np.uint8)
            with pytest.raises(InputError, match=f"the marks have the number {value}"):
                read_annotations(frames, mask, "background")
        # One cell in every frame, with a stray pixel, has one number.
        alone = np.where(labels == 1, 1, -1)
        alone[:, 90, 5] = 1
        assert read_annotations(frames, alone).n_cells == 3

    def test_a_movie_holds_no_marks(self, movie):
        frames, _ = movie
        seen = (1000 * frames).astype(np.int32)
        with pytest.raises(InputError, match="holds no labels"):
            read_annotations(frames, seen, "unknown")


class TestJudging:
    TRUTH = np.array([[1, 1, 1, 0, 2, 2, 2, -1]], np.int32)

    def judge(self, found):
        return judge_cells(
            np.array([found], np.int32), self.TRUTH, np.ones(self.TRUTH.shape, bool)
        )

    def test_what_agrees_has_quality_one(self):
        assert self.judge([5, 5, 5, 0, 7, 7, 7, 0]).quality == 1

    def test_a_missed_cell_and_an_extra_one_count_half(self):
        found = self.judge([5, 5, 5, 6, 0, 0, 0, 0])
        assert (found.hits, found.missed, found.extra) == (1, 1, 1)
        assert found.quality == 0.5

    def test_nothing_is_extra_where_nothing_is_known(self):
        assert self.judge([5, 5, 5, 0, 7, 7, 7, 8]).extra == 0

    def test_half_an_overlap_is_none(self):
        merged = self.judge([5, 5, 5, 5, 5, 5, 5, 0])
        assert (merged.hits, merged.missed, merged.extra) == (0, 2, 1)


class TestWhatNobodyMarked:
    FOUND = np.array([[1, 1, 0, 2, 2, 2, 0, 3, 3]], np.int32)
    MARKED = np.array([[-1, -1, -1, 5, -1, -1, -1, -1, 0]], np.int32)

    def test_cells_that_touch_a_mark_are_not_counted(self):
        np.testing.assert_array_equal(
            without_marked(self.FOUND, self.MARKED),
            [[1, 1, 0, -1, -1, -1, 0, -1, -1]],
        )

    def test_a_model_is_believed_elsewhere_as_far_as_it_is_expected_to_do(self):
        """All ten marks are of cells that the model misses."""
        missed = Agreement(missed=10)
        sure, unsure = (
            Judged(missed, missed, 0.0, expected, Rules()) for expected in (0.9, 0.2)
        )
        found = Agreement(overlap=4.0, hits=5, missed=5)
        head = Judged(found, found, 0.7, 0.8, Rules(), learned=True)
        assert unsure.worth < head.worth
        assert sure.worth > head.worth - 0.1

    def test_a_head_that_both_witnesses_prefer_is_taken(self):
        from fastershift.training.learn._learner import _is_better

        def judged(hits, expected, learned=False):
            found = Agreement(overlap=0.85 * hits, hits=hits, missed=10 - hits)
            return Judged(found, found, 0.9, expected, Rules(), learned=learned)

        start = judged(7, 0.79)
        better = judged(9, 0.88, learned=True)
        assert better.worth < start.worth + 0.08, "the marks alone would not do"
        assert _is_better(better, start, 10)
        # Not where it is steadier alone, or does better on the marks alone.
        assert not _is_better(judged(7, 0.88, learned=True), start, 10)
        assert not _is_better(judged(9, 0.79, learned=True), start, 10)
        # Of a few marked cells one more tells little.
        assert not _is_better(better, start, 2)

    def test_a_head_that_falls_apart_elsewhere_is_worth_little(self):
        found = Agreement(overlap=9.0, hits=10)
        steady, torn = (
            Judged(found, found, 0.9, expected, Rules(), learned=True).worth
            for expected in (0.9, 0.1)
        )
        assert torn < 0.3 < 0.9 < steady


@pytest.fixture(scope="module")
def expected(movie, learned):
    def expect(frames, rules=None):
        model = learned.model
        looking = Witness.looking(frames, model, model.network, DIAMETER, device="cpu")
        return returned(returned(looking).expected_of(rules or Rules(), model.head))

    return expect


class TestWitness:
    """What a model finds in frames that nobody has marked."""

    def test_a_head_that_finds_the_cells_of_all_frames_is_trusted(
        self, movie, expected
    ):
        assert expected(movie[0]) > 0.7

    def test_a_head_that_finds_nothing_is_not(self, movie, expected):
        nothing = Rules(smallest_cell=10.0)
        assert expected(movie[0], nothing) < 0.1

    def test_frames_in_which_it_finds_nothing_count(self, movie, expected):
        dim = movie[0].copy()
        dim[1:] = np.random.default_rng(1).normal(0, 1e-3, dim[1:].shape)
        dim[1:, :2] = movie[0].max()  # what is bright is elsewhere
        assert expected(dim) < expected(movie[0]) - 0.2

    def test_other_frames_count(self, movie, expected):
        noise = np.random.default_rng(1).normal(0.5, 0.3, movie[0].shape)
        mixed = np.concatenate([movie[0][:1], noise[1:].astype(np.float32)])
        assert expected(mixed) < expected(movie[0]) - 0.1


class TestForest:
    def test_new_pixels_are_told_as_well_as_by_the_library(self):
        from sklearn.ensemble import RandomForestClassifier

        def draw(count):
            rows = chance.normal(size=(count, 9)).astype(np.float32)
            clear = np.where(rows[:, 0] > 1, 2, rows[:, 1] > rows[:, 2])
            doubtful = chance.random(count) < 0.1
            kinds = np.where(doubtful, chance.integers(3, size=count), clear)
            return rows, kinds.astype(np.int8)

        chance = np.random.default_rng(3)
        (rows, kinds), (new, truth) = draw(1500), draw(3000)
        ours = grow_forest(rows, kinds, trees=30, seed=1).tell(new)
        library = RandomForestClassifier(
            30, min_samples_leaf=3, class_weight="balanced_subsample", random_state=1
        ).fit(rows, kinds)
        np.testing.assert_allclose(ours.sum(axis=1), 1, atol=1e-5)
        right = np.mean(ours.argmax(axis=1) == truth)
        assert right > library.score(new, truth) - 0.02 > 0.7

    def test_equal_features_make_a_leaf(self):
        kinds = np.array([0, 1, 1, 2] * 5, np.int8)
        same = np.ones((20, 4), np.float32)
        told = grow_forest(same, kinds, trees=20, seed=0).tell(same[:1])[0]
        # All classes weigh the same, however many pixels they have.
        np.testing.assert_allclose(told, 1 / 3, atol=0.01)

    def test_a_forest_that_leads_astray_is_refused(self, learned):
        head = learned.model.head
        outputs = 12
        for name, value in {
            "below": 10**6,
            "above": 0,
            "feature": 99,
        }.items():
            tensors = {key: one.clone() for key, one in head.tensors.items()}
            tensors[name][0] = value
            with pytest.raises(ValueError, match="forest"):
                Head.of(tensors, outputs)
        assert Head.of(head.tensors, outputs).level == pytest.approx(head.level)

    def test_a_cell_has_a_rim_that_the_frame_does_not_cut(self):
        marked = np.full((9, 9), -1, np.int32)
        marked[:7, 1:8] = 1
        classes = pixel_classes(marked)
        assert classes[0, 4] == PixelClass.INSIDE
        assert classes[6, 4] == classes[0, 1] == PixelClass.OUTLINE
        assert classes[7, 4] == PixelClass.BACKGROUND
        assert classes[8, 8] == -1


@pytest.mark.slow  # a whole command, with a network
def test_the_command_writes_a_model(movie, marks, start, tmp_path):
    import tifffile

    model = tmp_path / "start.safetensors"
    save_model(start.network, start.card, model)
    tifffile.imwrite(tmp_path / "movie.tif", movie[0], metadata={"axes": "TYX"})
    tifffile.imwrite(tmp_path / "marks.tif", marks, metadata={"axes": "TYX"})
    output = tmp_path / "mine.safetensors"
    arguments = ["learn", str(tmp_path / "movie.tif"), str(tmp_path / "marks.tif")]
    arguments += ["-o", str(output), "--model", str(model), "--iterations", "0"]
    ran = CliRunner().invoke(app, [*arguments, "--author", "A. Person"])
    assert ran.exit_code == 0, ran.output
    assert "Model learned from 11 cells" in ran.output
    assert load_model(output).card.authors == ("A. Person",)
    again = CliRunner().invoke(app, arguments)
    assert again.exit_code != 0
    assert "exists already" in again.output
