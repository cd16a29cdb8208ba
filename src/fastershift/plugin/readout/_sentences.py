"""The report of a frame in words, as a person reads it."""

from collections.abc import Mapping
from typing import Any

__all__ = ["TIPS", "describe_change", "describe_frame"]

#: What each line of the read-out tells.
TIPS = {
    "Frame": "Current frame, counted from 0, and its time if the layer has a scale.",
    "Seeds N": "Seeds that were used; in brackets N_min, the smallest number required.",
    "Rounds": "Rounds of seeds, and why no further seeds were tried.",
    "Coverage": "Probability that N random seeds reach every cluster that "
    "was found, from their sizes. In brackets: if all had the "
    "same size (Zhao et al. 2021, Eq 14). A large difference "
    "means that some cells are much smaller than others.",
    "Iterations": "Iterations of all rounds together.",
    "Converged": "Share of the seeds that converged in time.",
    "Clusters": "Modes of the frame and its neighbour; one mode can "
    "represent several cells that do not touch.",
    "Cells": "Cells in this frame.",
    "Foreground": "Share of the pixels that were clustered.",
    "Expected F1": "How many of the cells will be right, at an overlap (IoU) of 0.5 "
    "with the true ones: from how little they depend on the diameter, and how sure "
    "the model is of their pixels.",
    "Time": "Milliseconds for network, clustering and linking; a frame "
    "whose embedding was kept does not need the network.",
    "Change": "Difference from the previous preview of this frame.",
}

_ENDED = {
    "enough seeds": "enough seeds",
    "all reached": "every cell reached",
    "all points": "every pixel was a seed",
    "max_seeds": "stopped at the largest number of seeds",
    "rounds": "stopped at the largest number of rounds",
}

_STAGES = ("network_ms", "clustering_ms", "linking_ms")


def describe_frame(row: Mapping[str, Any]) -> dict[str, str]:
    """Write the report of a frame.

    Parameters
    ----------
    row : mapping
        As `FrameReport.record` gives it; what an earlier version left out is left out.

    Returns
    -------
    dict
        A text for each name in `TIPS` but Frame and Change.
    """
    ended = _ENDED.get(row.get("stopped_by", ""), "")
    texts = {
        "Seeds N": f"{row['seeds']} (N_min {row['n_min']})",
        "Rounds": ", ".join(part for part in (str(row["rounds"]), ended) if part),
        "Iterations": str(row["iterations"]),
        "Converged": _share(row["converged"]),
        "Clusters": str(row["clusters"]),
        "Cells": str(row["cells"]),
        "Foreground": f"{row['foreground']:.1%}",
        "Time": ", ".join(
            f"{stage.removesuffix('_ms')} {row[stage]:.0f}" for stage in _STAGES
        )
        + " ms",
    }
    if row.get("expected_f1") is not None:
        texts["Expected F1"] = f"{row['expected_f1']:.2f}"
    if "coverage" in row:
        equal = _share(row["coverage_equal"])
        texts["Coverage"] = f"{_share(row['coverage'])} (Eq 14: {equal})"
    return texts


def describe_change(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Write what is different between two reports of a frame.

    Parameters
    ----------
    before, now : mapping
        As `FrameReport.record` gives them.

    Returns
    -------
    str
    """
    cells = now["cells"] - before["cells"]
    clusters = now["clusters"] - before["clusters"]
    took = sum(now[stage] - before[stage] for stage in _STAGES)
    parts = [_signed(cells, "cell"), _signed(clusters, "cluster")]
    return ", ".join([*parts, f"{_sign(round(took))} ms"])


def _share(share: float) -> str:
    """Write a share; what is not quite all is not written as 100 %."""
    if 0.995 <= share < 1:
        return f"{min(share, 0.9999):.2%}"
    return f"{share:.0%}"


def _sign(number: int) -> str:
    return f"+{number}" if number > 0 else f"−{-number}" if number else "±0"


def _signed(number: int, noun: str) -> str:
    return f"{_sign(number)} {noun}" + ("" if abs(number) == 1 else "s")
