"""What a measurement runs on, and the screen that windows get."""

import json
import os
import sys
from types import SimpleNamespace

import pytest
import torch

from fastershift.benchmark import _display, _machine
from fastershift.benchmark._display import in_new_window, screen
from fastershift.errors import FastershiftError, InputError


def test_the_machine_is_described_in_what_json_can_hold():
    told = _machine.describe_machine("cpu")
    assert json.loads(json.dumps(told)) == told
    assert told["device"] == "cpu"
    assert told["logical_cores"] == os.cpu_count()
    assert 1 <= told["cores"] <= told["logical_cores"]
    assert told["threads"] == torch.get_num_threads()
    assert told["torch"] == torch.__version__
    assert told["python"] == ".".join(map(str, sys.version_info[:3]))


@pytest.mark.parametrize(
    ("known", "told"),
    [
        ({"avx2": True, "avx512_bf16": True, "amx_bf16": False}, "avx2, avx512_bf16"),
        ({"avx2": True, "sse": True}, "avx2"),
    ],
)
def test_units_are_those_that_multiply(monkeypatch, known, told):
    for name in _machine._LIMITS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: known, raising=False)
    assert _machine._units() == told


def test_a_torch_that_cannot_tell_says_how_it_was_compiled(monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict, raising=False)
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX2")
    monkeypatch.setenv("ATEN_CPU_CAPABILITY", "default")
    assert _machine._units() == "avx2 (held to ATEN_CPU_CAPABILITY=default)"


def test_a_screen_that_is_there_is_used(monkeypatch):
    monkeypatch.setenv("DISPLAY", ":77")
    monkeypatch.setattr(_display.shutil, "which", lambda _: pytest.fail("looked for"))
    with screen() as environment:
        assert environment["DISPLAY"] == ":77"


@pytest.fixture
def no_screen(monkeypatch):
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(_display, "sys", SimpleNamespace(platform="linux"))


def test_without_a_screen_or_a_server_nothing_is_measured(no_screen, monkeypatch):
    monkeypatch.setattr(_display.shutil, "which", lambda _: None)
    with pytest.raises(InputError, match="install Xvfb"), screen():
        pass


def server(folder, *lines):
    """A stand-in for Xvfb: a program that answers where it is told to."""
    path = folder / "Xvfb"
    path.write_text("\n".join([f"#!{sys.executable}", "import os, sys, time", *lines]))
    path.chmod(0o755)
    return str(path)


@pytest.mark.skipif(sys.platform == "win32", reason="runs a file as a program")
class TestServer:
    def test_it_chooses_a_number_and_ends_with_the_measurement(
        self, no_screen, monkeypatch, tmp_path
    ):
        answer = "answer = int(sys.argv[2]); os.write(answer, b'45\\n')"
        path = server(tmp_path, answer, "os.close(answer)", "time.sleep(600)")
        monkeypatch.setattr(_display.shutil, "which", lambda _: path)
        with screen() as environment:
            assert environment["DISPLAY"] == ":45"
            assert environment["LIBGL_ALWAYS_SOFTWARE"] == "1"

    def test_one_that_does_not_start_is_a_sentence(
        self, no_screen, monkeypatch, tmp_path
    ):
        monkeypatch.setattr(_display.shutil, "which", lambda _: server(tmp_path))
        with pytest.raises(InputError, match="Xvfb did not start"), screen():
            pass


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Write a module that plays the window, and name it."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    def written(*lines):
        (tmp_path / "played_window.py").write_text(
            "\n".join(["import json, os, sys", "from pathlib import Path", *lines])
        )
        return "played_window"

    return written


def test_a_window_answers_what_it_was_asked_with_settings_of_its_own(module):
    name = module(
        "order = json.loads(sys.argv[1])",
        "home = os.environ['XDG_CONFIG_HOME']",
        "own = os.environ['NAPARI_CONFIG'].startswith(home)",
        "found = {'side': order['side'] + 1, 'own': own}",
        "Path(order['answer']).write_text(json.dumps(found))",
    )
    found = in_new_window(name, {"side": 511}, dict(os.environ))
    assert found == {"side": 512, "own": True}


def test_a_window_that_does_not_answer_tells_its_last_words(module):
    name = module("sys.exit('the driver is missing')")
    with pytest.raises(FastershiftError, match=r"measured: the driver is missing\.$"):
        in_new_window(name, {}, dict(os.environ))
    name = module()
    with pytest.raises(FastershiftError, match="it said nothing"):
        in_new_window(name, {}, dict(os.environ))
