"""What a user would take instead: the textbook method, and who is on the front."""

from types import SimpleNamespace

from fastershift.benchmark import BenchmarkOptions, run_suite
from fastershift.benchmark._runs import TrueMovie
from fastershift.benchmark.suites import _rivals
from fastershift.evaluation import Scores, score_arrays
from fastershift.simulate import simulate_movie


def test_nothing_both_faster_and_as_good_is_on_the_front():
    ours = {"fastershift": (1.0, 0.8)}
    assert _rivals._on_front(ours | {"faster, worse": (0.1, 0.7)})
    assert _rivals._on_front(ours | {"slower, better": (2.0, 0.9)})
    assert not _rivals._on_front(ours | {"faster, as good": (0.5, 0.8)})
    assert _rivals._on_front({"fastershift": (1.0, None)}) is None


def test_all_methods_are_scored_on_the_same_frames(monkeypatch):
    made = simulate_movie(3, (96, 96), 6, diameter=20, seed=2)
    movie = TrueMovie("simulated nuclei", made.frames, made.labels)
    perfect = SimpleNamespace(
        result=SimpleNamespace(
            labels=made.labels,
            settings=SimpleNamespace(embed=SimpleNamespace(diameter=20.0)),
        ),
        seconds=3.0,
        scores=score_arrays(
            made.labels,
            made.tracks,
            made.labels,
            seg_frames=dict(enumerate(made.labels)),
        ),
    )
    monkeypatch.setattr(_rivals, "movies_at_hand", lambda *_: [movie])
    monkeypatch.setattr(_rivals, "warm_up", lambda _: None)
    monkeypatch.setattr(_rivals, "timed_run", lambda *_: perfect)
    result = run_suite("rivals", BenchmarkOptions(quick=True, device="cpu"))
    assert result.summary["fastershift"] == {"seconds_per_frame": 1.0, "score": 1.0}
    other = result.summary["Otsu + watershed, nearest overlap"]
    assert 0.3 < other["score"] < 1
    assert other["seconds_per_frame"] > 0
    assert result.summary["on_front"]
    assert isinstance(perfect.scores, Scores)
    assert all(len(row) == 5 for row in result.tables[0].rows)
