"""Which stills and movies the suites of kinds score, and how a kind is summed up."""

from types import SimpleNamespace

import numpy as np
import pytest
import tifffile

from fastershift.benchmark import BenchmarkOptions
from fastershift.benchmark._links_score import LinkScores
from fastershift.benchmark._masks import MaskMovie
from fastershift.benchmark.linkers import LINKERS, Linked
from fastershift.benchmark.suites import _kinds, _learning, _linking
from fastershift.benchmark.suites._kinds import (
    KEPT_OUT_STILLS,
    SIMULATED,
    Sample,
    kept_out_stills,
    read_still,
    samples_by_kind,
)
from fastershift.benchmark.suites._linking import _OURS, _VOTES, _cases, _linkers, _row

CPU = BenchmarkOptions(device="cpu")


@pytest.fixture
def stills(tmp_path):
    """Twelve stills of each source; still n is n bright."""
    for name in KEPT_OUT_STILLS:
        for folder in ("images", "masks"):
            (tmp_path / name / folder).mkdir(parents=True)
            for number in range(12):
                content = np.full((12, 14), number, np.uint8)
                path = tmp_path / name / folder / f"{number:03}.tif"
                tifffile.imwrite(path, content)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "numbers"),
    [
        ("dsb2018-fluo", [9]),
        ("usiigaci-phase", [5, 11]),
        ("omnipose-bacteria-phase", [3]),
        ("trpl-bacteria-phase", [5, 11]),
    ],
)
def test_stills_are_kept_out_by_their_number(stills, name, numbers):
    found = dict(kept_out_stills(BenchmarkOptions(data=stills)))
    assert [int(path.stem) for path in found[name]] == numbers
    # Of a source without any that was kept out nothing is told.
    assert "baby-yeast-bf" not in found


def test_without_data_there_are_no_stills():
    assert not list(kept_out_stills(CPU))


def test_a_still_is_a_movie_of_one_frame_with_its_mask(stills):
    (path,) = dict(kept_out_stills(BenchmarkOptions(data=stills)))["dsb2018-fluo"]
    frames, labels = read_still(path)
    assert frames.shape == labels.shape == (1, 12, 14)
    assert labels.dtype == np.int32
    assert (labels == 9).all()


def test_the_diameter_of_a_sample_is_that_of_its_median_cell():
    labels = np.zeros((2, 20, 20), np.int32)
    labels[0, :3, :3], labels[0, 10:15, 10:15], labels[1, :4, :4] = 1, 2, 1
    sample = Sample(labels, labels)
    assert sample.diameter == pytest.approx(np.sqrt(4 / np.pi * 16))


def test_every_simulated_kind_has_seeds_of_its_own(monkeypatch):
    made = []

    def simulated(n_frames, shape, n_cells, *, diameter, kind, seed):
        made.append((kind, seed))
        labels = np.ones((n_frames, 8, 8), np.int32)
        return SimpleNamespace(frames=labels, labels=labels)

    monkeypatch.setattr(_kinds, "simulate_movie", simulated)
    whole = dict(samples_by_kind(CPU))
    assert list(whole) == [f"simulated {kind}" for kind, *_ in SIMULATED]
    assert len(made) == len({seed for _, seed in made})
    assert all(len(samples) == _kinds._MOVIES for samples in whole.values())
    made.clear()
    list(samples_by_kind(BenchmarkOptions(quick=True, seed=7)))
    assert len(made) == len(SIMULATED)
    assert all(seed % 100 == 7 for _, seed in made)


def played(labels, f1=0.8):
    """A segmentation that finds these labels."""
    embed = SimpleNamespace(model="generalist", diameter=12.4)
    return SimpleNamespace(
        labels=labels,
        lineage=SimpleNamespace(rows=lambda: None),
        settings=SimpleNamespace(embed=embed),
        provenance={"quality": {"f1": f1}},
    )


class TestScores:
    labels = np.zeros((1, 12, 30), np.int32)
    labels[0, 2:8, 2:8], labels[0, 2:8, 20:26] = 1, 2

    def scored(self, monkeypatch, how, *samples):
        told = []

        def segment(frames, settings, *, device):
            told.append(settings)
            return played(np.where(frames > 0, frames, 0).astype(np.int32))

        monkeypatch.setattr(_kinds, "segment_movie", segment)
        return _kinds._scored(list(samples), how, "cpu"), told

    def test_matches_of_all_samples_count_together(self, monkeypatch):
        half = np.where(self.labels == 1, 1, 0)
        score, told = self.scored(
            monkeypatch,
            "auto",
            Sample(self.labels, self.labels),
            Sample(half, self.labels),
        )
        assert (score.matches.hits, score.matches.truth) == (3, 4)
        assert score.expected == pytest.approx(0.8)
        assert score.chosen == "generalist, 12 px"
        assert score.tra is None  # stills have no tracks
        assert told == [{}, {}]

    def test_the_true_diameter_is_told_where_it_is_asked_for(self, monkeypatch):
        sample = Sample(self.labels, self.labels)
        _, told = self.scored(monkeypatch, "true", sample)
        assert told == [{"embed": {"diameter": pytest.approx(sample.diameter)}}]

    def test_nothing_is_expected_of_the_baseline(self, monkeypatch):
        bright = (100 * (self.labels > 0)).astype(np.uint8)
        score, told = self.scored(monkeypatch, "baseline", Sample(bright, self.labels))
        assert score.expected is None
        assert not told
        assert score.matches.f1 == 1
        assert score.chosen == "7 px"

    def test_movies_have_a_tra_and_those_without_a_cell_are_left_out(self, monkeypatch):
        two = np.concatenate([self.labels, self.labels])
        empty = Sample(0 * two, 0 * two)
        score, _ = self.scored(monkeypatch, "auto", Sample(two, two), empty)
        assert score.tra == 1
        assert score.matches.truth == 4
        assert score.seconds >= 0


