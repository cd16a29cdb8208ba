"""Numbers of the seed policy against the paper and against exact arithmetic."""

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastershift.errors import InputError
from fastershift.meanshift import (
    SeedPolicy,
    coverage_probability,
    coverage_reached,
    n_min,
)

SHARES = (0.1, 0.25, 0.5, 0.75, 0.9, 0.99)
# Rows I, columns r = SHARES, P = 0.95, to the nearest whole number.
N_MIN = {
    1: (28, 10, 4, 2, 1, 1),
    2: (72, 28, 13, 8, 6, 5),
    3: (120, 47, 22, 14, 11, 10),
    5: (227, 89, 44, 28, 23, 21),
    8: (402, 159, 78, 51, 42, 38),
    10: (525, 208, 103, 68, 56, 51),
    15: (849, 338, 168, 111, 92, 83),
    20: (1190, 474, 236, 156, 130, 118),
    30: (1908, 761, 379, 252, 209, 190),
    40: (2661, 1062, 529, 352, 293, 266),
    60: (4235, 1692, 844, 562, 467, 425),
}


def inclusion_exclusion(n: int, instances: int, share: Fraction) -> float:
    return float(
        sum(
            (-1) ** j * math.comb(instances, j) * (1 - j * share / instances) ** n
            for j in range(instances + 1)
        )
    )


@pytest.mark.parametrize("instances", N_MIN)
def test_n_min_agrees_with_the_table(instances):
    found = tuple(round(n_min(instances, share, 0.95)) for share in SHARES)
    assert found == N_MIN[instances]


@given(
    instances=st.integers(1, 500),
    share=st.floats(0.01, 0.999),
    coverage=st.floats(0.01, 0.999),
)
def test_n_min_seeds_reach_the_wanted_probability(instances, share, coverage):
    seeds = n_min(instances, share, coverage)
    missed = math.exp(seeds * math.log(1 - share / instances))
    assert (1 - missed) ** instances == pytest.approx(coverage, rel=1e-6)


@pytest.mark.parametrize(
    ("instances", "share", "at_95", "at_99"),
    [(10, 1.0, 51, 66), (7, 0.5, 67, 89), (3, 0.5, 23, 32)],
)
def test_n_min_of_the_three_simulations(instances, share, at_95, at_99):
    assert math.ceil(n_min(instances, share, 0.95)) == at_95
    assert math.ceil(n_min(instances, share, 0.99)) == at_99


@pytest.mark.parametrize(
    ("share", "seeds"),
    [
        (0.3927, 101),
        (0.35, 113),
        (0.30, 133),
        (0.25, 160),
        (0.20, 200),
        (0.15, 267),
        (0.10, 402),
    ],
)
def test_n_min_of_appendix_a(share, seeds):
    assert math.ceil(n_min(8, share, 0.95)) == seeds


@pytest.mark.parametrize(
    ("instances", "share", "expected"),
    [
        (10, 1.0, (0.004, 0.129, 0.705, 0.988, 1, 1)),
        (7, 0.5, (0.004, 0.078, 0.504, 0.941, 1, 1)),
        (3, 0.5, (0.452, 0.846, 0.991, 1, 1, 1)),
    ],
)
def test_equation_14_agrees_with_its_table(instances, share, expected):
    seeds = (8, 16, 32, 64, 128, 256)
    found = [coverage_probability(n, instances, share, exact=False) for n in seeds]
    assert found == pytest.approx(expected, abs=6e-4)


@given(
    n=st.integers(0, 200),
    instances=st.integers(1, 25),
    share=st.integers(1, 100).map(lambda percent: Fraction(percent, 100)),
)
def test_exact_coverage_is_inclusion_exclusion(n, instances, share):
    expected = inclusion_exclusion(n, instances, share)
    exact = coverage_probability(n, instances, float(share))
    assert exact == pytest.approx(expected, abs=1e-12)
    # Not drawing the same point for two instances makes covering all of them rarer.
    assert exact <= coverage_probability(n, instances, float(share), exact=False) + 1e-9


