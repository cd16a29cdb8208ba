"""Settings: from files, layers, presets and the last sitting, and back."""

import numpy as np
import pytest
import tifffile

from fastershift.config import PRESETS, load_settings, resolve_settings
from fastershift.rshn import load_model

pytest.importorskip("napari")
pytestmark = pytest.mark.gui


@pytest.fixture
def form(qtbot):
    """A form without a window around it."""
    from napari.components import ViewerModel
    from qtpy.QtWidgets import QWidget

    from fastershift.plugin.input._section import InputSection
    from fastershift.plugin.tune._form import SettingsForm
    from fastershift.plugin.tune._section import TuneSection

    parent = QWidget()
    qtbot.addWidget(parent)
    controls = [
        *InputSection(ViewerModel(), parent).controls,
        *TuneSection(parent).controls,
    ]
    made = SettingsForm(controls, parent)
    made.follow_model()
    yield made
    parent.close()


def test_what_has_no_effect_is_grey_and_says_why(form):
    gamma, least = form.controls["gamma"], form.controls["least_certainty"]
    assert not gamma.label.isEnabled()
    assert "votes for the centres" in gamma.widget.toolTip()
    assert least.label.isEnabled()
    assert form.controls["bandwidth"].label.isEnabled()
    # It can be changed all the same, and then says so beside it.
    gamma.touch(0.8)
    assert "votes for the centres" in gamma.note.text()
    form.controls["model"].touch("cosine")
    assert gamma.label.isEnabled()
    assert "Without effect" not in gamma.widget.toolTip() + gamma.note.text()
    assert not least.label.isEnabled()
    form.follow_input("labels")
    assert not form.controls["bandwidth"].label.isEnabled()
    assert form.controls["division_cost"].label.isEnabled()


def test_masks_have_advice_of_their_own(form):
    shortest = form.controls["shortest_track"]
    assert shortest.value == 2
    form.follow_input("labels")
    # What is shown is what a run of masks takes, and what is saved runs the same.
    assert shortest.value == 1
    assert form.to_save()["track"]["shortest_track"] == 1
    form.follow_input("image")
    assert shortest.value == 2


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"cluster": {"bandwidth": 0.12345, "gamma": 0.9, "max_iter": 7}},
        {"cluster": {"bandwidth": 0.0004, "reseed": True}},
        {"profile": "published", "embed": {"diameter": 33.333}},
        {"profile": "published", **PRESETS["Fluo-C2DL-MSC"]},
        {"input": {"axes": "TZCYX", "channel": 2, "plane": "max", "position": 3}},
        {"cluster": {"low": 20.0, "high": 90.0}, "track": {"border": 4}},
    ],
)
def test_the_form_does_what_a_file_says(form, values, tiny_model):
    from fastershift.plugin.tune._form import card_of

    for model in ("auto", str(tiny_model)):
        # What was there before leaves no trace.
        form.load({"cluster": {"mean": "raw", "coverage": 0.8}, "track": {"border": 9}})
        wanted = values | {"embed": values.get("embed", {}) | {"model": model}}
        form.load(wanted)
        expected = resolve_settings(file=wanted, card=card_of(model).settings)
        assert form.resolved() == expected
        form.load(form.resolved().model_dump(exclude_none=True))
        assert form.resolved() == expected


def test_an_unusable_file_changes_nothing(form):
    from fastershift.errors import InputError

    form.load({"cluster": {"bandwidth": 0.2}})
    with pytest.raises(InputError):
        form.load({"cluster": {"bandwidth": 5}})
    assert form.chosen() == {"cluster": {"bandwidth": 0.2}}


def test_reset_returns_to_what_the_model_recommends(form, tiny_model):
    form.load({"embed": {"model": str(tiny_model)}, "cluster": {"bandwidth": 0.7}})
    control = form.controls["bandwidth"]
    assert "Back to 0.25" in control.reset_button.toolTip()
    control.reset()
    assert control.value == 0.25


def test_unusual_values_explain_themselves(form):
    control = form.controls["bandwidth"]
    assert control.note.isHidden()
    control.touch(0.9)
    assert not control.note.isHidden()
    assert control.note.text() == "Such large values merge neighbouring cells."
    control.reset()
    assert control.note.isHidden()


@pytest.fixture
def two_channels(movie, tmp_path):
    """A file of which the second channel is the movie."""
    path = tmp_path / "movie.tif"
    frames = movie.frames.astype(np.uint16)
    pixels = np.stack([frames.max() - frames, frames], axis=1)
    tifffile.imwrite(path, pixels, imagej=True, metadata={"axes": "TCYX"})
    return path


