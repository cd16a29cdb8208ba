"""One core is left to the window, and nothing else changes."""

import subprocess
import sys
import threading

import numpy as np
import pytest
import torch

from fastershift.pipeline import cluster_pair, plan_run
from fastershift.session import spare_core


def threads_elsewhere():
    """How many threads torch takes in a thread of its own."""
    seen = []
    other = threading.Thread(target=lambda: seen.append(torch.get_num_threads()))
    other.start()
    other.join()
    return seen


def test_the_limit_is_that_of_one_thread():
    here, elsewhere = torch.get_num_threads(), threads_elsewhere()
    with spare_core():
        inside = torch.get_num_threads()
        assert threads_elsewhere() == elsewhere
    assert inside == 1 or inside < here
    assert torch.get_num_threads() == here


def test_cells_do_not_depend_on_it():
    rng = np.random.default_rng(0)
    modes = np.linalg.qr(rng.normal(size=(8, 8)))[0]
    which = np.kron(rng.integers(0, 8, (2, 8, 8)), np.ones((1, 16, 16), int))
    embeddings = modes[which].transpose(0, 3, 1, 2)
    embeddings += 0.05 * rng.normal(size=embeddings.shape)
    plan = plan_run(None, {}, embeddings=embeddings.astype(np.float16))
    (pair,) = (found for found in plan.source.pair(0) if found is not None)
    found = cluster_pair(plan, pair)
    with spare_core():
        again = cluster_pair(plan, pair)
    np.testing.assert_array_equal(again.labels, found.labels)
    np.testing.assert_array_equal(again.clusters, found.clusters)
    assert found.labels.max() > 8


@pytest.mark.slow  # a process that loads everything anew
def test_a_session_does_not_load_scikit_learn():
    """It takes a second to load, and only the estimator and learning need it."""
    code = "import sys, fastershift.session; print('sklearn' in sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "False"
