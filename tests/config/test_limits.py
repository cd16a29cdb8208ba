"""The values that each setting takes, those that need no word, and those of presets."""

import math
import re
from pathlib import Path
from typing import Literal, get_args, get_origin

import pytest

from fastershift.config import (
    PRESETS,
    explain_value,
    find_setting,
    iter_settings,
    load_settings,
    resolve_settings,
    save_settings,
)
from fastershift.errors import InputError

# A promise to settings files that people keep: what they hold stays usable, and means
# the same. Default, limits (brackets: the limit itself is not taken), usual values.
PROMISED = """
level                  0      0 inf
zoom                   1.0    (0 1
blur                   1.0    0 20         0 5
block                  16     1 1000       4 64
warmup                 3      0 100        1 10
window                 0      0 100
tile                   1024   0 inf
tile_overlap           384    0 inf
largest_frame          2048   0 inf
bandwidth              0.1    (0 2)        0.003 0.5
gamma                  0.9    (0 1         0.5 0.98
low                    2.0    1 64         1.5 8
high                   8.0    2 1024       4 64
n_initial              128    1 65536      16 2048
coverage               0.95   (0 1)        0.8 0.999
max_seeds              4096   1 1000000
min_cluster_size       10     1 inf
max_iter               300    1 inf        20 1000
coordinate_weight      0.0    0 1          0 0.02
random_seed            0      0 2147483647
foreground             0.5    (0 1)        0.1 0.9
smallest_cell          0.1    0 10         0.01 0.5
smallest_cell_pixels   None   0 inf
least_certainty        0.0    0 1)         0.0 0.6
linking_overlap        0.25   0 1          0.05 0.7
division_search        2      0 100        1 10
parent_reach           0.6    0 5          0.2 1.5
parent_dilation        None   0 99
merge_search           10     0 1000
shortest_track         2      1 1000       1 20
border                 0      0 inf
farthest_move          3.0    (0 20        0.3 5
size_cost              0.5    0 20
overlap_cost           1.0    0 20
vote_weight            0.0    0 1
division_cost          0.2    0 20         0.1 1
longest_gap            2      0 100
gap_cost               0.5    0 20
"""
LIMITS = [tuple(line.split(None, 4)) for line in PROMISED.strip().splitlines()]
NUMBERS = [
    info
    for info in iter_settings()
    if info.kind in (int, float) or math.isfinite(info.low)
]
CHOICES = [
    (info, get_args(info.kind))
    for info in iter_settings()
    if get_origin(info.kind) is Literal
]
# Seed factors and tiles are checked against each other, too.
PARTNERS = {"low": {"high": 1024}, "high": {"low": 1}, "tile_overlap": {"tile": 10**9}}
PARTNERS["tile"] = {"tile_overlap": 0}


def taken(info, value):
    """A value as the settings hold it, or None where it is refused by its name."""
    values = {info.name: value} | PARTNERS.get(info.name, {})
    try:
        settings = resolve_settings(user={info.stage: values})
    except InputError as error:
        if f"{info.stage}.{info.name} cannot be used" in str(error):
            return None
        raise
    return getattr(getattr(settings, info.stage), info.name)


def nearest(info, value, toward):
    """The next number that the setting could hold."""
    if info.kind is float:
        return math.nextafter(value, toward)
    return value + (1 if toward > value else -1)


@pytest.mark.parametrize("row", LIMITS, ids=lambda row: row[0])
def test_saved_values_stay_usable_and_mean_the_same(row):
    name, default, low, high, *usual = row
    info = find_setting(name)
    assert str(info.default) == default
    assert (info.low, info.above_low) == (float(low.strip("(")), low[0] == "(")
    assert (info.high, info.below_high) == (float(high.strip(")")), high[-1] == ")")
    expected = tuple(map(float, usual[0].split())) if usual else None
    assert (info.usual and info.usual[:2]) == expected


def test_every_number_is_promised():
    assert {info.name for info in NUMBERS} == {row[0] for row in LIMITS}


@pytest.mark.parametrize("info", NUMBERS, ids=lambda info: info.name)
def test_limits_are_taken_and_the_next_values_are_refused(info):
    for end, excluded, outward in (
        (info.low, info.above_low, -math.inf),
        (info.high, info.below_high, math.inf),
    ):
        if not math.isfinite(end):
            continue
        end = end if info.kind is float else int(end)
        inside = nearest(info, end, -outward) if excluded else end
        outside = end if excluded else nearest(info, end, outward)
        assert taken(info, inside) == inside
        assert taken(info, outside) is None


@pytest.mark.parametrize("info", NUMBERS, ids=lambda info: info.name)
def test_numbers_are_numbers(info):
    for wrong in ("many", "1,5", [1], float("nan")):
        assert taken(info, wrong) is None
    if info.kind is not float:
        assert taken(info, 1.5) is None


@pytest.mark.parametrize(
    ("info", "words"), CHOICES, ids=[info.name for info, _ in CHOICES]
)
def test_words_are_those_that_are_offered(info, words):
    assert info.default in words
    for word in words:
        assert taken(info, word) == word
    for wrong in ("", words[0].upper(), f"{words[0]} "):
        assert taken(info, wrong) is None


