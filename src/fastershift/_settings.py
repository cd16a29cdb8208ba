"""The settings of every stage, as models with one default and range per parameter."""

from typing import Literal

from pydantic import model_validator

from fastershift._setting import Stage, Usual, setting
from fastershift._settings_input import InputSettings
from fastershift._settings_track import TrackSettings

__all__ = [
    "ClusterSettings",
    "EmbedSettings",
    "Precision",
    "Profile",
    "Settings",
    "TrackSettings",
]

Profile = Literal["default", "published"]
Precision = Literal["auto", "float32", "bfloat16"]


class EmbedSettings(Stage):
    """From frames to embeddings: model, scale, and how time and space are cut."""

    model: str = setting(
        "auto",
        "Network that embeds the pixels: a name of the model list, or a file.",
        label="Model",
        advanced=False,
    )
    diameter: float | Literal["auto"] = setting(
        "auto",
        "Typical cell diameter in pixels of the image. Frames are scaled so that it "
        "meets the diameter the model was trained for; 'auto' estimates it.",
        label="Diameter",
        unit="px",
        advanced=False,
        step=1.0,
    )
    network_size: tuple[int, int] | None = setting(
        None,
        "Width and height of the frames given to the network; overrules the diameter. "
        "Set by the presets of the published data sets.",
        label="Network size",
        unit="px",
    )
    zoom: float = setting(
        1.0,
        "Share of the frame that the network sees when its size is given; below 1 the "
        "rim of the frame is cut off, as the published set-up for Fluo-C2DL-MSC does.",
        label="Zoom",
        gt=0,
        le=1,
    )
    blur: float = setting(
        1.0,
        "Standard deviation of the Gaussian that smooths each frame first.",
        label="Blur",
        unit="px",
        ge=0,
        le=20,
        step=0.1,
        usual=Usual(
            0, 5, above="Blurs this wide wash small cells out before they are seen."
        ),
    )
    block: int = setting(
        16,
        "Frames through which the recurrent state is carried before it restarts. "
        "Restarts lie at fixed frame numbers, so any part of a movie can be "
        "recomputed.",
        label="Block",
        unit="frames",
        ge=1,
        le=1000,
        usual=Usual(
            4,
            64,
            "In short blocks much time goes into warming up.",
            "A long block must be computed up to the frame in view, so previews wait.",
        ),
    )
    warmup: int = setting(
        3,
        "Frames before a block that are fed to the network only to fill its state.",
        label="Warm-up",
        unit="frames",
        ge=0,
        le=100,
        usual=Usual(
            1,
            10,
            "Without warm-up the first frames of a block are seen without a past.",
            "Each block takes this many frames longer.",
        ),
    )
    window: int = setting(
        0,
        "Restart the network for every pair of frames on the window that ends in it "
        "(published: 8 frames). 0 carries the state through blocks instead.",
        label="Window",
        unit="frames",
        ge=0,
        le=100,
    )
    tile: int = setting(
        1024,
        "Longest side embedded at once, in network pixels; larger frames are cut "
        "into overlapping tiles. 0 never cuts.",
        label="Tile",
        unit="px",
        ge=0,
    )
    tile_overlap: int = setting(
        384,
        "Overlap of neighbouring tiles in network pixels. Half of it at each inner "
        "border is thrown away (published: 128 of 256, see tile merging).",
        label="Tile overlap",
        unit="px",
        ge=0,
    )
    largest_frame: int = setting(
        2048,
        "In runs on disk, frames with a longer side than this, in network pixels, are "
        "embedded one tile after the other, and their embeddings kept on disk. The "
        "result is the same in less memory. 0 never does so.",
        label="Largest frame",
        unit="px",
        ge=0,
    )

    precision: Precision = setting(
        "auto",
        "Numbers the network computes with. 'bfloat16' keeps 8 of 24 binary digits and "
        "is two to four times faster on processors and cards made for it; 'auto' takes "
        "it there and float32 elsewhere (published: float32).",
        label="Precision",
    )

    @model_validator(mode="after")
    def _consistent(self) -> "EmbedSettings":
        if self.diameter != "auto" and not 1 <= self.diameter <= 2000:
            raise ValueError("the cell diameter must lie between 1 and 2000 pixels")
        if self.window == 1:
            raise ValueError("a window must hold a pair: choose 0, or 2 frames or more")
        if self.tile and self.tile_overlap >= self.tile:
            raise ValueError("the tile overlap must be smaller than the tile")
        return self


