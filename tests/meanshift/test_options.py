"""The parameters of a clustering: one set, checked when it is made."""

from dataclasses import FrozenInstanceError, asdict

import pytest

from fastershift import FasterMeanShift
from fastershift.errors import InputError
from fastershift.meanshift import ClusterOptions


def test_the_estimator_has_the_same_parameters_and_defaults():
    parameters = FasterMeanShift().get_params()
    own = {"device": "auto", "random_state": None}
    assert parameters == asdict(ClusterOptions()) | own


@pytest.mark.parametrize(
    "allowed",
    [
        {"bandwidth": 1e-9},
        {"bandwidth": 1.999},
        {"gamma": 1e-9},
        {"gamma": 1.0},
        {"low": 2.0, "high": 4.0},
        {"low": 1e-9, "high": 1e-3},
        {"coverage": 1e-9},
        {"coverage": 0.999},
        {"background": "largest"},
        {"mean": "raw"},
        *({name: 1} for name in ("n_initial", "max_seeds", "min_cluster_size")),
        {"max_iter": 1},
    ],
)
def test_what_lies_within_its_range_is_kept(allowed):
    options = ClusterOptions(**allowed)
    assert allowed.items() <= asdict(options).items()


@pytest.mark.parametrize(
    ("refused", "sentence"),
    [
        ({"bandwidth": 0.0}, "bandwidth h must lie between 0 and 2"),
        ({"bandwidth": 2.0}, "bandwidth"),
        ({"bandwidth": float("nan")}, "bandwidth"),
        ({"gamma": 0.0}, "early stop γ must be above 0, at most 1"),
        ({"gamma": 1.001}, "γ"),
        ({"low": 2, "high": 3.999}, "H must be at least 2·L"),
        ({"low": 0, "high": 1}, "L above 0"),
        ({"coverage": 0.0}, "coverage P must lie between 0 and 1"),
        ({"coverage": 1.0}, "coverage"),
        ({"background": "darkest"}, "background must be 'none' or 'largest'"),
        ({"mean": "median"}, "mean must be 'unit' or 'raw'"),
        ({"n_initial": 0}, "n_initial must be at least 1"),
        ({"max_seeds": 0}, "max_seeds must be at least 1"),
        ({"min_cluster_size": 0}, "min_cluster_size must be at least 1"),
        ({"max_iter": 0}, "max_iter must be at least 1"),
    ],
)
def test_what_lies_beyond_is_refused_in_one_sentence(refused, sentence):
    with pytest.raises(InputError, match=sentence):
        ClusterOptions(**refused)


def test_options_stay_as_they_were_checked():
    with pytest.raises(FrozenInstanceError):
        ClusterOptions().bandwidth = 3.0
