"""The settings of every stage, as models with one default and range per parameter."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

__all__ = [
    "ClusterSettings",
    "EmbedSettings",
    "Profile",
    "Settings",
    "Stage",
    "TrackSettings",
]

Profile = Literal["default", "published"]


def _setting(
    default: Any,
    help_text: str,
    *,
    label: str,
    symbol: str | None = None,
    unit: str | None = None,
    advanced: bool = True,
    step: float | None = None,
    **bounds: Any,
) -> Any:
    """Describe one parameter: its default, range and how a person reads it."""
    extra = {"label": label, "symbol": symbol, "unit": unit, "advanced": advanced}
    return Field(
        default,
        description=help_text,
        json_schema_extra={**extra, "step": step},
        **bounds,
    )


class Stage(BaseModel):
    """Base of all settings: unchangeable, and closed to unknown names."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


class EmbedSettings(Stage):
    """From frames to embeddings: model, scale, and how time and space are cut."""

    model: str = _setting(
        "auto",
        "Network that embeds the pixels: a name of the model list, or a file.",
        label="Model",
        advanced=False,
    )
    diameter: float | Literal["auto"] = _setting(
        "auto",
        "Typical cell diameter in pixels of the image. Frames are scaled so that it "
        "meets the diameter the model was trained for; 'auto' estimates it.",
        label="Diameter",
        unit="px",
        advanced=False,
        step=1.0,
    )
    network_size: tuple[int, int] | None = _setting(
        None,
        "Width and height of the frames given to the network; overrules the diameter. "
        "Set by the presets of the published data sets.",
        label="Network size",
        unit="px",
    )
    zoom: float = _setting(
        1.0,
        "Share of the frame that the network sees when its size is given; below 1 the "
        "rim of the frame is cut off, as the published set-up for Fluo-C2DL-MSC does.",
        label="Zoom",
        gt=0,
        le=1,
    )
    blur: float = _setting(
        1.0,
        "Standard deviation of the Gaussian that smooths each frame first.",
        label="Blur",
        unit="px",
        ge=0,
        le=20,
        step=0.1,
    )
    block: int = _setting(
        16,
        "Frames through which the recurrent state is carried before it restarts. "
        "Restarts lie at fixed frame numbers, so any part of a movie can be "
        "recomputed.",
        label="Block",
        unit="frames",
        ge=1,
        le=1000,
    )
    warmup: int = _setting(
        3,
        "Frames before a block that are fed to the network only to fill its state.",
        label="Warm-up",
        unit="frames",
        ge=0,
        le=100,
    )
    window: int = _setting(
        0,
        "Restart the network for every pair of frames on the window that ends in it "
        "(published: 8 frames). 0 carries the state through blocks instead.",
        label="Window",
        unit="frames",
        ge=0,
        le=100,
    )
    tile: int = _setting(
        1024,
        "Longest side embedded at once, in network pixels; larger frames are cut "
        "into overlapping tiles. 0 never cuts.",
        label="Tile",
        unit="px",
        ge=0,
    )
    tile_overlap: int = _setting(
        320,
        "Overlap of neighbouring tiles in network pixels. Half of it at each inner "
        "border is thrown away (published: 128 of 256, see tile merging).",
        label="Tile overlap",
        unit="px",
        ge=0,
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

    bandwidth: float = _setting(
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
    )
    gamma: float = _setting(
        0.9,
        "A round of shifting ends when more than this share of its seeds has "
        "converged; the others are discarded.",
        label="Early stop",
        symbol="γ",
        advanced=False,
        step=0.01,
        gt=0,
        le=1,
    )
    low: float = _setting(
        2.0,
        "With fewer than L·N_min seeds the number of seeds is doubled at once.",
        label="Lower factor",
        symbol="L",
        advanced=False,
        step=0.5,
        ge=1,
        le=64,
    )
    high: float = _setting(
        8.0,
        "With more than H·N_min seeds the next frame uses N_min fewer. At least 2·L.",
        label="Upper factor",
        symbol="H",
        advanced=False,
        step=0.5,
        ge=2,
        le=1024,
    )
    n_initial: int = _setting(
        128,
        "Number of seeds that the first round starts from.",
        label="Initial seeds",
        symbol="N_initial",
        advanced=False,
        step=16,
        ge=1,
        le=65536,
    )
    coverage: float = _setting(
        0.95,
        "Wanted probability that every cell receives at least one seed.",
        label="Coverage",
        symbol="P",
        step=0.01,
        gt=0,
        lt=1,
    )
    mean: Literal["unit", "raw"] = _setting(
        "unit",
        "Average the vectors normalised ('unit') or as they are ('raw', as published: "
        "longer vectors weigh more).",
        label="Mean",
    )
    reseed: bool = _setting(
        True,
        "Pixels that no mode reaches become seeds of another round, so that no cell is "
        "lost for want of a seed.",
        label="Re-seed",
    )
    max_seeds: int = _setting(
        4096,
        "Doubling and re-seeding never go beyond this number of seeds.",
        label="Most seeds",
        ge=1,
        le=1_000_000,
    )
    min_cluster_size: int = _setting(
        10,
        "Clusters with fewer pixels than this are dropped, and as few pixels without a "
        "mode are not seeded again.",
        label="Smallest cluster",
        unit="px",
        ge=1,
    )
    max_iter: int = _setting(
        300, "Most shifts of one round of seeds.", label="Most iterations", ge=1
    )
    coordinate_weight: float = _setting(
        0.0,
        "Weight of the pixel coordinates beside the embedding (published: 0.005 a "
        "network pixel). They tie the result to a coordinate origin; 0 leaves them "
        "out.",
        label="Coordinate weight",
        step=0.001,
        ge=0,
        le=1,
    )
    carry_seeds: bool = _setting(
        False,
        "Carry the number of seeds from pair to pair through the whole movie, as the "
        "paper does, instead of restarting it at each block.",
        label="Carry seeds",
    )
    random_seed: int = _setting(
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


class TrackSettings(Stage):
    """From clusters to cells, from cells to tracks."""

    foreground: float = _setting(
        0.5,
        "A pixel is foreground when the squared cosine of its embedding with the "
        "background axis is below this.",
        label="Foreground",
        step=0.01,
        gt=0,
        lt=1,
    )
    smallest_cell: float = _setting(
        0.1,
        "Smallest cell, as a share of the area of a disc of the cell diameter; smaller "
        "pieces are dropped.",
        label="Smallest cell",
        step=0.01,
        ge=0,
        le=10,
    )
    smallest_cell_pixels: int | None = _setting(
        None,
        "Smallest cell in network pixels, summed over both frames of a pair; overrules "
        "the share. Set by the presets of the published data sets.",
        label="Smallest cell in pixels",
        unit="px",
        ge=0,
    )
    linking_overlap: float = _setting(
        0.25,
        "Least overlap (intersection over union) in the shared frame for two cells to "
        "be the same cell.",
        label="Linking overlap",
        step=0.05,
        ge=0,
        le=1,
    )
    division_search: int = _setting(
        2,
        "How many frames back the parent of a new cell is looked for.",
        label="Division search",
        unit="frames",
        ge=0,
        le=100,
    )
    parent_reach: float = _setting(
        0.6,
        "Diameter of the disc by which a new cell is grown when its parent is looked "
        "for, as a share of the cell diameter: daughters move apart quickly.",
        label="Parent reach",
        step=0.1,
        ge=0,
        le=5,
    )
    parent_dilation: int | None = _setting(
        None,
        "The same in pixels; overrules the share, 0 does not grow at all. Set by the "
        "presets of the published data sets.",
        label="Parent dilation",
        unit="px",
        ge=0,
        le=99,
    )
    merge_search: int = _setting(
        10,
        "A cell that splits and whose part is at most this many frames old is "
        "rejoined.",
        label="Merge search",
        unit="frames",
        ge=0,
        le=1000,
    )
    shortest_track: int = _setting(
        2,
        "Tracks shorter than this, and without a parent, are dropped.",
        label="Shortest track",
        unit="frames",
        ge=1,
        le=1000,
    )
    border: int = _setting(
        0,
        "Cells that lie wholly within this many pixels of the edge are dropped.",
        label="Border",
        unit="px",
        ge=0,
    )
    merge_tiles: bool = _setting(
        False,
        "Cluster every tile on its own and merge the labels clump by clump, as "
        "published, instead of clustering the whole frame.",
        label="Merge tiles",
    )


class Settings(Stage):
    """The settings of a whole run.

    Every field is resolved: what a result carries is exactly what made it.
    """

    profile: Profile = _setting(
        "default",
        "'default' is what measured best; 'published' runs the papers as published.",
        label="Profile",
    )
    embed: EmbedSettings = EmbedSettings()
    cluster: ClusterSettings = ClusterSettings()
    track: TrackSettings = TrackSettings()
