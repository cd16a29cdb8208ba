"""From embeddings to clusters: the settings of Faster Mean-shift."""

from typing import Literal

from pydantic import model_validator

from fastershift.config._field import Stage, Usual, setting

__all__ = ["ClusterSettings"]


class ClusterSettings(Stage):
    """From embeddings to clusters: Faster Mean-shift (Zhao et al. 2021)."""

    bandwidth: float = setting(
        0.1,
        "Larger values merge cells, smaller ones break them into pieces. It is the "
        "radius of the mean-shift window as cosine distance: pixels whose embeddings "
        "are closer than this belong together.",
        label="Bandwidth",
        by_model=True,
        symbol="h",
        advanced=False,
        step=0.01,
        gt=0,
        lt=2,
        usual=Usual(
            0.003,
            0.5,
            "Such small values break cells into pieces and leave many "
            "pixels unassigned.",
            "Such large values merge neighbouring cells.",
        ),
    )
    gamma: float = setting(
        0.9,
        "A round of shifting ends when more than this share of its seeds has "
        "converged; the others are discarded.",
        label="Early stop",
        symbol="γ",
        advanced=False,
        step=0.01,
        gt=0,
        le=1,
        usual=Usual(
            0.5,
            0.98,
            "More than half of the seeds may be discarded before they "
            "converge; small cells are lost first.",
            "A round waits for its slowest seed, which takes long and changes little.",
        ),
    )
    low: float = setting(
        2.0,
        "With fewer than L·N_min seeds the number of seeds is doubled at once.",
        label="Lower factor",
        symbol="L",
        advanced=False,
        step=0.5,
        ge=1,
        le=64,
        usual=Usual(
            1.5,
            8,
            "With hardly more seeds than N_min a small cell may have none.",
            "Most frames will be clustered twice, with many more seeds than needed.",
        ),
    )
    high: float = setting(
        8.0,
        "With more than H·N_min seeds the number is lowered by N_min. At least 2·L.",
        label="Upper factor",
        symbol="H",
        advanced=False,
        step=0.5,
        ge=2,
        le=1024,
        usual=Usual(
            4,
            64,
            above="The number of seeds will hardly ever decrease.",
        ),
    )
    n_initial: int = setting(
        128,
        "Number of seeds in the first round.",
        label="Initial seeds",
        symbol="N_initial",
        advanced=False,
        step=16,
        ge=1,
        le=65536,
        usual=Usual(
            16,
            2048,
            "So few seeds miss cells in the first round, which is then repeated.",
            "So many seeds take time and do not find more cells.",
        ),
    )
    coverage: float = setting(
        0.95,
        "Required probability that every cell receives at least one seed.",
        label="Coverage",
        symbol="P",
        step=0.01,
        gt=0,
        lt=1,
        usual=Usual(
            0.8,
            0.999,
            "Cells may have no seed in one frame out of five.",
            "The number of seeds grows fast for the last fraction of a percent.",
        ),
    )
    mean: Literal["unit", "raw"] = setting(
        "unit",
        "Average the vectors normalised ('unit') or as they are ('raw', as published: "
        "longer vectors weigh more).",
        label="Mean",
    )
    reseed: bool = setting(
        True,
        "Pixels that are not within h of any mode become seeds of "
        "another round, so that no cell is lost for lack of a seed.",
        label="Re-seed",
    )
    max_seeds: int = setting(
        4096,
        "Largest number of seeds for doubling and re-seeding.",
        label="Most seeds",
        ge=1,
        le=1_000_000,
    )
    min_cluster_size: int = setting(
        10,
        "Clusters with fewer pixels than this are removed, and as "
        "few pixels without a mode do not become seeds.",
        label="Smallest cluster",
        unit="px",
        ge=1,
    )
    max_iter: int = setting(
        300,
        "Most shifts of one round of seeds.",
        label="Most iterations",
        ge=1,
        usual=Usual(
            20,
            1000,
            "Seeds may be stopped before they converge.",
            "Seeds that have not converged by then seldom do.",
        ),
    )
    coordinate_weight: float = setting(
        0.0,
        "Weight of the pixel coordinates beside the embedding (published: 0.005 a "
        "network pixel). Coordinates make the result depend on the "
        "position in the frame; 0 omits them.",
        label="Coordinate weight",
        step=0.001,
        ge=0,
        le=1,
        usual=Usual(
            0,
            0.02,
            above="Such a large weight cuts large cells only by their position.",
        ),
    )
    local_modes: bool = setting(
        True,
        "Compute the modes again locally, from vectors within two "
        "cell diameters: distant pixels then do not change a cell.",
        label="Modes of each place",
        by_model=True,
    )
    join_alike: bool = setting(
        True,
        "Join pieces that touch if their mean vectors are within "
        "the bandwidth: a cell between two modes stays whole.",
        label="Join alike pieces",
    )
    split_large: bool = setting(
        False,
        "Cluster cells that are larger than the typical one again "
        "with 0.3 of the bandwidth, and split them if the parts "
        "have at least a quarter of the typical size. Useful where "
        "round cells touch; it cuts long ones.",
        label="Split large cells",
        by_model=True,
    )
    carry_seeds: bool = setting(
        False,
        "Carry the number of seeds from pair to pair through the "
        "whole movie, as in the paper, instead of determining it "
        "for each pair from a sample of its pixels.",
        label="Carry seeds",
    )
    random_seed: int = setting(
        0,
        "Seed of the random draws; the same seed gives the same result.",
        label="Random seed",
        ge=0,
        le=2**31 - 1,
    )

    @model_validator(mode="after")
    def _no_oscillation(self) -> "ClusterSettings":
        if self.high < 2 * self.low:
            raise ValueError(
                "H must be at least 2·L, otherwise the number of seeds "
                "would oscillate between frames"
            )
        return self
