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


def run_many(user, **told):
    """Fill in the lines of the dialog that is open, run, and wait for the end."""
    for name, text in told.items():
        user.find(f"many_{name}").setText(str(text))
    user.click("many_start")
    user.qtbot.waitUntil(lambda: not user.widget._many.busy)
    user.wait_threads()


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
    assert not user.find("many_without_drift").isEnabled()
    user.find("many_measure").setChecked(True)
    user.find("many_without_drift").setChecked(True)
    user.find("many_without_flicker").setChecked(True)
    results = tmp_path / "results"
    run_many(user, inputs=plate, output=results, labels=tmp_path / "masks")
    labels, _ = read_result(results / "two")
    np.testing.assert_array_equal(labels > 0, made.labels > 0)
    # As the command line writes it for the same.
    one = results / "a" / "one"
    table = measured(tmp_path, one, plate / "a" / "one.tif")
    assert one.with_name("one_measurements.csv").read_text() == table


def measured(folder, result, movie):
    """Measure on the command line, without drift and flicker."""
    from typer.testing import CliRunner

    from fastershift.cli import app

    table = folder / "by_command.csv"
    words = ["measure", str(result), str(movie), "-o", str(table)]
    words += ["--without-drift", "--without-flicker"]
    assert CliRunner().invoke(app, words).exit_code == 0
    return table.read_text()


def test_what_a_run_says_of_a_movie_is_in_the_report(user, plate, tmp_path):
    (plate / "broken.tif").unlink()
    made = simulate_movie(6, (128, 128), 10, diameter=14, kind="nuclei", seed=1)
    labels = np.concatenate([made.labels[:3], np.roll(made.labels[3:], 9, axis=2)])
    labels = np.where(labels, (labels * 7 + np.arange(6)[:, None, None]) % 97 + 1, 0)
    for folder, stack in (("plate", made.frames), ("masks", labels)):
        path = tmp_path / folder / "two.tif"
        path.parent.mkdir(exist_ok=True)
        tifffile.imwrite(path, stack.astype(np.uint16), metadata={"axes": "TYX"})
    user.widget._many._prepare = lambda: ({"track": {"vote_weight": 0.0}}, "cpu")
    user.click("run_many")
    results, masks = tmp_path / "results", tmp_path / "masks"
    run_many(user, inputs=plate / "two.tif", output=results, labels=masks)
    assert "two: All cells move together" in user.find("many_report").toPlainText()


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
    results, masks = tmp_path / "results", tmp_path / "masks"
    inside = tmp_path / "region.tif"
    run_many(user, inputs=plate, output=results, labels=masks, inside=inside)
    labels, tracks = read_result(results / "two")
    assert len(tracks) == 1
    np.testing.assert_array_equal(labels > 0, cell)


def test_all_positions_are_run_whichever_is_in_view(user, tmp_path):
    made = simulate_movie(3, (40, 44), 3, diameter=14, seed=7)
    for folder, pixels in (("movies", made.frames), ("masks", made.labels)):
        (tmp_path / folder).mkdir()
        for position in range(2):
            name = f"a_position{position}.tif" if folder == "masks" else "a.ome.tif"
            with tifffile.TiffWriter(tmp_path / folder / name, ome=True) as file:
                for _ in range(1 if folder == "masks" else 2):
                    file.write(
                        pixels, photometric="minisblack", metadata={"axes": "TYX"}
                    )
    user.widget._form.controls["position"].touch(1)
    user.click("run_many")
    results, masks = tmp_path / "results", tmp_path / "masks"
    run_many(user, inputs=tmp_path / "movies", output=results, labels=masks)
    report = user.find("many_report").toPlainText()
    assert "a_position0: 3 frames" in report
    assert "a_position1: 3 frames" in report


def test_a_mistake_is_a_sentence(user, tmp_path):
    user.click("run_many")
    run_many(user, inputs=tmp_path / "nowhere", output=tmp_path / "results")
    assert "nothing at" in user.find("many_report").toPlainText()