class TestLinking:
    labels = np.zeros((20, 12, 30), np.int32)
    labels[:, 2:8, 2:8], labels[:, 2:8, 20:26] = 1, 2
    movie = MaskMovie("two", labels, labels, ((1, 0, 19, 0), (2, 0, 19, 0)), labels)

    def test_frames_are_left_out_and_masks_spoiled(self):
        cases = {case.name: case.movie for case in _cases(self.movie, quick=False)}
        assert list(cases) == [
            *("all frames", "every 2nd frame", "every 4th frame"),
            *("5 % missing", "5 % merged", "5 % split"),
        ]
        lengths = [len(movie.masks) for movie in cases.values()]
        assert lengths == [20, 10, 5, 20, 20, 20]
        quick = [len(case.movie.masks) for case in _cases(self.movie, quick=True)]
        assert quick == [12, 10, 5, 12, 12, 12]

    @pytest.mark.parametrize(
        ("options", "votes"),
        [
            (CPU, False),
            (BenchmarkOptions(quick=True), False),
            (BenchmarkOptions(data="somewhere"), True),
            (BenchmarkOptions(quick=True, data="somewhere"), False),
        ],
    )
    def test_the_network_is_asked_of_real_movies_alone(self, options, votes):
        linkers, left_out = _linkers(options)
        assert _OURS in linkers
        assert (_VOTES in linkers) == votes
        # Every program is run, or named with the reason why not.
        assert len(linkers) - 2 - votes + len(left_out) == len(LINKERS)
        assert all(left_out.values())

    def test_a_row_has_seconds_of_a_frame(self):
        scores = LinkScores(0.98765, 12.25, None)
        row = _row("movie", "case", "ours", scores, Linked(self.labels, [], 4.0))
        assert row == ("movie", "case", "ours", 0.9877, 12.2, None, 0.2)
        untimed = _row("movie", "case", "ours", scores, Linked(self.labels, [], None))
        assert untimed[-1] is None

    def test_masks_are_linked_without_frames_or_with_them(self, monkeypatch):
        asked = []

        def segment(frames, settings, *, labels, model, device):
            asked.append((frames, settings["track"]["mend_masks"]))
            lineage = SimpleNamespace(rows=lambda: [(1, 0, 19, 0)])
            return SimpleNamespace(labels=labels, lineage=lineage)

        monkeypatch.setattr(_linking, "segment_movie", segment)
        linkers, _ = _linkers(CPU)
        for name in (_OURS, _linking._AS_GIVEN):
            linked = linkers[name](self.movie)
            assert linked.seconds >= 0
            assert linked.tracks == [(1, 0, 19, 0)]
        assert asked == [(None, True), (None, False)]
        # The time of the network is not that of the linker.
        assert _linking._ours(self.movie, [self.labels[0]], "cpu").seconds is None


def test_marks_are_learned_from_and_other_images_judged(monkeypatch):
    """Whole frames are learned from as they are; ten cells are marked in them."""
    labels = np.kron(np.arange(1, 26).reshape(5, 5), np.ones((8, 8))).astype(np.int32)
    labels[::8] = labels[:, ::8] = 0
    kind = _learning.LearnedKind("squares", labels, labels, [(labels, labels)])
    seen = {}

    def learned(kind, marks, model, options, diameter, minutes):
        assert diameter == 7.0
        seen[minutes] = marks
        return 1.5, SimpleNamespace(way="head", model="learned")

    monkeypatch.setattr(_learning, "_usual_diameter", lambda *_: 7.0)
    monkeypatch.setattr(_learning, "_learned", learned)
    monkeypatch.setattr(
        _learning,
        "_found_by",
        lambda kind, options, model, diameter=None: (
            [labels if model == "learned" else np.where(labels > 20, labels, 0)] * 2
        ),
    )
    monkeypatch.setattr(_learning, "_pixel_classifier", lambda *_: [0 * labels])
    outcomes = _learning.learn_kind(kind, "start", CPU)
    assert [one.marked for one in outcomes] == ["ten cells", "one frame"]
    for one in outcomes:
        assert (one.learned, one.classifier, one.seconds) == (1, 0, 1.5)
        assert one.before == pytest.approx(2 * 5 / (25 + 5))
    np.testing.assert_array_equal(seen[5.0], labels)
    marked = np.unique(seen[2.0][seen[2.0] > 0])
    # Those that the start missed come first.
    assert len(marked) == 10
    assert marked.max() <= 20
