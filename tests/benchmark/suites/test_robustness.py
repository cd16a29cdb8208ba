"""Robustness: what the changes do, and what the suite tells."""

import numpy as np
import pytest

from fastershift.benchmark import BenchmarkOptions, run_suite
from fastershift.benchmark.suites import _kinds, _robustness
from fastershift.benchmark.suites._changes import CHANGES, Scene
from fastershift.simulate import simulate_movie


@pytest.fixture(scope="module")
def scene():
    made = simulate_movie(3, (96, 120), 8, kind="clumps", diameter=20, seed=3)
    frames = made.frames.astype(np.float32)
    return Scene(frames / frames.max(), made.labels, 20.0)


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_leaves_a_movie_with_its_cells(scene, name):
    before = [part.copy() for part in scene[:2]]
    changed = CHANGES[name](scene, np.random.default_rng(0))
    assert changed.frames.dtype == np.float32
    assert np.isfinite(changed.frames).all()
    assert changed.labels.dtype == np.int32
    assert changed.frames.shape == changed.labels.shape
    assert set(np.unique(changed.labels)) <= set(np.unique(scene.labels))
    assert all(map(np.array_equal, before, scene[:2]))
    same = changed.frames.shape == scene.frames.shape
    assert not (same and np.array_equal(changed.frames, scene.frames))


def test_the_diameter_follows_the_scale(scene):
    halved = CHANGES["scale 0.5"](scene, np.random.default_rng(0))
    assert halved.labels.shape == (3, 48, 60)
    assert halved.diameter == 10
    area = np.count_nonzero(halved.labels) / np.count_nonzero(scene.labels)
    assert area == pytest.approx(0.25, rel=0.1)


def test_noise_and_dirt_are_as_strong_as_their_names_say(scene):
    noisy = CHANGES["noise 0.15"](scene, np.random.default_rng(0))
    assert (noisy.frames - scene.frames).std() == pytest.approx(0.15, rel=0.05)
    grainy = CHANGES["grainy noise 0.15"](scene, np.random.default_rng(0))
    assert (grainy.frames - scene.frames).std() == pytest.approx(0.15, rel=0.05)
    dirty = CHANGES["bright dirt"](scene, np.random.default_rng(0))
    assert dirty.frames.max() == 3


def test_a_bad_frame_shows_no_cell(scene):
    first = CHANGES["black frame first"](scene, np.random.default_rng(0))
    assert len(first.frames) == 4
    assert not first.frames[0].any()
    assert not first.labels[0].any()
    last = CHANGES["noise frame last"](scene, np.random.default_rng(0))
    assert not last.labels[-1].any()
    assert last.frames[-1].std() == pytest.approx(1, rel=0.05)


def test_the_suite_tells_what_is_kept(monkeypatch):
    """Half of the cells are lost where the contrast changes, none elsewhere."""

    class Found:
        def __init__(self, labels):
            self.labels = labels

    labels = np.zeros((1, 8, 20), np.int32)
    labels[0, 2:6, 2:6], labels[0, 2:6, 12:16] = 1, 2
    sample = _kinds.Sample((labels > 0).astype(np.float32), labels)
    monkeypatch.setattr(_robustness, "samples_by_kind", lambda _: [("two", [sample])])
    changes = {
        "dim": lambda scene, _: scene._replace(frames=scene.frames / 2),
        "none": lambda scene, _: scene,
    }
    monkeypatch.setattr(_robustness, "CHANGES", changes)

    def segment(frames, *, device):
        assert device == "cpu"
        return Found(np.where(labels > (frames.max() < 0.9), labels, 0))

    monkeypatch.setattr(_robustness, "segment_movie", segment)
    result = run_suite("robustness", BenchmarkOptions(device="cpu"))
    assert result.summary["changes"] == {"dim": pytest.approx(2 / 3, 1e-3), "none": 1}
    assert result.summary["least_kept_share"] == pytest.approx(2 / 3, 1e-3)
    assert result.summary["kept_share"] == pytest.approx(5 / 6, 1e-3)
    rows = {row[0]: row[3] for row in result.tables[0].rows}
    assert rows == {"dim": "two", "none": "two"}
