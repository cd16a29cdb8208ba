"""Figures of whole runs: seconds of the stages, means over frames, scores."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import tifffile

from fastershift.benchmark import BenchmarkOptions, _runs, _sweep
from fastershift.benchmark._runs import STAGES, TimedRun, TrueMovie
from fastershift.evaluation import Scores
from fastershift.io import SavedResult
from fastershift.pipeline import FrameReport, plan_run
from fastershift.rshn import PUBLISHED_MODEL, FirstLook, list_models
from fastershift.rshn._first_look import KINDS
from fastershift.simulate import simulate_movie
from helpers.movies import TWO_CELLS_TOUCH_THEN_ONE_LEAVES as TOUCH


def report(frame, **figures):
    """A report of a frame of which only some figures are told."""
    names = FrameReport.__dataclass_fields__
    nothing = dict.fromkeys(names, 0) | {"stopped_by": "enough", "frame": frame}
    return FrameReport(**(nothing | figures))


def a_run(*reports, seconds=10.0, scores=None):
    result = SimpleNamespace(reports=list(reports))
    return TimedRun(result, scores, (32, 48), seconds)


FRAMES = (
    report(0, network_ms=100.0, clustering_ms=400.0, linking_ms=10.0),
    report(1, network_ms=300.0, clustering_ms=400.0, linking_ms=30.0),
    report(2, network_ms=200.0, clustering_ms=600.0, linking_ms=20.0),
    report(3, network_ms=400.0, clustering_ms=800.0, linking_ms=40.0),
)


def test_stages_are_means_over_the_frames_and_the_first_pair_is_clustered_once():
    stages = a_run(*FRAMES).stages()
    assert tuple(stages) == STAGES
    assert stages["network"] == pytest.approx(0.25)
    assert stages["clustering"] == pytest.approx((0.4 + 0.6 + 0.8) / 4)
    assert stages["linking"] == pytest.approx(0.025)


def test_what_belongs_to_no_frame_is_spread_evenly():
    stages = a_run(*FRAMES).stages()
    known = 1.0 + 1.8 + 0.1
    assert stages["rest"] == pytest.approx((10 - known) / 4)
    assert sum(stages.values()) * 4 == pytest.approx(10)
    # Clocks differ a little; nothing takes less than no time.
    assert a_run(*FRAMES, seconds=2.0).stages()["rest"] == 0


def test_later_frames_can_be_looked_at_alone():
    stages = a_run(*FRAMES).stages(2)
    assert stages["network"] == pytest.approx(0.3)
    assert stages["clustering"] == pytest.approx(0.7)
    assert stages["rest"] == a_run(*FRAMES).stages()["rest"]


def test_a_single_frame_counts_with_its_clustering():
    assert a_run(FRAMES[0]).stages()["clustering"] == pytest.approx(0.4)


def test_tra_is_that_of_the_scores_where_there_is_a_truth():
    assert a_run(*FRAMES).tra is None
    assert a_run(*FRAMES, scores=Scores(0.5, 0.6, 0.7)).tra == 0.7


def saved(labels):
    tracks = []
    for number in np.unique(labels[labels > 0]).tolist():
        seen = np.flatnonzero((labels == number).any(axis=(1, 2)))
        tracks.append((number, int(seen[0]), int(seen[-1]), 0))
    return SavedResult(labels, tracks)


def test_a_result_is_scored_by_labels_that_are_given(tmp_path):
    labels = TOUCH.labels.astype(np.int32)
    movie = TrueMovie("drawn", labels, labels)
    scores = movie.scores(tmp_path, saved(labels))
    assert (scores.seg, scores.det, scores.tra) == (1, 1, 1)
    less = np.where(labels == 1, 0, labels).astype(np.int32)
    assert movie.scores(tmp_path, saved(less)).det < 1
    assert TrueMovie("drawn", labels, None).scores(tmp_path, saved(labels)) is None


def test_the_last_frames_of_each_real_movie_are_taken(tmp_path):
    for name in ("A", "B"):
        for folder in ("01", "01_GT/TRA"):
            (tmp_path / name / folder).mkdir(parents=True)
        for t in range(5):
            frame = np.full((20, 24), 10 * t, np.uint16)
            tifffile.imwrite(tmp_path / name / f"01/t{t:03}.tif", frame)
    movies = list(_runs.movies_at_hand(BenchmarkOptions(data=tmp_path), 2))
    assert [movie.name for movie in movies] == ["A", "B"]
    for movie in movies:
        assert [int(movie.frames[t][0, 0]) for t in range(len(movie.frames))] == [
            30,
            40,
        ]
        truth, part = movie.truth
        assert truth.name == "01_GT"
        assert part == (3, 5)
    # A movie may be shorter than what was asked for.
    (first, *_) = _runs.movies_at_hand(BenchmarkOptions(data=tmp_path), 50)
    assert first.truth[1] == (0, 5)


def test_a_movie_tells_what_a_run_of_it_chooses(monkeypatch):
    embed = SimpleNamespace(model="nuclei", diameter=23.0)
    plan = SimpleNamespace(settings=SimpleNamespace(embed=embed))
    monkeypatch.setattr(_runs, "plan_run", lambda frames, **_: plan)
    movie = TrueMovie("drawn", TOUCH.labels, None)
    assert movie.decided("cpu") == {"model": "nuclei", "diameter": 23.0}


def test_no_model_is_chosen_to_be_clustered_that_votes(monkeypatch):
    monkeypatch.setattr(_runs, "plan_run", lambda frames, device, choose: choose)
    choose = _runs.clustering_plan(TOUCH.labels, "cpu")
    looks = [FirstLook(20.0, kind, sure) for kind in KINDS for sure in (0.1, 1.0)]
    chosen = [choose(look) for look in (None, *looks)]
    assert set(chosen) == {PUBLISHED_MODEL, *KINDS}
    embeddings = {card.name: card.embedding for card in list_models()}
    assert {embeddings[name] for name in chosen} == {"cosine"}


def test_what_is_decided_of_a_movie_fits_the_published_profile():
    """In three cells alone, auto takes the generalist."""
    frames = simulate_movie(1, (64, 64), 3, diameter=24, seed=1).frames
    embed = TrueMovie("simulated", frames, None).decided("cpu")
    plan = plan_run(frames, {"profile": "published", "embed": embed}, device="cpu")
    assert plan.settings.embed.model == embed["model"]


class TestSweep:
    def test_figures_are_means_of_the_run_of_each_variant(self, monkeypatch):
        variants = [{"n_initial": 8}, {"n_initial": 64}]
        ran = []

        def run(plan):
            n = plan.settings.cluster.n_initial
            ran.append(n)
            seeds = [
                replace(one, seeds=n, clusters=3 + i) for i, one in enumerate(FRAMES)
            ]
            return SimpleNamespace(reports=seeds, labels=None, lineage=None)

        monkeypatch.setattr(_sweep, "_run", run)
        monkeypatch.setattr(_sweep, "_tra", lambda movie, result: 0.9)
        movie = TrueMovie("drawn", np.zeros((2, 64, 64), np.uint16), None)
        planned = _planned()
        monkeypatch.setattr(_sweep, "clustering_plan", lambda frames, device: planned)
        found = _sweep.sweep(movie, variants, "cpu")
        # Once to fill the cache, then once for each.
        assert ran == [planned.settings.cluster.n_initial, 8, 64]
        assert [one.seeds for one in found] == [8, 64]
        assert {one.model for one in found} == {planned.settings.embed.model}
        assert [one.clusters for one in found] == [4.5, 4.5]
        assert found[0].network == pytest.approx(0.25)
        assert found[0].clustering == pytest.approx(0.55)
        assert found[0].frame == pytest.approx(0.25 + 0.55 + 0.025)
        assert found[0].tra == 0.9

    def test_without_a_truth_there_is_no_tra(self):
        lineage = SimpleNamespace(rows=list)
        result = SimpleNamespace(labels=TOUCH.labels, lineage=lineage)
        assert _sweep._tra(TrueMovie("drawn", TOUCH.labels, None), result) is None

    def test_tra_is_against_the_labels_that_are_given(self):
        labels = TOUCH.labels.astype(np.int32)
        result = SimpleNamespace(labels=labels, lineage=TOUCH.lineage)
        assert _sweep._tra(TrueMovie("drawn", labels, labels), result) == 1


def _planned():
    """Settings as a plan holds them, in a dataclass that can be copied."""
    from fastershift.config import resolve_settings
    from fastershift.pipeline import Plan

    plan = object.__new__(Plan)
    for name in Plan.__dataclass_fields__:
        object.__setattr__(plan, name, None)
    object.__setattr__(plan, "settings", resolve_settings())
    return plan
