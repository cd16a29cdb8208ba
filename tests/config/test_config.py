"""Settings: defaults, ranges, who overrules whom, and the file they live in."""

import tomllib

import pytest

from fastershift.config import (
    PRESETS,
    Settings,
    explain_value,
    find_setting,
    iter_settings,
    load_settings,
    resolve_settings,
    save_settings,
)
from fastershift.errors import InputError
from fastershift.rshn import list_models

PARAMETERS = list(iter_settings())
IDS = [f"{info.stage}.{info.name}" for info in PARAMETERS]


def test_defaults_are_those_of_the_estimator():
    meanshift = pytest.importorskip("fastershift.meanshift")
    given = meanshift.FasterMeanShift().get_params()
    cluster = resolve_settings().cluster.model_dump()
    # Vectors in general have no specks; pixels do.
    shared = given.keys() & cluster.keys() - {"min_cluster_size"}
    assert {"bandwidth", "gamma", "low", "high", "n_initial", "coverage"} <= shared
    assert {name: cluster[name] for name in shared} == {
        name: given[name] for name in shared
    }


def test_paper_values_are_the_defaults():
    cluster = resolve_settings().cluster
    assert (cluster.bandwidth, cluster.gamma) == (0.1, 0.9)
    assert (cluster.low, cluster.high, cluster.n_initial) == (2, 8, 128)
    assert cluster.coverage == 0.95


def test_parameter_names_are_unique_over_all_stages():
    names = [info.name for info in PARAMETERS]
    assert len(names) == len(set(names)) > 0
    assert {info.stage for info in PARAMETERS} == {
        "input",
        "embed",
        "cluster",
        "track",
    }


@pytest.mark.parametrize("info", PARAMETERS, ids=IDS)
def test_parameter_has_label_and_help(info):
    assert info.help_text.rstrip().endswith(".")
    assert info.label


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("bandwidth", "above 0", "below 2"),
        ("gamma", "above 0", "to 1"),
        ("block", "from 1", "to 1000"),
        ("model", "from -inf", "to inf"),
    ],
)
def test_bounds_are_those_that_are_checked(name, low, high):
    info = find_setting(name)
    assert f"{'above' if info.above_low else 'from'} {info.low:g}" == low
    assert f"{'below' if info.below_high else 'to'} {info.high:g}" == high


def test_the_profile_is_found_though_it_belongs_to_no_stage():
    assert find_setting("profile").stage == ""
    assert find_setting("no_such_setting") is None


def test_labels_are_unique():
    labels = [info.label for info in PARAMETERS]
    assert len(labels) == len(set(labels))


@pytest.mark.parametrize(
    ("stage", "name", "value"),
    [
        ("embed", "blur", -0.1),
        ("embed", "block", 0),
        ("embed", "diameter", 0.5),
        ("embed", "diameter", "large"),
        ("embed", "window", 1),
        ("embed", "tile_overlap", 1024),
        ("embed", "zoom", 0),
        ("cluster", "bandwidth", 0),
        ("cluster", "bandwidth", 2),
        ("cluster", "bandwidth", float("nan")),
        ("cluster", "gamma", 1.01),
        ("cluster", "coverage", 1),
        ("cluster", "n_initial", 0),
        ("cluster", "mean", "median"),
        ("cluster", "random_seed", -1),
        ("track", "foreground", 1),
        ("track", "linking_overlap", 1.5),
        ("track", "shortest_track", 0),
        ("embed", "model", ""),
    ],
)
def test_value_out_of_range_is_one_sentence(stage, name, value):
    with pytest.raises(InputError, match=f"{stage}.*cannot be used") as caught:
        resolve_settings(user={stage: {name: value}})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("stage", "name", "value"),
    [
        ("embed", "window", 2),
        ("embed", "tile", 0),
        ("embed", "diameter", 2000),
        ("cluster", "gamma", 1),
        ("cluster", "bandwidth", 1.99),
        ("track", "linking_overlap", 0),
    ],
)
def test_value_at_the_end_of_its_range_is_taken(stage, name, value):
    settings = resolve_settings(user={stage: {name: value}})
    assert getattr(getattr(settings, stage), name) == value


