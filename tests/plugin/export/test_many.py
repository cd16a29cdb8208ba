"""Run on many…"""

import numpy as np
import pytest
import tifffile

from fastershift.io import read_result
from fastershift.simulate import simulate_movie

pytestmark = pytest.mark.gui
pytest.importorskip("distributed")


@pytest.fixture
def plate(tmp_path):
    folder = tmp_path / "plate"
    (folder / "a").mkdir(parents=True)
    for name in ("a/one.tif", "two.tif"):
        movie = simulate_movie(3, (40, 44), 3, diameter=14, seed=len(name))
        tifffile.imwrite(folder / name, movie.frames, metadata={"axes": "TYX"})
    (folder / "broken.tif").write_bytes(b"nothing")
    return folder


def test_current_settings_run_on_many_movies(user, plate, tmp_path, tiny_model):
    user.widget._form.controls["diameter"].touch(14.0)
    chosen = user.widget._form.chosen
    user.widget._many._prepare = lambda: (
        {**chosen(), "embed": {"diameter": 14.0, "model": str(tiny_model)}},
        "cpu",
    )
    user.click("run_many")
    dialog = user.widget._many
    assert dialog.isVisible()
    assert not user.find("many_start").isEnabled()
    user.find("many_inputs").setText(str(plate))
    user.find("many_output").setText(str(tmp_path / "results"))
    user.click("many_start")
    assert user.find("many_stop").isEnabled()
    user.qtbot.waitUntil(lambda: not dialog.busy)
    user.wait_threads()
    report = user.find("many_report").toPlainText()
    assert "broken: " in report
    assert "a/one: " in report
    assert "finished" in user.find("many_progress").text()
    labels, _ = read_result(tmp_path / "results" / "a" / "one")
    assert labels.shape == (3, 40, 44)
    assert np.issubdtype(labels.dtype, np.integer)
    assert user.find("many_summary").isEnabled()


def test_masks_of_many_movies_are_tracked_and_measured(user, plate, tmp_path):
    (plate / "broken.tif").unlink()
    for name in ("a/one.tif", "two.tif"):
        made = simulate_movie(3, (40, 44), 3, diameter=14, seed=len(name))
        path = tmp_path / "masks" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        tifffile.imwrite(path, made.labels, metadata={"axes": "TYX"})
    user.widget._many._prepare = lambda: ({"track": {"vote_weight": 0.0}}, "cpu")
    user.click("run_many")
    user.find("many_inputs").setText(str(plate))
    user.find("many_output").setText(str(tmp_path / "results"))
    user.find("many_labels").setText(str(tmp_path / "masks"))
    user.find("many_measure").setChecked(True)
    user.click("many_start")
    user.qtbot.waitUntil(lambda: not user.widget._many.busy)
    user.wait_threads()
    labels, _ = read_result(tmp_path / "results" / "two")
    np.testing.assert_array_equal(labels > 0, made.labels > 0)
    assert (tmp_path / "results" / "a" / "one_measurements.csv").exists()


def test_a_region_holds_for_many_movies(user, plate, tmp_path):
    (plate / "broken.tif").unlink()
    made = simulate_movie(3, (40, 44), 3, diameter=14, seed=7)
    for name in ("masks/a/one.tif", "masks/two.tif"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        tifffile.imwrite(tmp_path / name, made.labels, metadata={"axes": "TYX"})
    cell = made.labels == made.labels[0].max()
    tifffile.imwrite(tmp_path / "region.tif", cell.any(axis=0).astype(np.uint8))
    user.widget._many._prepare = lambda: ({"track": {"vote_weight": 0.0}}, "cpu")
    user.click("run_many")
    user.find("many_inputs").setText(str(plate))
    user.find("many_output").setText(str(tmp_path / "results"))
    user.find("many_labels").setText(str(tmp_path / "masks"))
    user.find("many_inside").setText(str(tmp_path / "region.tif"))
    user.click("many_start")
    user.qtbot.waitUntil(lambda: not user.widget._many.busy)
    user.wait_threads()
    labels, tracks = read_result(tmp_path / "results" / "two")
    assert len(tracks) == 1
    np.testing.assert_array_equal(labels > 0, cell)


def test_a_mistake_is_a_sentence(user, tmp_path):
    user.click("run_many")
    user.find("many_inputs").setText(str(tmp_path / "nowhere"))
    user.find("many_output").setText(str(tmp_path / "results"))
    user.click("many_start")
    user.qtbot.waitUntil(lambda: not user.widget._many.busy)
    user.wait_threads()
    assert "nothing at" in user.find("many_report").toPlainText()
