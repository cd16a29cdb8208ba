"""Suite ``appendix-a``: discs that hide each other, as in Appendix A."""

import math

import numpy as np
import torch
from sklearn.metrics import adjusted_rand_score

from fastershift._devices import choose_device
from fastershift.benchmark._measure import seconds_of
from fastershift.benchmark._simulations import overlapping_discs
from fastershift.benchmark._suite import (
    BenchmarkOptions,
    Cell,
    Plot,
    Series,
    SuiteResult,
    Table,
)
from fastershift.meanshift import FasterMeanShift, n_min

__all__ = ["run"]

_SIDE, _QUICK_SIDE = 1000, 250
_DISCS, _DIMENSIONS = 8, 18
_SHARES = (0.39, 0.35, 0.3, 0.25, 0.2, 0.15, 0.1)


def run(options: BenchmarkOptions) -> SuiteResult:
    """Cluster eight discs without noise, first seeds by Eq 19.

    Parameters
    ----------
    options : BenchmarkOptions
        In the quick form at a quarter of the side.

    Returns
    -------
    SuiteResult
    """
    device = choose_device(options.device)
    side = _QUICK_SIDE if options.quick else _SIDE
    rows: list[tuple[Cell, ...]] = []
    for share in _SHARES:
        truth = overlapping_discs(share, side).ravel()
        points = torch.eye(_DIMENSIONS)[torch.as_tensor(truth)].to(device)
        pixels = np.bincount(truth, minlength=_DISCS + 1)[1:]
        first = math.ceil(n_min(_DISCS, share, 0.95))
        for reseed in (False, True):
            mean_shift = FasterMeanShift(
                n_initial=first,
                background="largest",
                reseed=reseed,
                random_state=options.seed,
            )
            _, seconds = seconds_of(lambda: mean_shift.fit(points), device)  # noqa: B023
            labels = torch.as_tensor(mean_shift.labels_).cpu().numpy()
            rows.append(
                (
                    share,
                    first,
                    mean_shift.n_seeds_,
                    reseed,
                    len(mean_shift.cluster_sizes_) - 1,
                    int((pixels > 0).sum()),
                    int(pixels.min()),
                    float(adjusted_rand_score(truth, labels)),
                    seconds,
                )
            )
    columns = (
        "share covered r",
        "N by Eq 19",
        "seeds used",
        "re-seeding",
        "discs found",
        "discs visible",
        "smallest disc (px)",
        "ARI",
        "seconds",
    )
    plain = [row for row in rows if not row[3]]
    return SuiteResult(
        summary={str(row[0]): row[7] for row in plain},
        tables=(Table("Appendix A", columns, tuple(rows)),),
        plots=(
            Plot(
                "Appendix A",
                "share covered r",
                "seconds",
                (
                    Series(
                        f"{side} x {side} x {_DIMENSIONS}",
                        _SHARES,
                        tuple(float(str(row[8])) for row in plain),
                    ),
                ),
            ),
        ),
        notes=(f"Images of {side} x {side} pixels, no noise, h = 0.1, L = 2, H = 8.",),
    )
