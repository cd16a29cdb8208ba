"""Sentences for a paper say what made a result."""

from fastershift.config import resolve_settings
from fastershift.session import describe_methods

PROVENANCE = {"fastershift": "1.2.3", "model": "nuclei", "model_sha256": "ab" * 32}


def text_of(user=None, provenance=PROVENANCE, **options):
    settings = resolve_settings(user=user or {}).model_dump(mode="json")
    return describe_methods(settings, provenance, **options)


def test_version_model_and_citations_are_named():
    text = text_of({"embed": {"diameter": 22.0}})
    assert "segmented and tracked with fastershift 1.2.3" in text
    assert "The model was nuclei (SHA-256 of its weights abababababab…)" in text
    assert "at a cell diameter of 22 pixels" in text
    for doi in ("10.1016/j.media.2019.06.015", "10.1016/j.media.2021.102048"):
        assert doi in text
    assert "All settings had their default values." in text


def test_settings_that_differ_are_listed_and_no_others():
    text = text_of({"cluster": {"bandwidth": 0.25}, "track": {"smallest_cell": 7}})
    listed = text.partition("Settings other than the defaults were ")[2]
    assert "0.25" in listed
    assert "smallest cell 7" in listed
    assert listed.count(",") == 1


def test_masks_that_were_given_are_not_called_segmented():
    text = text_of(provenance={"fastershift": "1.2.3", "model": "given masks"})
    assert "tracked in masks that were given" in text
    assert "The model was" not in text


def test_corrections_are_counted():
    assert "(2 edits)" in text_of(corrections={"history": [1, 2]})
    assert "by hand" not in text_of(corrections={"history": []})


def test_what_is_not_known_is_left_out():
    text = describe_methods({}, {})
    assert "with fastershift, which" in text
    assert "settings" not in text.lower()


def test_switches_are_on_or_off_and_units_are_named():
    text = text_of({"cluster": {"reseed": False, "split_large": True}})
    assert "were re-seed off, split large cells on." in text
    assert "were shortest track 3 frames." in text_of({"track": {"shortest_track": 3}})


def test_one_edit_is_one_edit():
    assert text_of(corrections={"history": [1]}).endswith("by hand (1 edit).")


def test_a_model_without_a_known_size_has_none():
    provenance = {"model": "nuclei"}
    assert "The model was nuclei. " in describe_methods({"track": {}}, provenance)


def test_alternatives_are_told():
    given = {"model": "given masks"}
    several = given | {"alternatives": [["a.tif", 5], ["b.tif", 1], ["c.tif", 0]]}
    assert "Of 3 segmentations" in describe_methods({}, several)
    assert "segmentations" not in describe_methods({}, given)