def test_exact_coverage_stays_exact_where_the_alternating_sum_cancels():
    expected = inclusion_exclusion(100, 60, Fraction(1))
    assert coverage_probability(100, 60, 1.0) == pytest.approx(expected, rel=1e-9)


def test_a_single_instance_that_holds_everything_needs_one_seed():
    assert n_min(1, 1.0, 0.95) == 1
    assert SeedPolicy(128).observed(1, 1.0, 0.95).n_min == 1
    assert SeedPolicy(128).observed(0, 0.0, 0.95).n_min == 1


@pytest.mark.parametrize(
    ("instances", "share", "coverage"),
    [(0, 1.0, 0.9), (3, 0.0, 0.9), (3, 1.1, 0.9), (3, 1.0, 0.0), (3, 1.0, 1.0)],
)
def test_odds_out_of_range_are_refused(instances, share, coverage):
    with pytest.raises(InputError):
        n_min(instances, share, coverage)


def test_negative_seeds_and_empty_policies_are_refused():
    with pytest.raises(InputError):
        coverage_probability(-1, 3, 1.0)
    with pytest.raises(InputError):
        SeedPolicy(0)


def test_policy_doubles_below_and_reduces_above():
    policy = SeedPolicy(128).observed(20, 1.0, 0.95)
    assert not policy.is_enough(2.0)
    assert policy.doubled(4096) == SeedPolicy(256, policy.n_min)
    assert policy.doubled(200).n == 200
    assert SeedPolicy(128).doubled(100).n == 128
    assert policy.reduced(8.0) is policy
    plenty = SeedPolicy(1000, 100.5)
    assert plenty.reduced(8.0).n == 899
    assert plenty.reduced(10.0) is plenty
    assert SeedPolicy(5).reduced(8.0).n == 5


@given(
    n=st.integers(1, 5000),
    value=st.floats(0.1, 3000),
    low=st.floats(1, 16),
    factor=st.floats(2, 8),
)
def test_reduction_never_calls_for_doubling(n, value, low, factor):
    policy = SeedPolicy(n, value)
    high = low * factor
    if policy.is_enough(low):
        reduced = policy.reduced(high)
        assert 1 <= reduced.n <= n
        # Rounding N_min up takes at most one seed too many.
        assert reduced.n + 1 >= low * value


@given(
    sizes=st.lists(st.integers(1, 50), min_size=1, max_size=6),
    n=st.integers(0, 60),
)
def test_coverage_reached_agrees_with_its_definition(sizes, n):
    shares = [Fraction(size, sum(sizes)) for size in sizes]
    expected = math.prod(1 - (1 - share) ** n for share in shares)
    reached = coverage_reached(n, [float(share) for share in shares])
    assert reached == pytest.approx(float(expected), abs=1e-9)


def test_coverage_reached_of_equal_clusters_is_equation_14():
    for instances, share, n in [(10, 1.0, 51), (7, 0.5, 67), (1, 1.0, 3)]:
        equal = coverage_probability(n, instances, share, exact=False)
        reached = coverage_reached(n, [share / instances] * instances)
        assert reached == pytest.approx(equal, rel=1e-9)


def test_a_small_cluster_is_the_one_that_is_missed():
    equal = coverage_reached(100, [0.25] * 4)
    assert equal > 0.999
    assert coverage_reached(100, [0.33, 0.33, 0.33, 0.01]) < 0.65


def test_coverage_reached_refuses_what_is_no_share():
    assert coverage_reached(5, []) == 1
    for shares in ([0.0], [1.5], [float("nan")]):
        with pytest.raises(InputError, match="above 0"):
            coverage_reached(5, shares)
    with pytest.raises(InputError, match="negative"):
        coverage_reached(-1, [0.5])
