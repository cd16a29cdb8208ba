"""The number of seeds of a frame pair, from a sample of it."""

import math
from dataclasses import replace

import torch
from torch import Tensor

from fastershift.meanshift import ClusterOptions, SeedPolicy, cluster

__all__ = ["settled_policy"]

# Vectors that are clustered to guess the number of clusters. A guess is enough: the
# clustering of all vectors doubles the seeds where it turns out too low.
_SAMPLE = 1024

# Shifts after which a seed of the sample has come near enough to its mode.
_SHIFTS = 30

# A single vector of the sample that is like no other is rarely a cell.
_SMALLEST = 2


def settled_policy(
    codes: Tensor, options: ClusterOptions, generator: torch.Generator | None
) -> SeedPolicy:
    """Find the number of seeds that the rule of the paper comes to rest at.

    Zhao et al. (2021) adapt N from frame to frame: it is doubled while it is below
    L·N_min (Eq 21) and lowered by N_min, once a frame, while it is above H·N_min. Here
    a small sample of the vectors stands for all frames of a movie in which nothing
    changes, so that N depends on this pair alone.

    Parameters
    ----------
    codes : Tensor
        (n, d) vectors that will be clustered.
    options : ClusterOptions
        How they will be clustered; N starts from `n_initial`.
    generator : torch.Generator, optional
        Draws the sample and its seeds.

    Returns
    -------
    SeedPolicy
    """
    if not len(codes):
        return SeedPolicy(options.n_initial)
    rows = torch.randint(len(codes), (_SAMPLE,), generator=generator)
    found = cluster(
        codes if len(codes) <= _SAMPLE else codes[rows.to(codes.device)],
        replace(
            options,
            reseed=False,
            min_cluster_size=_SMALLEST,
            max_iter=min(options.max_iter, _SHIFTS),
        ),
        generator=generator,
    )
    return _lowered(found.policy, options.high)


def _lowered(policy: SeedPolicy, high: float) -> SeedPolicy:
    """Lower N by N_min until it is no more than H·N_min."""
    step = math.ceil(policy.n_min)
    excess = policy.n - high * policy.n_min
    if not step or excess <= 0:
        return policy
    return replace(policy, n=max(1, policy.n - math.ceil(excess / step) * step))
