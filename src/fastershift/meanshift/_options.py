"""How Faster Mean-shift looks for clusters: its parameters, checked once."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from fastershift.errors import InputError

__all__ = ["Background", "ClusterOptions", "Mean"]

Background: TypeAlias = Literal["none", "largest"]
Mean: TypeAlias = Literal["unit", "raw"]


@dataclass(frozen=True, kw_only=True)
class ClusterOptions:
    """The parameters of `FasterMeanShift` that decide what is found.

    Their meaning, units and ranges are those of `FasterMeanShift`.

    Raises
    ------
    InputError
        For a value out of range.
    """

    bandwidth: float = 0.1
    n_initial: int = 128
    gamma: float = 0.9
    low: float = 2.0
    high: float = 8.0
    coverage: float = 0.95
    background: Background = "none"
    mean: Mean = "unit"
    reseed: bool = True
    max_seeds: int = 4096
    min_cluster_size: int = 1
    max_iter: int = 300

    def __post_init__(self) -> None:
        _require(0 < self.bandwidth < 2, "The bandwidth h must lie between 0 and 2.")
        _require(0 < self.gamma <= 1, "The early stop γ must be above 0, at most 1.")
        _require(
            self.high >= 2 * self.low > 0, "H must be at least 2·L, and L above 0."
        )
        _require(0 < self.coverage < 1, "The coverage P must lie between 0 and 1.")
        _require(
            self.background in ("none", "largest"),
            "The background must be 'none' or 'largest'.",
        )
        _require(self.mean in ("unit", "raw"), "The mean must be 'unit' or 'raw'.")
        for name in ("n_initial", "max_seeds", "min_cluster_size", "max_iter"):
            _require(getattr(self, name) >= 1, f"{name} must be at least 1.")


def _require(holds: bool, sentence: str) -> None:
    if not holds:
        raise InputError(sentence)