def test_what_does_not_fit_together_is_refused():
    def refused(values, words):
        with pytest.raises(InputError, match=words):
            resolve_settings(user={"embed": values})

    refused({"tile": 384}, "overlap must be smaller than the tile")
    assert resolve_settings(user={"embed": {"tile": 385}}).embed.tile == 385
    # Without tiles there is nothing to overlap.
    assert resolve_settings(user={"embed": {"tile": 0}}).embed.tile_overlap == 384
    for size in ((0, 512), (512, 0), (-3, 40)):
        refused({"network_size": size}, "at least 1 × 1 pixels")
    assert resolve_settings(user={"embed": {"network_size": (1, 1)}})
    for diameter in (0.99, 2000.01, float("inf"), float("nan")):
        refused({"diameter": diameter}, "between 1 and 2000 pixels")
    for diameter in (1, 2000):
        resolve_settings(user={"embed": {"diameter": diameter}})


def test_steps_can_be_noticed_but_do_not_jump_over_what_is_usual():
    stepped = [info for info in iter_settings() if info.step is not None]
    assert len(stepped) > 10
    for info in stepped:
        assert info.step > 0
        if info.usual is not None:
            assert info.step < info.usual.high - info.usual.low


def test_a_value_beyond_the_usual_ones_has_its_own_sentence():
    for info in iter_settings():
        if info.usual is not None and info.usual.below and info.usual.above:
            assert info.usual.below != info.usual.above
            assert explain_value(info.name, info.usual.low / 2 - 1) == info.usual.below
            assert explain_value(info.name, 2 * info.usual.high) == info.usual.above


def presets_of_the_page():
    """Read the table of presets: name, then numbers as they are printed."""
    page = Path(__file__).parents[2] / "docs" / "models" / "published.md"
    rows = re.findall(
        r"^\| `(\S+)` ?(.*?)\|(.+×.+)\|$", page.read_text("utf-8"), re.MULTILINE
    )
    return {name: (note, re.findall(r"\d+", numbers)) for name, note, numbers in rows}


def test_presets_are_those_of_the_page():
    page = presets_of_the_page()
    assert page.keys() == PRESETS.keys()
    for name, (note, numbers) in page.items():
        preset = resolve_settings(preset=name)
        embed, track = preset.embed, preset.track
        assert [
            *embed.network_size,
            track.smallest_cell_pixels,
            track.border,
            track.parent_dilation,
            track.division_search,
            track.shortest_track,
        ] == list(map(int, numbers))
        zoom = re.search(r"zoom ([\d.]+)", note)
        assert embed.zoom == (float(zoom[1]) if zoom else 1.0)


def test_the_published_profile_has_the_constants_of_all_data_sets():
    settings = resolve_settings(user={"profile": "published"}, preset="DIC-C2DH-HeLa")
    embed, cluster, track = settings.embed, settings.cluster, settings.track
    assert (cluster.bandwidth, cluster.coordinate_weight) == (0.1, 0.005)
    assert (cluster.n_initial, cluster.low, cluster.high) == (128, 2, 8)
    assert (embed.tile, embed.tile_overlap, embed.window, embed.blur) == (
        256,
        128,
        8,
        1,
    )
    assert (track.merge_search, track.linking_overlap) == (10, 0.25)
    assert embed.precision == "float32"
    # What was added to the method since is left out.
    added = ("reseed", "local_modes", "join_alike", "split_large")
    assert not any(getattr(cluster, name) for name in added)
    assert cluster.min_cluster_size == 1
    assert track.linker in ("auto", "overlap")


def test_settings_that_cannot_be_written_leave_the_former_file(tmp_path):
    path = tmp_path / "settings.toml"
    save_settings({"cluster": {"bandwidth": 0.2}}, path)
    with pytest.raises(TypeError):
        save_settings({"cluster": {"bandwidth": object()}}, path)
    assert load_settings(path) == {"cluster": {"bandwidth": 0.2}}
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("name", "value"), [("diameter", "large"), ("network_size", [512, "x"])]
)
def test_a_sentence_names_the_setting_and_not_the_type_within(name, value):
    with pytest.raises(InputError, match=rf"The setting embed\.{name} cannot be used"):
        resolve_settings(user={"embed": {name: value}})


def test_a_stage_is_a_table_of_values():
    for wrong in (None, 3, [1], "bandwidth"):
        with pytest.raises(InputError, match="cluster cannot be used"):
            resolve_settings(user={"cluster": wrong})


def test_files_are_laid_over_each_other_value_by_value():
    settings = resolve_settings(
        card={"cluster": {"bandwidth": 0.3}, "embed": {"blur": 2}},
        file={"cluster": {"gamma": 0.8}},
        user={"cluster": {"reseed": False}},
    )
    cluster = settings.cluster
    assert (cluster.bandwidth, cluster.gamma, cluster.reseed) == (0.3, 0.8, False)
    assert settings.embed.blur == 2


@pytest.mark.parametrize(
    ("part", "name", "value", "sentence"),
    [
        ("embed", "diameter", 0, "These settings cannot be used: the cell diameter"),
        ("cluster", "bandwidth", float("nan"), "bandwidth cannot be used: it is not a"),
    ],
)
def test_the_sentence_tells_what_is_wrong(part, name, value, sentence):
    with pytest.raises(InputError, match=sentence):
        resolve_settings(user={part: {name: value}})