@pytest.mark.parametrize(
    ("stage", "name"),
    [
        ("cluster", "coordinate_weight"),
        ("cluster", "random_seed"),
        ("embed", "blur"),
        ("embed", "warmup"),
        ("embed", "window"),
        ("embed", "tile"),
        ("embed", "tile_overlap"),
        ("embed", "largest_frame"),
        ("track", "smallest_cell"),
        ("track", "smallest_cell_pixels"),
        ("track", "division_search"),
        ("track", "parent_dilation"),
        ("track", "merge_search"),
        ("track", "border"),
        ("track", "vote_weight"),
        ("track", "longest_gap"),
    ],
)
def test_what_can_be_left_out_is_left_out_by_0(stage, name):
    settings = resolve_settings(user={stage: {name: 0}})
    assert getattr(getattr(settings, stage), name) == 0
    with pytest.raises(InputError, match=name):
        resolve_settings(user={stage: {name: -1}})


def test_high_below_twice_low_is_refused():
    with pytest.raises(InputError, match="at least 2·L"):
        resolve_settings(user={"cluster": {"low": 3, "high": 5.9}})
    assert resolve_settings(user={"cluster": {"low": 3, "high": 6}}).cluster.high == 6


def test_settings_cannot_be_changed():
    with pytest.raises(ValueError, match="frozen"):
        resolve_settings().cluster.bandwidth = 0.3


def test_unknown_name_is_one_sentence():
    with pytest.raises(InputError, match=r"cluster\.bandwith cannot be used") as caught:
        resolve_settings(user={"cluster": {"bandwith": 0.2}})
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="clusters cannot be used"):
        resolve_settings(file={"clusters": {}})


def test_user_overrules_file_preset_card_and_default():
    # Each layer sets one value more than the one above it.
    levels = {
        "user": {"shortest_track": 11},
        "file": {"shortest_track": 12, "division_search": 22},
        "card": {
            "shortest_track": 14,
            "division_search": 24,
            "border": 34,
            "linking_overlap": 0.44,
        },
    }
    preset = PRESETS["PhC-C2DL-PSC"]["track"]
    assert {"shortest_track", "division_search", "border"} <= preset.keys()
    track = resolve_settings(
        **{level: {"track": values} for level, values in levels.items()},
        preset="PhC-C2DL-PSC",
    ).track
    assert track.shortest_track == 11
    assert track.division_search == 22
    assert track.border == preset["border"]
    assert track.linking_overlap == 0.44
    assert track.merge_search == Settings().track.merge_search


def test_published_profile_overrules_the_card_but_not_the_user():
    card = {"cluster": {"bandwidth": 0.3, "reseed": True}}
    assert resolve_settings(card=card).cluster.bandwidth == 0.3
    published = resolve_settings(user={"profile": "published"}, card=card)
    assert published.profile == "published"
    assert published.cluster.bandwidth == 0.1
    assert published.cluster.reseed is False
    user = {"profile": "published", "cluster": {"bandwidth": 0.2}}
    both = resolve_settings(user=user, card=card)
    assert both.cluster.bandwidth == 0.2


def test_published_profile_is_the_published_method():
    settings = resolve_settings(user={"profile": "published"})
    embed, cluster = settings.embed, settings.cluster
    assert (embed.window, embed.tile, embed.tile_overlap) == (8, 256, 128)
    assert (cluster.bandwidth, cluster.gamma, cluster.mean) == (0.1, 0.9, "raw")
    assert (cluster.coordinate_weight, cluster.reseed) == (0.005, False)
    assert cluster.carry_seeds
    assert settings.track.merge_tiles


def test_profile_may_be_named_by_the_user_or_the_file():
    published = {"profile": "published"}
    assert resolve_settings(user=published).embed.window == 8
    assert resolve_settings(file=published).embed.window == 8
    settings = resolve_settings(user={"profile": "default"}, file=published)
    assert settings.embed.window == 0


