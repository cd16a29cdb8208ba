"""The manifest: every command resolves, every widget opens, every sample is a movie."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("napari")

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def manifest():
    from npe2 import PluginManifest

    return PluginManifest.from_distribution("fastershift")


def test_the_manifest_at_the_top_is_the_one_in_the_package():
    top = (ROOT / "napari.yaml").read_bytes()
    assert top == (ROOT / "src/fastershift/napari.yaml").read_bytes()


@pytest.mark.gui
def test_every_command_resolves(manifest):
    from npe2.manifest.utils import import_python_name

    for command in manifest.contributions.commands:
        assert callable(import_python_name(command.python_name))
        assert command.title


@pytest.mark.gui
def test_every_widget_opens_from_its_menus(manifest, make_napari_viewer, opened):
    for widget in manifest.contributions.widgets:
        viewer = make_napari_viewer()
        assert opened(viewer, widget.display_name).widget is not None
    menus = manifest.contributions.menus
    for menu in ("napari/layers/segment", "napari/layers/track"):
        assert [item.command for item in menus[menu]] == ["fastershift.segment_track"]


@pytest.mark.gui
def test_samples_open_with_hidden_truth(manifest, make_napari_viewer, monkeypatch):
    from fastershift.plugin.files import _samples

    made = _samples.simulate_movie
    # Three frames open as twenty do.
    monkeypatch.setattr(
        _samples, "simulate_movie", lambda _frames, *how, **more: made(3, *how, **more)
    )
    viewer = make_napari_viewer()
    for sample in manifest.contributions.sample_data:
        image, cells, tracks = viewer.open_sample(manifest.name, sample.key)
        assert image.data.shape == cells.data.shape
        assert image.visible
        assert not cells.visible
        assert not tracks.visible
        assert set(tracks.data[:, 0].astype(int)) == set(np.unique(cells.data)) - {0}
