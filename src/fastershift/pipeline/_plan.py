"""Everything that is decided before the first frame is touched."""

import math
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np
import numpy.typing as npt

from fastershift.config import EmbedSettings, Settings, resolve_settings
from fastershift.errors import InputError
from fastershift.pipeline._sources import (
    EmbeddingSource,
    GivenEmbeddings,
    NetworkEmbeddings,
)
from fastershift.rshn import Embedder, FrameSource, Model, estimate_diameter, load_model
from fastershift.tracking import Background

__all__ = ["Plan", "plan_run"]

# Cells of embeddings that came without a diameter: smaller pieces are noise.
_SMALLEST_WITHOUT_DIAMETER = 10

# Pixels by which their new cells are grown in the search for a parent, as published.
_DILATION_WITHOUT_DIAMETER = 5


@dataclass(frozen=True)
class Plan:
    """A run that is decided but not started.

    Attributes
    ----------
    source : EmbeddingSource
        Where the embeddings come from.
    settings : Settings
        Resolved: model, diameter and every other value.
    frame_shape : tuple of int
        Rows and columns of the labels.
    smallest_cell : int
        Smallest cell in network pixels of one frame; a pair counts both frames.
    background : str
        What is background in the embeddings, see `find_instances`.
    mask : array, optional
        (T, Y, X) or (Y, X) for ``background="mask"``, at the size of the embeddings.
    provenance : mapping
        Model, versions and device.
    """

    source: EmbeddingSource
    settings: Settings
    frame_shape: tuple[int, int]
    smallest_cell: float
    background: Background
    mask: npt.NDArray[Any] | None
    provenance: Mapping[str, Any]

    @property
    def published(self) -> bool:
        """Whether the run follows the publications."""
        return self.settings.profile == "published"

    def smallest_in_pair(self, n_frames: int) -> int:
        """Least pixels of a cell, summed over the frames of a pair."""
        return max(1, round(self.smallest_cell * n_frames))


def _chosen(settings: Settings | Mapping[str, Any] | None) -> dict[str, Any]:
    """Take only what was set on purpose, so that the model's advice fills the rest."""
    if isinstance(settings, Settings):
        return settings.model_dump(exclude_unset=True)
    return dict(settings or {})


def plan_run(
    movie: FrameSource | None,
    settings: Settings | Mapping[str, Any] | None = None,
    *,
    file: Mapping[str, Any] | None = None,
    preset: str | None = None,
    model: str | Model | None = None,
    embeddings: Any = None,
    background: Background = "axis",
    mask: npt.NDArray[Any] | None = None,
    device: str = "auto",
) -> Plan:
    """Load the model, decide every setting, and prepare the embedder.

    Parameters
    ----------
    movie : sequence of (Y, X) frames, or None
        ``len(movie)`` frames, each read by ``movie[t]``. None with `embeddings`.
    settings : Settings or mapping, optional
        What the user set; everything else follows from the file, the preset, the
        model's card and the defaults, in this order.
    file : mapping, optional
        What a settings file sets, as `load_settings` gives it.
    preset : str, optional
        Name of a published data set.
    model : str or Model, optional
        Overrules ``settings.embed.model``.
    embeddings : array_like, optional
        (T, C, Y, X) embeddings of any network; RSHN is then not used.
    background, mask
        What is background in given embeddings, see `find_instances`.
    device : str
        ``"auto"``, ``"cpu"``, ``"cuda"``, ``"mps"`` or another name torch knows.

    Returns
    -------
    Plan

    Raises
    ------
    InputError
        For an empty movie, an unknown model or preset, or unusable settings.
    """
    user = _chosen(settings)
    provenance: dict[str, Any] = {
        "fastershift": version("fastershift"),
        "torch": version("torch"),
        "python": platform.python_version(),
    }
    if embeddings is not None:
        given = GivenEmbeddings(embeddings)
        if given.n_frames == 0:
            raise InputError("The embeddings hold no frame.")
        resolved = resolve_settings(user=user, file=file, preset=preset)
        resolved = _with_dilation(resolved)
        shape = given.shape if movie is None else _frame_shape(movie)
        diameter = resolved.embed.diameter
        if diameter == "auto":
            smallest: float = _SMALLEST_WITHOUT_DIAMETER
        else:
            scale = math.sqrt(math.prod(given.shape) / math.prod(shape))
            smallest = _smallest(resolved, diameter * scale)
        provenance |= {"model": "given embeddings", "device": "cpu"}
        return Plan(given, resolved, shape, smallest, background, mask, provenance)
    if movie is None or len(movie) == 0:
        raise InputError("The movie holds no frame; choose one with at least one.")
    chosen = model or user.get("embed", {}).get("model")
    chosen = chosen or (file or {}).get("embed", {}).get("model", "auto")
    loaded = chosen if isinstance(chosen, Model) else load_model(chosen)
    resolved = resolve_settings(
        user=user, file=file, preset=preset, card=loaded.card.settings
    )
    resolved = _with_dilation(_decided(resolved, loaded, movie))
    embedder = Embedder(
        loaded,
        resolved.embed,
        _frame_shape(movie),
        device=device,
        per_tile=resolved.track.merge_tiles,
    )
    provenance |= {
        "model": loaded.name,
        "model_sha256": loaded.sha256,
        "device": str(embedder.device),
    }
    return Plan(
        NetworkEmbeddings(embedder, movie),
        resolved,
        _frame_shape(movie),
        _smallest(resolved, loaded.card.diameter),
        "axis",
        None,
        provenance,
    )


def _frame_shape(movie: FrameSource) -> tuple[int, int]:
    shape = getattr(movie, "shape", None)
    if shape is None or len(shape) != 3:
        shape = (len(movie), *np.shape(movie[0]))
    if len(shape) != 3:
        raise InputError(
            f"A movie has the axes (time, row, column); this one has {len(shape)} axes."
        )
    return int(shape[1]), int(shape[2])


def _decided(settings: Settings, model: Model, movie: FrameSource) -> Settings:
    """Put the model's name and a number for the diameter into the settings."""
    embed: dict[str, Any] = {"model": model.name}
    if settings.embed.diameter == "auto" and settings.embed.network_size is None:
        spread = {round(i * (len(movie) - 1) / 2) for i in range(3)}
        guess = estimate_diameter(movie[t] for t in sorted(spread))
        # Rounded as a person would, so that the number shown gives the same result.
        embed["diameter"] = max(1.0, round(guess, 1))
    values: EmbedSettings = settings.embed.model_copy(update=embed)
    return settings.model_copy(update={"embed": values})


def _with_dilation(settings: Settings) -> Settings:
    """Put the reach of the parent search into image pixels, an odd number of them."""
    track, diameter = settings.track, settings.embed.diameter
    if track.parent_dilation is not None:
        return settings
    if diameter == "auto":
        dilation = _DILATION_WITHOUT_DIAMETER
    else:
        dilation = 2 * round(track.parent_reach * diameter / 2) + 1
        dilation = min(dilation, 99) if track.parent_reach else 0
    track = track.model_copy(update={"parent_dilation": dilation})
    return settings.model_copy(update={"track": track})


def _smallest(settings: Settings, diameter: float) -> float:
    """Smallest cell of one frame in network pixels."""
    pixels = settings.track.smallest_cell_pixels
    if pixels is not None:
        # Published sizes are summed over both frames of a pair.
        return pixels / 2
    return settings.track.smallest_cell * math.pi / 4 * diameter**2