def test_the_same_file_gives_the_same_labels_in_the_widget_and_without(
    user, two_channels, tiny_model, tmp_path
):
    from fastershift.cli import main
    from fastershift.io import read_result

    user.viewer.add_image(tifffile.imread(two_channels), name="movie")
    form = user.widget._form
    form.controls["model"].touch(str(tiny_model))
    user.choose("device", "cpu")
    user.choose("channel", "1")
    user.find("diameter").setValue(18)
    user.find("bandwidth").setValue(0.002)
    user.find("n_initial").setValue(33)
    user.find("smallest_cell").setValue(0)
    file = tmp_path / "settings.toml"
    user.widget._loader.save(str(file))
    user.run()
    shown = user.stack("movie [cells]")
    assert len(np.unique(shown)) > 3
    arguments = ["run", two_channels, "-o", tmp_path / "out", "--settings", file]
    with pytest.raises(SystemExit) as ended:
        main([*map(str, arguments), "--device", "cpu"])
    assert not ended.value.code
    labels, _ = read_result(tmp_path / "out")
    np.testing.assert_array_equal(labels, shown)
    # What the run has written is a settings file as well.
    again = load_settings(tmp_path / "out" / "settings.toml")
    assert resolve_settings(file=again).input.channel == 1
    record = user.viewer.layers["movie [cells]"].metadata["fastershift"]
    assert resolve_settings(file=again) == resolve_settings(file=_plain(record))

    user.click("reset_all")
    user.wait(lambda: "n_initial" not in form.chosen().get("cluster", {}))
    user.viewer.layers.selection = {user.viewer.layers["movie [tracks]"]}
    user.click("use_layer_settings")
    assert "Settings of movie [tracks] are in use" in user.status
    assert form.resolved() == resolve_settings(file=again)


def _plain(record):
    return {
        stage: {k: v for k, v in values.items() if v is not None}
        if isinstance(values, dict)
        else values
        for stage, values in record["settings"].items()
    }


def test_every_result_tells_what_made_it(user, movie, tiny_model):
    user.viewer.add_image(movie.frames, name="movie")
    user.widget._form.controls["model"].touch(str(tiny_model))
    user.find("diameter").setValue(18)
    user.click("preview")
    user.wait_idle()
    user.run()
    made = [layer for layer in user.viewer.layers if layer.name != "movie"]
    assert len(made) >= 3
    for layer in made:
        record = layer.metadata["fastershift"]
        assert record["settings"]["embed"]["model"] == str(tiny_model), layer.name
        assert record["provenance"]["model"] == "tiny"
        assert len(record["provenance"]["model_sha256"]) == 64
        assert {"fastershift", "torch", "python"} <= record["provenance"].keys()
        row = record["reports"][0]
        assert {"network_ms", "clustering_ms", "linking_ms"} <= row.keys()


def test_auto_shows_what_the_model_it_turns_out_to_be_recommends(
    user, movie, monkeypatch
):
    from fastershift.pipeline import Trial
    from fastershift.pipeline._quality import Stability
    from fastershift.plugin.tune._form import card_of
    from fastershift.rshn import FirstLook

    look = FirstLook(diameter=18.0, kind="dic", probability=1.0)
    choice = "fastershift.pipeline._choice"
    trial = Trial(diameter=18.0, found=18.0, cells=20, certainty=0.9)
    monkeypatch.setattr(f"{choice}.first_look", lambda _frames: look)
    monkeypatch.setattr(f"{choice}.try_diameters", lambda *_args, **_how: (trial,))
    stable = Stability(1.0, 0.0, 18.0, 20)
    monkeypatch.setattr(f"{choice}.stability", lambda *_args, **_how: stable)
    wanted = card_of("dic").settings["cluster"]["bandwidth"]
    assert user.find("bandwidth").value() != pytest.approx(wanted)
    user.choose("device", "cpu")
    user.viewer.add_image(movie.frames, name="movie")
    user.wait(lambda: "model dic" in user.find("needs").text())
    assert user.find("bandwidth").value() == pytest.approx(wanted)
    assert user.widget._form.chosen() == {}
    user.click("reset_all")
    assert user.find("bandwidth").value() == pytest.approx(wanted)


def test_what_a_file_sets_holds_whichever_model_auto_turns_out_to_be(form):
    from fastershift.plugin.tune._form import card_of

    bandwidth = card_of("auto").settings["cluster"]["bandwidth"]
    form.load({"cluster": {"bandwidth": bandwidth}})
    form.follow_model("dic")
    assert form.controls["smallest_cell"].value == 0.2
    assert form.resolved().cluster.bandwidth == bandwidth
    assert form.chosen() == {"cluster": {"bandwidth": bandwidth}}


