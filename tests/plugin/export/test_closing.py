"""What becomes of a result that is being saved when the window is closed."""

import threading

import pytest

from fastershift.io import read_result

pytest.importorskip("napari")
pytestmark = pytest.mark.gui


@pytest.fixture
def gate(monkeypatch):
    """Writing stops after the first mask until the gate is opened."""
    import tifffile

    opened, reached, write = threading.Event(), threading.Event(), tifffile.imwrite

    def slowly(*arguments, **options):
        write(*arguments, **options)
        reached.set()
        assert opened.wait(120)

    monkeypatch.setattr(tifffile, "imwrite", slowly)
    yield reached, opened
    opened.set()


@pytest.mark.parametrize("what", ["napari", "the dock"])
def test_a_result_is_saved_to_its_end(
    make_napari_viewer, docked, qtbot, embeddings, gate, tmp_path, what
):
    from qtpy.QtCore import QThreadPool

    reached, opened = gate
    user = docked(make_napari_viewer(), qtbot)
    user.viewer.add_image(embeddings, name="movie")
    user.run()
    tracks = user.viewer.layers["movie [cells]"].metadata["fastershift"]["tracks"]
    user.find("folder").setText(str(tmp_path / "out"))
    user.click("save")
    user.wait(reached.is_set)
    assert not (tmp_path / "out").exists()
    if what == "napari":
        user.viewer.close()
    else:
        user.viewer.window.remove_dock_widget("all")
        user.widget.deleteLater()
    qtbot.wait(100)
    opened.set()
    qtbot.waitUntil(lambda: QThreadPool.globalInstance().activeThreadCount() == 0)
    labels, listed = read_result(tmp_path / "out")
    assert len(labels) == len(embeddings)
    assert len(listed) == len(tracks)
    assert not list(tmp_path.glob(".*.part"))
