"""From frames to embeddings: the settings of the network."""

from typing import Literal

from pydantic import model_validator

from fastershift.config._field import Stage, Usual, setting

__all__ = ["EmbedSettings", "Precision"]

Precision = Literal["auto", "float32", "bfloat16"]


class EmbedSettings(Stage):
    """From frames to embeddings: model, scale, and how time and space are cut."""

    model: str = setting(
        "auto",
        "The network: a name in the list of models, or a file; 'auto' chooses one.",
        label="Model",
        advanced=False,
        min_length=1,
    )
    diameter: float | Literal["auto"] = setting(
        "auto",
        "Typical cell diameter in pixels of the image. Frames are "
        "scaled so that cells have the diameter for which the model "
        "was trained; 'auto' estimates it.",
        label="Diameter",
        by_model=True,
        unit="px",
        advanced=False,
        step=1.0,
    )
    network_size: tuple[int, int] | None = setting(
        None,
        "Width and height of the frames given to the network; overrides the diameter. "
        "Set by the presets of the published data sets.",
        label="Network size",
        unit="px",
    )
    zoom: float = setting(
        1.0,
        "Share of the frame that the network sees when its size is "
        "given; below 1 the edge of the frame is cut off, as in the "
        "published set-up for Fluo-C2DL-MSC.",
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
            0,
            5,
            above="Such wide blurs remove small cells before the network sees them.",
        ),
    )
    block: int = setting(
        16,
        "Frames through which the recurrent state is carried before it restarts. "
        "Restarts are at fixed frame numbers, so that any part of a "
        "movie can be recomputed.",
        label="Block",
        unit="frames",
        ge=1,
        le=1000,
        usual=Usual(
            4,
            64,
            "Short blocks spend much time on warm-up.",
            "A long block must be computed up to the current frame, so "
            "previews take long.",
        ),
    )
    warmup: int = setting(
        3,
        "Frames before a block that only initialise the state of the network.",
        label="Warm-up",
        unit="frames",
        ge=0,
        le=100,
        usual=Usual(
            1,
            10,
            "Without warm-up the first frames of a block are embedded without a past.",
            "Each block takes as many frames longer.",
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
        "into overlapping tiles. 0 disables tiles.",
        label="Tile",
        unit="px",
        ge=0,
    )
    tile_overlap: int = setting(
        384,
        "Overlap of neighbouring tiles in network pixels. Half of "
        "it at each inner border is discarded (published: 128 of "
        "256, see tile merging).",
        label="Tile overlap",
        unit="px",
        ge=0,
    )
    largest_frame: int = setting(
        2048,
        "In runs on disk, frames with a longer side than this, in network pixels, are "
        "embedded one tile after the other, and their embeddings "
        "kept on disk. The result is the same, with less memory. 0 "
        "disables this.",
        label="Largest frame",
        unit="px",
        ge=0,
    )

    precision: Precision = setting(
        "auto",
        "Number format of the network. 'bfloat16' keeps 8 of 24 binary digits and "
        "is two to four times faster on processors and cards made "
        "for it; 'auto' uses it there, and float32 elsewhere "
        "(published: float32).",
        label="Precision",
    )

    @model_validator(mode="after")
    def _consistent(self) -> "EmbedSettings":
        if self.diameter != "auto" and not 1 <= self.diameter <= 2000:
            raise ValueError("the cell diameter must lie between 1 and 2000 pixels")
        if self.network_size and min(self.network_size) < 1:
            raise ValueError("the network size must be at least 1 × 1 pixels")
        if self.window == 1:
            raise ValueError("a window must hold a pair: choose 0, or 2 frames or more")
        if self.tile and self.tile_overlap >= self.tile:
            raise ValueError("the tile overlap must be smaller than the tile")
        return self