@pytest.mark.parametrize("looked", [False, True])
def test_a_saved_file_leaves_open_what_auto_decides(form, looked, tmp_path):
    from fastershift.config import save_settings
    from fastershift.plugin.tune._form import card_of

    if looked:
        form.follow_model("elongated")
    form.controls["gamma"].touch(0.8)
    form.controls["smallest_cell"].touch(0.3)
    save_settings(form.to_save(), tmp_path / "settings.toml")
    values = load_settings(tmp_path / "settings.toml")
    assert values["embed"]["model"] == "auto"
    for model in ("generalist", "dic", "nuclei"):
        card = card_of(model).settings
        expected = resolve_settings(user=form.chosen(), card=card)
        assert resolve_settings(file=values, card=card) == expected
        assert expected.track.smallest_cell == 0.3
    before = form.chosen()
    form.load(values)
    assert form.chosen() == before
    form.controls["model"].touch("dic")
    form.follow_model()
    assert form.to_save()["cluster"]["bandwidth"] == form.resolved().cluster.bandwidth


def test_given_embeddings_take_no_advice_of_a_model(user, movie, embeddings):
    form, bandwidth = user.widget._form, user.find("bandwidth")
    default = resolve_settings().cluster.bandwidth
    user.viewer.add_image(movie.frames, name="movie")
    assert bandwidth.value() != pytest.approx(default)
    user.viewer.add_image(embeddings, name="vectors")
    user.choose("layer", "vectors")
    assert bandwidth.value() == pytest.approx(default)
    user.click("reset_all")
    assert bandwidth.value() == pytest.approx(default)
    form.load({"embed": {"model": "dic"}})
    assert bandwidth.value() == pytest.approx(default)
    user.run()
    record = user.viewer.layers["vectors [cells]"].metadata["fastershift"]
    assert record["settings"]["cluster"] == form.resolved().cluster.model_dump()
    user.choose("layer", "movie")
    advised = load_model("dic").card.settings["cluster"]["bandwidth"]
    assert bandwidth.value() == pytest.approx(advised)
    assert advised != default


def test_the_widget_remembers_what_was_last_used(
    make_napari_viewer, docked, qtbot, last_used, movie
):
    first = docked(make_napari_viewer(), qtbot)
    first.viewer.add_image(np.zeros((3, 2, 32, 32)), name="two")
    first.choose("input_kind", "image")
    first.choose("axes", "TCYX")
    first.choose("channel", "1")
    first.find("bandwidth").setValue(0.33)
    first.wait(last_used.exists)
    first.find("bandwidth").setValue(0.44)
    # Changes that have not come to rest are kept when the window goes.
    first.viewer.window.remove_dock_widget("all")
    first.widget.deleteLater()
    qtbot.waitUntil(
        lambda: load_settings(last_used) == {"cluster": {"bandwidth": 0.44}}
    )
    second = docked(make_napari_viewer(), qtbot)
    assert second.find("bandwidth").value() == pytest.approx(0.44)
    assert second.widget._form.chosen() == {"cluster": {"bandwidth": 0.44}}


def test_an_old_memory_with_other_settings_is_left_alone(user, last_used):
    from fastershift.plugin.tune._last_used import recall

    last_used.parent.mkdir(exist_ok=True)
    last_used.write_text("[cluster]\nwidth = 3\n")
    assert recall() == {}
    # The second is too long a name to look for.
    for name in ("gone", 300 * "x"):
        last_used.write_text(f'[embed]\nmodel = "{name}.safetensors"\nblur = 2.0\n')
        assert recall() == {"embed": {"blur": 2.0}}


def test_presets(user):
    form = user.widget._form
    user.find("bandwidth").setValue(0.5)
    user.choose("preset", "PhC-C2DL-PSC")
    assert form.resolved().embed.network_size == (720, 576)
    assert form.resolved().track.shortest_track == 5
    assert "network_size = (720, 576)" in user.find("from_file").text()
    assert "bandwidth" not in form.chosen().get("cluster", {})
    user.choose("profile", "published")
    assert form.resolved() == resolve_settings(
        user={"profile": "published"}, preset="PhC-C2DL-PSC", card=form._advice
    )
    user.choose("preset", "model generalist")
    assert form.chosen() == {"profile": "published", "embed": {"model": "generalist"}}


def test_preferences_take_effect(
    plugin_settings, npe2pm, make_napari_viewer, docked, qtbot, movie, tmp_path
):
    from napari.settings import get_plugin_settings
    from npe2 import PluginManifest

    npe2pm.register(PluginManifest.from_distribution("fastershift"))
    viewer = make_napari_viewer()
    computing = get_plugin_settings("fastershift").computing
    computing.device = "cpu"
    computing.cache_folder = str(tmp_path / "cache")
    computing.cache_size = 0.25
    user = docked(viewer, qtbot)
    assert user.find("device").currentText() == "cpu"
    computing.device = "auto"
    assert user.find("device").currentText() == "auto"
    user.viewer.add_image(movie.frames, name="movie")
    session = user.widget._runs.open(user.widget._input.choice)
    assert session.cache_place.folder == tmp_path / "cache"
    assert session.cache_place.size == 250_000_000
    assert (tmp_path / "cache").is_dir()