class ClusterSettings(Stage):
    """From embeddings to clusters: Faster Mean-shift (Zhao et al. 2021)."""

    bandwidth: float = setting(
        0.1,
        "Radius of the mean-shift window as cosine distance: pixels whose embeddings "
        "are closer than this belong together. Larger joins cells, smaller breaks "
        "them.",
        label="Bandwidth",
        symbol="h",
        advanced=False,
        step=0.01,
        gt=0,
        lt=2,
        usual=Usual(
            0.02,
            0.5,
            "Windows this small break cells into pieces, and much is left over.",
            "Windows this large join neighbouring cells.",
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
            "More than half of the seeds may be thrown away before they arrive; small "
            "cells are lost first.",
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
            "With hardly more seeds than N_min a small cell may go without one.",
            "Most frames will be clustered twice, with many more seeds than needed.",
        ),
    )
    high: float = setting(
        8.0,
        "As long as there are more than H·N_min seeds, N_min are saved. At least 2·L.",
        label="Upper factor",
        symbol="H",
        advanced=False,
        step=0.5,
        ge=2,
        le=1024,
        usual=Usual(
            4,
            64,
            above="The number of seeds will hardly ever go down again.",
        ),
    )
    n_initial: int = setting(
        128,
        "Number of seeds that the first round starts from.",
        label="Initial seeds",
        symbol="N_initial",
        advanced=False,
        step=16,
        ge=1,
        le=65536,
        usual=Usual(
            16,
            2048,
            "So few seeds miss cells in the first round, and it is repeated.",
            "So many seeds take time and find no more cells than fewer.",
        ),
    )
    coverage: float = setting(
        0.95,
        "Wanted probability that every cell receives at least one seed.",
        label="Coverage",
        symbol="P",
        step=0.01,
        gt=0,
        lt=1,
        usual=Usual(
            0.8,
            0.999,
            "Cells may go without a seed in one frame out of five.",
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
        "Pixels that no mode reaches become seeds of another round, so that no cell is "
        "lost for want of a seed.",
        label="Re-seed",
    )
    max_seeds: int = setting(
        4096,
        "Doubling and re-seeding never go beyond this number of seeds.",
        label="Most seeds",
        ge=1,
        le=1_000_000,
    )
    min_cluster_size: int = setting(
        10,
        "Clusters with fewer pixels than this are dropped, and as few pixels without a "
        "mode are not seeded again.",
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
            "Seeds may be stopped on their way.",
            "Seeds that have not arrived by then seldom do.",
        ),
    )
    coordinate_weight: float = setting(
        0.0,
        "Weight of the pixel coordinates beside the embedding (published: 0.005 a "
        "network pixel). They tie the result to a coordinate origin; 0 leaves them "
        "out.",
        label="Coordinate weight",
        step=0.001,
        ge=0,
        le=1,
        usual=Usual(
            0,
            0.02,
            above="Coordinates this heavy cut large cells by position alone.",
        ),
    )
    local_modes: bool = setting(
        True,
        "Look for the modes once more at every place, among vectors within two cells "
        "of it: what lies further away then changes no cell.",
        label="Modes of each place",
    )
    join_alike: bool = setting(
        True,
        "Join pieces of cells that touch where their mean vectors lie within the "
        "bandwidth: a cell between two modes stays whole.",
        label="Join alike pieces",
    )
    split_large: bool = setting(
        False,
        "Look at cells that are larger than the typical one again with 0.3 of the "
        "bandwidth, and split those that fall into parts of a quarter of the typical "
        "size. Useful where round cells touch; it cuts long ones.",
        label="Split large cells",
    )
    carry_seeds: bool = setting(
        False,
        "Carry the number of seeds from pair to pair through the whole movie, as the "
        "paper does, instead of settling it for each pair on a sample of its pixels.",
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
                "H must be at least 2·L, or the number of seeds would swing back and "
                "forth between frames"
            )
        return self


class Settings(Stage):
    """The settings of a whole run.

    Every field is resolved: what a result carries is exactly what made it.
    """

    profile: Profile = setting(
        "default",
        "'default' is what measured best; 'published' runs the papers as published.",
        label="Profile",
    )
    input: InputSettings = InputSettings()
    embed: EmbedSettings = EmbedSettings()
    cluster: ClusterSettings = ClusterSettings()
    track: TrackSettings = TrackSettings()
