"""A graphics card finds what the CPU finds."""

import numpy as np
import pytest
import torch

from fastershift import FasterMeanShift
from fastershift.labels import match_cells
from fastershift.meanshift import ClusterOptions, cluster
from fastershift.pipeline import plan_run, segment_movie
from fastershift.session import Session, SessionInput
from fastershift.simulate import simulate_movie
from fastershift.training import learn

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]


@pytest.fixture(scope="module")
def simulated():
    return simulate_movie(4, (256, 256), 30, diameter=24, seed=3)


def points(n):
    generator = torch.Generator().manual_seed(0)
    centers = torch.randn(12, 16, generator=generator)
    number = torch.randint(12, (n,), generator=generator)
    return centers[number] + 0.2 * torch.randn(n, 16, generator=generator)


def test_clusters_are_those_of_the_cpu():
    X = points(20_000)
    here = FasterMeanShift(device="cpu", random_state=0).fit(X)
    there = FasterMeanShift(random_state=0).fit(X.cuda())
    assert there.labels_.is_cuda
    assert (there.labels_.cpu() == here.labels_).float().mean() > 0.999


def test_seeds_are_drawn_as_on_the_cpu():
    X, options = points(5_000), ClusterOptions(n_initial=64)
    here, there = (
        cluster(one, options, generator=torch.Generator().manual_seed(0))
        for one in (X, X.cuda())
    )
    assert (here.seeds[:64] == there.seeds[:64].cpu()).all()


@pytest.mark.parametrize("model", ["generalist", "nuclei", "cosine"])
@pytest.mark.parametrize("precision", ["float32", "auto"])
def test_a_run_finds_the_cells_that_the_cpu_finds(simulated, model, precision):
    asked = {"embed": {"model": model, "diameter": 24.0, "precision": precision}}
    here = segment_movie(simulated.frames, asked, device="cpu")
    there = segment_movie(simulated.frames, asked, device="cuda")
    for one, other in zip(here.labels, there.labels, strict=True):
        assert match_cells(one, other).f1_close > 0.97
    assert len(here.lineage.rows()) == pytest.approx(
        len(there.lineage.rows()), rel=0.05
    )


def test_the_choice_is_that_of_the_cpu(simulated):
    here, there = (
        plan_run(simulated.frames, device=device).settings.embed
        for device in ("cpu", "cuda")
    )
    assert here.model == there.model
    assert here.diameter == pytest.approx(there.diameter, rel=0.03)


def test_a_preview_is_that_of_the_cpu(simulated):
    asked = {"embed": {"model": "generalist", "diameter": 24.0}}
    labels = []
    for device in ("cpu", "cuda"):
        session = Session()
        session.open(SessionInput(simulated.frames))
        *_, preview = session.preview(2, asked, device=device)
        labels.append(preview.cells)
    assert match_cells(*labels).f1_close > 0.97


def test_what_is_learned_on_it_finds_cells(simulated):
    marks = np.where(simulated.labels > 0, simulated.labels, 0).astype(np.int32)
    marks[2:] = -1
    learned = learn(
        simulated.frames, marks, model="generalist", iterations=5, device="cuda"
    )
    found = segment_movie(simulated.frames, model=learned.model, device="cuda")
    assert match_cells(simulated.labels[3], found.labels[3]).f1 > 0.8
