"""The estimator keeps scikit-learn's contract, for arrays and for tensors."""

import numpy as np
import pytest
import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.estimator_checks import parametrize_with_checks

from fastershift import FasterMeanShift
from fastershift.errors import InputError
from fastershift.meanshift import SeedPolicy


@parametrize_with_checks([FasterMeanShift()])
def test_scikit_learn_contract(estimator, check):
    check(estimator)


def three_clusters(n: int = 300) -> np.ndarray:
    rng = np.random.default_rng(0)
    return np.eye(3)[np.arange(n) % 3] + 0.05 * rng.standard_normal((n, 3))


def test_attributes_describe_what_happened():
    X = three_clusters()
    found = FasterMeanShift(random_state=0).fit(X)
    assert isinstance(found.labels_, np.ndarray)
    assert found.labels_.dtype == np.int64
    assert found.cluster_sizes_.tolist() == [100, 100, 100]
    assert found.cluster_centers_.shape == (3, 3)
    assert np.allclose(np.linalg.norm(found.cluster_centers_, axis=1), 1)
    assert (found.n_seeds_, found.n_min_, found.n_rounds_) == (128, 11, 1)
    assert found.stopped_by_ == "all reached"
    assert found.policy_.n == 128 - 11
    assert 0.9 < found.converged_fraction_ <= 1
    assert found.n_iter_ >= 1
    assert np.array_equal(found.predict(X), found.labels_)


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
def test_a_tensor_gives_tensors_and_the_same_labels(dtype):
    X = three_clusters()
    expected = FasterMeanShift(random_state=0).fit_predict(X)
    model = FasterMeanShift(random_state=0).fit(torch.as_tensor(X).to(dtype))
    assert isinstance(model.labels_, torch.Tensor)
    assert isinstance(model.cluster_centers_, torch.Tensor)
    assert model.cluster_centers_.dtype == torch.float32
    assert np.array_equal(model.labels_.numpy(), expected)
    assert np.array_equal(model.predict(X), expected)


def test_non_contiguous_and_read_only_input():
    X = three_clusters()
    expected = FasterMeanShift(random_state=0).fit_predict(X)
    wide = np.repeat(X, 2, axis=1)[:, ::2]
    wide.setflags(write=False)
    assert np.array_equal(FasterMeanShift(random_state=0).fit_predict(wide), expected)
    transposed = torch.as_tensor(X).T.contiguous().T
    labels = FasterMeanShift(random_state=0).fit_predict(transposed)
    assert np.array_equal(labels.numpy(), expected)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("convert", [np.asarray, torch.as_tensor])
def test_nan_and_infinity_are_refused(value, convert):
    X = three_clusters()
    X[7, 1] = value
    with pytest.raises(ValueError, match=r"NaN|infinity"):
        FasterMeanShift().fit(convert(X))


@pytest.mark.parametrize("convert", [np.asarray, torch.as_tensor])
@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (5,)])
def test_other_shapes_are_refused(convert, shape):
    with pytest.raises(ValueError):  # noqa: PT011 (the array case is scikit-learn's)
        FasterMeanShift().fit(convert(np.zeros(shape)))


@pytest.mark.parametrize("parameters", [{"bandwidth": 2.0}, {"device": "abacus"}])
def test_parameters_out_of_range_are_refused(parameters):
    with pytest.raises(InputError):
        FasterMeanShift(**parameters).fit(three_clusters())


@pytest.mark.parametrize("seeds", [[], [-1], [300], [[0, 1]]])
def test_seeds_that_are_no_rows_are_refused(seeds):
    with pytest.raises(InputError):
        FasterMeanShift().fit(three_clusters(), seeds=np.array(seeds, dtype=int))


def test_predict_refuses_another_number_of_columns():
    model = FasterMeanShift(random_state=0).fit(torch.as_tensor(three_clusters()))
    with pytest.raises(ValueError, match="columns"):
        model.predict(torch.ones(4, 5))


def test_given_seeds_switch_the_policy_off():
    X = three_clusters()
    policy = SeedPolicy(77)
    model = FasterMeanShift(reseed=False, random_state=0)
    model.fit(X, seeds=np.array([0, 1]), policy=policy)
    assert model.n_seeds_ == 2
    assert model.stopped_by_ == "enough seeds"
    assert len(model.cluster_sizes_) == 2
    assert model.policy_.n == 77


def test_a_policy_carries_the_number_of_seeds():
    X = three_clusters(3000)
    model = FasterMeanShift(reseed=False, random_state=0)
    seeds, policy = [], None
    for _ in range(8):
        model.fit(X, policy=policy)
        policy = model.policy_
        seeds.append(model.n_seeds_)
    # N_min is 10.4: above 83.2 seeds, 11 fewer with each frame.
    assert seeds == [128, 117, 106, 95, 84, 73, 73, 73]


def test_no_convergence_keeps_all_seeds_and_warns():
    X = three_clusters()
    with pytest.warns(ConvergenceWarning, match="No seed converged"):
        model = FasterMeanShift(max_iter=1, reseed=False, random_state=0).fit(X)
    assert model.converged_fraction_ == 0
    assert len(model.cluster_sizes_) >= 1
    assert (model.labels_ >= 0).all()