@pytest.mark.parametrize("name", PRESETS)
def test_preset_is_usable(name):
    settings = resolve_settings(preset=name, user={"profile": "published"})
    assert settings.embed.network_size == PRESETS[name]["embed"]["network_size"]


def test_unknown_preset_is_told_with_the_known_ones():
    with pytest.raises(InputError, match=r"no preset 'HeLa'.*Fluo-N2DL-HeLa"):
        resolve_settings(preset="HeLa")


def test_layers_are_left_as_they_were():
    user = {"cluster": {"bandwidth": 0.2}}
    file = {"profile": "published", "cluster": {"gamma": 0.8}}
    resolve_settings(user=user, file=file)
    assert user == {"cluster": {"bandwidth": 0.2}}


@pytest.mark.parametrize("preset", [None, "Fluo-C2DL-MSC"])
@pytest.mark.parametrize("profile", ["default", "published"])
def test_file_brings_back_what_was_saved(tmp_path, preset, profile):
    settings = resolve_settings(
        user={
            "profile": profile,
            "embed": {"diameter": 31.5},
            "cluster": {"reseed": True},
        },
        preset=preset,
    )
    path = tmp_path / "settings.toml"
    save_settings(settings, path)
    assert resolve_settings(file=load_settings(path)) == settings
    assert list(tmp_path.iterdir()) == [path]


def test_provenance_is_stored_beside_the_settings(tmp_path):
    path = tmp_path / "settings.toml"
    save_settings(resolve_settings(), path, {"version": "1.2", "input": "movie.tif"})
    stored = tomllib.loads(path.read_text(encoding="utf-8"))
    assert stored["provenance"] == {"version": "1.2", "input": "movie.tif"}
    assert "provenance" not in load_settings(path)


def test_file_may_hold_a_part(tmp_path):
    path = tmp_path / "settings.toml"
    path.write_text("[cluster]\nbandwidth = 0.25\n", encoding="utf-8")
    assert load_settings(path) == {"cluster": {"bandwidth": 0.25}}


def test_missing_file_is_one_sentence(tmp_path):
    with pytest.raises(InputError, match="There is no settings file at"):
        load_settings(tmp_path / "settings.toml")


@pytest.mark.parametrize("content", [b"bandwidth = ", b"\xff\xfe\x00", b"a = 1\na = 2"])
def test_file_that_is_no_toml_is_one_sentence(tmp_path, content):
    path = tmp_path / "settings.toml"
    path.write_bytes(content)
    with pytest.raises(InputError, match="cannot be read as a settings file"):
        load_settings(path)


def test_folder_of_a_result_holds_its_settings(tmp_path):
    with pytest.raises(InputError, match=r"no settings file at .*settings\.toml"):
        load_settings(tmp_path)
    save_settings({"cluster": {"bandwidth": 0.25}}, tmp_path / "settings.toml")
    assert load_settings(tmp_path) == {"cluster": {"bandwidth": 0.25}}


def test_file_of_an_editor_with_a_mark_at_its_start_is_read(tmp_path):
    path = tmp_path / "settings.toml"
    path.write_text("[cluster]\nbandwidth = 0.25\n", encoding="utf-8-sig")
    assert load_settings(path) == {"cluster": {"bandwidth": 0.25}}


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "latin-1"])
def test_file_in_another_encoding_is_to_be_saved_as_utf_8(tmp_path, encoding):
    path = tmp_path / "settings.toml"
    path.write_text("# Größe\n[cluster]\nbandwidth = 0.25\n", encoding=encoding)
    with pytest.raises(InputError, match="save it as UTF-8"):
        load_settings(path)


