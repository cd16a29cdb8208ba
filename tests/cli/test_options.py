"""Settings as options, ranges, figures, progress: what is typed and what is told."""

import json
from contextlib import nullcontext

import pytest
import typer
from typer.testing import CliRunner

from fastershift.cli import _app as whole
from fastershift.cli import app, main
from fastershift.cli._figures import check_figures, write_figures
from fastershift.cli._options import frame_range, with_settings
from fastershift.cli._progress import clock, follow_run, progress_bar
from fastershift.config import iter_settings, resolve_settings
from fastershift.errors import FastershiftError, InputError

# A value of each setting that differs from its default, as it is typed and kept.
TYPED = {
    "axes": ("tcyx", "tcyx"),
    "channel": ("2", "2"),
    "plane": ("max", "max"),
    "position": ("3", 3),
    "model": ("phase", "phase"),
    "tile": ("512", 512),
    "high": ("16", 16.0),
    "diameter": ("22.5", 22.5),
    "network_size": ("512x384", (512, 384)),
    "precision": ("float32", "float32"),
    "mean": ("raw", "raw"),
    "linker": ("costs", "costs"),
    "smallest_cell_pixels": ("7", 7),
    "parent_dilation": ("7", 7),
}
SETTINGS = list(iter_settings())


def typed(info):
    """Words that set a setting, and the value that they mean."""
    flag = f"--{info.name.replace('_', '-')}"
    if info.kind is bool:
        on = not info.default
        return [flag if on else f"--no-{flag[2:]}"], on
    if info.name in TYPED:
        words, value = TYPED[info.name]
        return [flag, words], value
    value = info.kind(4) if info.high > 4 else 0.75
    return [flag, str(value)], value


@pytest.fixture
def given():
    """A command that keeps the settings that were given, and its runner."""
    kept = []
    tool = typer.Typer()

    @tool.command()
    @with_settings
    def command(*, settings: dict) -> None:
        kept.append(settings)

    def call(*words):
        done = CliRunner().invoke(tool, list(words))
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        return kept.pop() if kept else done

    return call


@pytest.mark.parametrize("info", SETTINGS, ids=[info.name for info in SETTINGS])
def test_every_setting_can_be_typed(given, info):
    words, value = typed(info)
    settings = given(*words)
    assert {stage: list(names) for stage, names in settings.items()} == {
        info.stage: [info.name]
    }
    # As a settings file with this value.
    meant = resolve_settings(user={info.stage: {info.name: value}})
    assert resolve_settings(user=settings) == meant != resolve_settings()


def test_what_is_not_typed_is_left_to_others(given):
    assert given() == {}
    assert given("--gamma", "0.8", "--no-reseed", "--blur", "0") == {
        "cluster": {"gamma": 0.8, "reseed": False},
        "embed": {"blur": 0.0},
    }


@pytest.mark.parametrize("size", ["512", "512x", "x384", "5.5x3", "axb", "-5x3"])
def test_a_network_size_is_two_numbers(given, size):
    with pytest.raises(InputError, match="width and height as 512x384"):
        given(f"--network-size={size}")


def test_a_diameter_is_a_number_or_auto(given):
    assert given("--diameter", "auto") == {"embed": {"diameter": "auto"}}
    for wrong in ("22px", "", "22,5"):
        with pytest.raises(InputError, match="pixels or 'auto'"):
            given("--diameter", wrong)


def test_numbers_of_another_kind_are_refused_with_the_option(given):
    for words in (("--block", "1.5"), ("--gamma", "much")):
        done = given(*words)
        assert done.exit_code == 2
        assert words[0] in done.output


def test_a_range_of_frames_is_two_numbers_with_a_colon():
    assert frame_range(None) is None
    assert frame_range("0:12") == (0, 12)
    for wrong in ("", ":", "3", "3:", ":3", "a:b", "1:2:3", "-1:3", "1 :3"):
        with pytest.raises(InputError, match="24:36"):
            frame_range(wrong)


def test_durations_are_read_at_a_glance():
    assert clock(0) == "0:00:00"
    assert clock(59.6) == "0:01:00"
    assert clock(3 * 3600 + 25 * 60 + 7) == "3:25:07"
    assert clock(2 * 86400 + 61) == "2 d 0:01:01"


def test_progress_is_told_beside_the_results(capsys):
    with progress_bar("movies", estimated=False) as bar:
        bar.say("Model [bold]x[/bold] is used.")
        bar.show(total=4, done=1, words="movies, 3 frames", seconds_left=65)
    said = capsys.readouterr()
    assert said.out == ""
    # A sentence is shown as it is: brackets of a file name are no style.
    assert "Model [bold]x[/bold] is used." in said.err
    assert "1/4" in said.err
    assert "0:01:05 left" in said.err


def test_a_run_tells_its_model_size_and_notes(capsys):
    from fastershift.pipeline import FrameDone, Notice, Started

    def run(embed):
        settings = resolve_settings(user={"embed": embed})
        yield Started(
            model="phase",
            n_frames=1,
            network_shape=(48, 64),
            settings=settings,
            notes=("A note.",),
        )
        yield Notice("A notice.")
        yield object.__new__(FrameDone)

    follow_run(lambda: run({"diameter": 22}))
    told = capsys.readouterr().err
    assert "Model phase, cell diameter 22.0 px, network size 64 × 48." in told
    assert "A note." in told
    assert "A notice." in told
    assert "1/1" in told
    follow_run(lambda: run({"network_size": (64, 48)}))
    assert "Model phase, network size 64 × 48." in capsys.readouterr().err


def test_a_run_tells_that_it_prepares_before_it_begins(capsys):
    def begin():
        raise InputError("There is no movie.")

    with pytest.raises(InputError):
        follow_run(begin)
    assert "preparing" in capsys.readouterr().err


