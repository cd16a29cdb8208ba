"""Every way to run a movie chooses the same model by the same first look."""

import csv

import numpy as np
import pytest
import tifffile
from typer.testing import CliRunner

pytest.importorskip("distributed")
pytest.importorskip("zarr")

from fastershift.batch import (
    BatchTask,
    MovieEnded,
    MovieTask,
    connect,
    run_large,
    run_many,
)
from fastershift.batch._model_file import pack_models
from fastershift.batch._movie import prepare_movie
from fastershift.cli import app
from fastershift.errors import InputError
from fastershift.io import as_movie, read_result
from fastershift.pipeline import _choice, plan_run
from fastershift.rshn import _registry, first_look
from fastershift.simulate import simulate_movie

#: The model that each kind of image should get; none is made for nuclei.
EXPECTED = {"nuclei": "generalist", "dic": "dic"}


@pytest.fixture(scope="module")
def movies(tmp_path_factory):
    folder = tmp_path_factory.mktemp("movies")
    for kind in EXPECTED:
        movie = simulate_movie(2, (96, 96), 4, diameter=24, seed=1, kind=kind)
        tifffile.imwrite(
            folder / f"{kind}.tif", movie.frames, metadata={"axes": "TYX"}, ome=True
        )
    return folder


@pytest.fixture(scope="module")
def looks():
    """Looks that were taken, by the frames that were looked at."""
    return {}


@pytest.fixture(autouse=True)
def each_movie_is_looked_at_once(looks, monkeypatch):
    """A look takes longer than a run of a tiny network."""

    def remembered(frames):
        frames = list(frames)
        key = b"".join(np.asarray(frame).tobytes() for frame in frames)
        if key not in looks:
            looks[key] = first_look(frames)
        return looks[key]

    monkeypatch.setattr(_choice, "first_look", remembered)


@pytest.fixture
def installed(tiny_model, tmp_path, monkeypatch):
    """Models whose weights differ a little, under the names of real ones."""
    known = {}
    for change, name in enumerate(("dic", "generalist", "mine")):
        content = bytearray(tiny_model.read_bytes())
        content[-4] ^= change
        known[name] = tmp_path / "models" / f"{name}.safetensors"
        known[name].parent.mkdir(exist_ok=True)
        known[name].write_bytes(content)
    monkeypatch.setattr(_registry, "_known", lambda: known)
    return known


def invoke(*words):
    done = CliRunner().invoke(app, list(map(str, words)))
    assert done.exit_code == 0, done.output
    return done.output


@pytest.mark.slow  # two movies in three ways, one of them by workers
def test_the_same_in_memory_on_disk_and_in_a_batch(movies, installed, tmp_path):
    fast = ("--block", 2, "--warmup", 1)
    invoke("batch", movies, "-o", tmp_path / "batch", *fast)
    with (tmp_path / "batch" / "summary.csv").open(newline="") as file:
        rows = {row["movie"]: row for row in csv.DictReader(file)}
    page = (tmp_path / "batch" / "summary.html").read_text(encoding="utf-8")
    for kind, model in EXPECTED.items():
        movie, memory, disk = movies / f"{kind}.tif", tmp_path / kind, tmp_path / "disk"
        assert f"Model {model}," in invoke("run", movie, "-o", memory, *fast)
        options = ("--format", "zarr", "--overwrite", *fast)
        assert f"Model {model}," in invoke("run", movie, "-o", disk, *options)
        assert rows[kind]["model"] == model
        assert f"<td>{model}</td>" in page
        labels, tracks = read_result(memory)
        for other in (tmp_path / "disk.zarr", tmp_path / "batch" / kind):
            found, lineage = read_result(other)
            assert np.array_equal(found, labels)
            assert lineage == tracks


def movie_of(kind, movies):
    return as_movie(tifffile.imread(movies / f"{kind}.tif"))


@pytest.mark.parametrize("kind", EXPECTED)
def test_a_worker_chooses_among_what_was_sent(
    kind, movies, installed, tmp_path, monkeypatch
):
    task = MovieTask(movie_of(kind, movies), tmp_path / "out")
    planned = plan_run(task.open())
    sent = task.models()
    assert set(sent) == {"generalist", "dic"}
    monkeypatch.setattr(_registry, "_known", dict)
    prepared = prepare_movie(task, sent)
    assert prepared.settings == planned.settings
    assert prepared.settings.embed.model == EXPECTED[kind]
    assert prepared.model == planned.provenance["model_sha256"]
    assert prepared.model == sent[EXPECTED[kind]].sha256


def test_a_run_that_would_choose_otherwise_is_not_taken_up(movies, installed, tmp_path):
    task = MovieTask(movie_of("dic", movies), tmp_path / "out")
    events = run_large(task)
    next(events)
    events.close()
    del installed["dic"]
    with pytest.raises(InputError, match="another model"):
        next(run_large(task))


def test_a_damaged_model_concerns_only_movies_that_choose_it(
    movies, installed, tmp_path
):
    sound = installed["dic"].read_bytes()
    installed["dic"].write_bytes(b"cut off")
    settings = {"embed": {"block": 2, "warmup": 1}}

    def run(**options):
        task = BatchTask([movies], tmp_path / "batch", settings=settings, **options)
        ended = [one for one in run_many(task, client) if isinstance(one, MovieEnded)]
        return {one.outcome.movie: one.outcome for one in ended}

    with connect() as client:
        first = run()
        assert (first["nuclei"].status, first["nuclei"].model) == ("done", "generalist")
        assert first["dic"].status == "failed"
        assert first["dic"].sentence.startswith(f"{installed['dic']} is damaged")
        with pytest.raises(InputError, match="is damaged"):
            pack_models("dic")
        # Repaired, it is taken for the movie that failed.
        installed["dic"].write_bytes(sound)
        again = run(retry_failed=True)
        assert (again["dic"].status, again["dic"].model) == ("done", "dic")
        assert again["nuclei"] == first["nuclei"]
        installed["generalist"].write_bytes(sound)
        with pytest.raises(InputError, match="another model"):
            run()


def test_a_model_that_was_asked_for_is_the_only_one(installed):
    assert set(pack_models("mine")) == {"mine"}
    assert set(pack_models(str(installed["mine"]))) == {str(installed["mine"])}