@pytest.mark.parametrize("end", ["", "  # of the embeddings", "\nseeds = 'auto'"])
def test_a_decimal_comma_is_named_with_its_line(tmp_path, end):
    path = tmp_path / "settings.toml"
    path.write_text(f"[cluster]\nbandwidth = 0,1{end}\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"comma in line 2, .* write bandwidth = 0\.1"):
        load_settings(path)


@pytest.mark.parametrize(
    "content",
    ["[cluster]\nbandwidth = 3\n", "[cluster]\nwidth = 0.1\n", "cluster = 1\n"],
)
def test_file_with_an_unusable_value_is_one_sentence(tmp_path, content):
    path = tmp_path / "settings.toml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match="cannot be used"):
        load_settings(path)


def test_usual_values_are_possible_and_need_no_word():
    explained = 0
    for info in PARAMETERS:
        stage, name, usual = info.stage, info.name, info.usual
        if usual is None:
            continue
        explained += 1
        for value in (usual.low, usual.high):
            values = {name: value}
            # The seed factors only make sense together.
            values |= {"low": {"high": 64}, "high": {"low": 1}}.get(name, {})
            resolve_settings(user={stage: values})
            assert explain_value(name, value) == ""
        assert explain_value(name, info.default) == ""
        for end, step, words in (
            ("low", -1e-9, usual.below),
            ("high", 1e-9, usual.above),
        ):
            assert explain_value(name, getattr(usual, end) + step) == words
            assert not words or (words[0].isupper() and words.endswith("."))
    assert explained > 10


def test_values_without_a_usual_range_need_no_word():
    assert explain_value("mean", "raw") == ""
    assert explain_value("model", "auto") == ""
    assert explain_value("profile", "published") == ""


def test_how_the_input_is_read_is_a_setting_too(tmp_path):
    user = {"input": {"axes": "tczyx", "channel": "1", "plane": "max", "position": 2}}
    settings = resolve_settings(user=user)
    assert settings.input.axes == "TCZYX"
    assert (settings.input.channel, settings.input.plane) == (1, "max")
    save_settings(settings, tmp_path / "settings.toml")
    assert resolve_settings(file=load_settings(tmp_path / "settings.toml")) == settings


@pytest.mark.parametrize(
    ("name", "given", "taken"),
    [
        ("channel", 0, 0),
        ("channel", "0", 0),
        ("channel", "grey", "grey"),
        ("plane", 0, 0),
        ("plane", "12", 12),
        ("plane", "mean", "mean"),
        ("position", 0, 0),
        ("level", 0, 0),
        ("axes", "auto", "auto"),
        ("axes", "qyx", "QYX"),
    ],
)
def test_channels_and_planes_are_counted_from_0_or_have_a_name(name, given, taken):
    read = resolve_settings(user={"input": {name: given}}).input
    assert getattr(read, name) == taken


@pytest.mark.parametrize(
    "values",
    [
        {"axes": "TCY"},
        {"axes": "TTYX"},
        {"axes": "TYXW"},
        {"plane": "median"},
        {"plane": -1},
        {"channel": "violet"},
        {"position": -1},
        {"level": -1},
    ],
)
def test_a_senseless_reading_is_one_sentence(values):
    with pytest.raises(
        InputError, match=rf"input\.{next(iter(values))} cannot be used"
    ):
        resolve_settings(user={"input": values})


def test_a_part_of_the_settings_can_be_saved(tmp_path):
    part = {"cluster": {"bandwidth": 0.25}, "embed": {"network_size": (512, 384)}}
    save_settings(part, tmp_path / "part.toml")
    assert resolve_settings(file=load_settings(tmp_path / "part.toml")) == (
        resolve_settings(user=part)
    )


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("low", "2.0"),
        ("channel", "none"),
        ("network_size", "none"),
        ("warmup", "3 frames"),
        ("reseed", "on"),
        ("bandwidth", "0.1, unless the model recommends another"),
        ("diameter", "auto, unless the model recommends another"),
    ],
)
def test_a_default_reads_as_words(name, text):
    assert find_setting(name).default_text == text


def test_what_models_recommend_is_known():
    """A default that models replace would mislead whoever reads it alone."""
    recommended = {
        name
        for card in list_models()
        for values in card.settings.values()
        for name in values
    }
    assert recommended
    for name in recommended:
        assert find_setting(name).by_model, name