def test_figures_replace_figures_and_nothing_else(tmp_path):
    def former(found):
        return found.keys() == {"f1"}

    path = tmp_path / "figures.json"
    check_figures(path, former)
    write_figures(path, {"f1": 0.5})
    check_figures(path, former)
    for other in ('{"f2": 1}', "[1]", "notes", "[" * 10_000):
        path.write_text(other, encoding="utf-8")
        with pytest.raises(InputError):
            check_figures(path, former)
        assert path.read_text(encoding="utf-8") == other
    with pytest.raises((InputError, FastershiftError)):
        check_figures(tmp_path, former)
    check_figures(None, former)
    write_figures(None, {"f1": 1})
    assert list(tmp_path.iterdir()) == [path]


def code_of(*words):
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in words])
    return ended.value.code or 0


def test_without_a_command_napari_opens(monkeypatch):
    opened = []
    monkeypatch.setattr(whole, "open_napari", lambda: opened.append(True))
    assert code_of() == 0
    assert opened == [True]
    assert code_of("models") == 0
    assert opened == [True]


def test_evaluate_tells_scores_and_which_truth_is_missing(tmp_path, capsys):
    made = ("simulate", "-o", tmp_path / "made", "--frames", 2, "--cells", 3)
    assert code_of(*made, "--height", 48, "--width", 48, "--diameter", 14) == 0
    truth = tmp_path / "made" / "01_GT"
    figures = tmp_path / "scores.json"
    for _ in range(2):  # the second time, the former scores are replaced
        assert code_of("evaluate", truth / "TRA", truth, "--json", figures) == 0
    scores = json.loads(figures.read_text())
    assert scores == {"SEG": 1.0, "DET": 1.0, "TRA": 1.0, "SEG_ST": None}
    told = capsys.readouterr().out
    assert "DET    1.0000" in told
    assert "SEG_ST no such truth" in told
    figures.write_text('{"mine": 1}')
    assert code_of("evaluate", truth / "TRA", truth, "--json", figures) == 2
    assert figures.read_text() == '{"mine": 1}'
    assert code_of("evaluate", truth / "TRA", tmp_path / "gone") == 2
    assert code_of("evaluate", truth / "TRA", truth, "--frames", "1") == 2


def test_evaluate_tells_where_the_list_of_tracks_is_lost(tmp_path, capsys):
    made = ("simulate", "-o", tmp_path / "made", "--frames", 2, "--cells", 3)
    assert code_of(*made, "--height", 48, "--width", 48, "--diameter", 14) == 0
    truth, result = tmp_path / "made" / "01_GT", tmp_path / "r.tif"
    assert code_of("convert", truth / "TRA", result) == 0
    assert code_of("evaluate", result, truth) == 0
    assert not capsys.readouterr().err
    (tmp_path / "r_tracks.txt").unlink()
    assert code_of("evaluate", result, truth) == 0
    assert "r_tracks.txt is not beside r.tif" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--kind", "neurons"), "kind of movie 'neurons'"),
        (("--kind", "rods", "--optics", "x"), "optics 'x'"),
        (("--optics", "phase"), "own optics"),
        (("--frames", 0), "at least one frame"),
        (("--height", 8), "16 × 16"),
        (("--cells", -1), "negative"),
        (("--diameter", 2), "at least 4 pixels"),
    ],
)
@pytest.mark.parametrize("name", ["made", "made.zarr"])
def test_impossible_simulations_leave_nothing(tmp_path, capsys, name, options, words):
    assert code_of("simulate", "-o", tmp_path / name, *options) == 2
    assert words in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_simulation_replaces_only_what_it_may(tmp_path, capsys):
    small = ("--frames", 1, "--height", 32, "--width", 32, "--cells", 1)
    words = ("simulate", "-o", tmp_path / "made", *small, "--diameter", 10)
    assert code_of(*words) == 0
    assert "1 frames with" in capsys.readouterr().out
    assert code_of(*words) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert code_of(*words, "--overwrite") == 0


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--minutes", 1, "--iterations", 1), "not both"),
        (("--minutes", -1), "not be negative"),
        (("--iterations", -1), "not be negative"),
        ((), "not replaced"),
    ],
)
def test_learning_refuses_before_it_reads_anything(tmp_path, capsys, words, sentence):
    output = tmp_path / "mine.safetensors"
    output.write_text("precious")
    given = ("learn", "no-movie.tif", "no-marks.tif", "-o", output, *words)
    assert code_of(*given) == 2
    assert sentence in capsys.readouterr().err
    assert output.read_text() == "precious"


def test_a_checkpoint_that_is_not_there_makes_no_model(tmp_path, capsys):
    words = ("models", "import", tmp_path / "gone", "--name", "gone")
    assert code_of(*words) == 2
    assert capsys.readouterr().err.startswith("fastershift: ")


@pytest.mark.parametrize("command", ["run", "batch", "measure", "convert", "train"])
def test_a_command_without_its_arguments_says_which(command):
    done = CliRunner().invoke(app, [command])
    assert done.exit_code == 2
    assert "Missing" in done.output


def test_an_interrupted_batch_says_what_is_kept(tmp_path, monkeypatch, capsys):
    batch = pytest.importorskip("fastershift.batch")

    def interrupted(*_args, **_options):
        raise KeyboardInterrupt

    monkeypatch.setattr(batch, "run_many", interrupted)
    monkeypatch.setattr(batch, "connect", lambda *_: nullcontext())
    assert code_of("batch", "*.tif", "-o", tmp_path / "out") == 130
    told = capsys.readouterr().err
    assert "finished movies and chunks are kept" in told
    assert "same command again" in told
