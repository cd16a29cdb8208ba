"""What a session has computed for its input and keeps."""

from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import psutil

from fastershift.config import ClusterSettings
from fastershift.errors import InputError
from fastershift.instances import Background
from fastershift.pipeline import (
    EmbeddingCache,
    FolderCache,
    LastPair,
    PairCells,
    Plan,
    RecentCache,
)
from fastershift.rshn import Model, find_model, load_model
from fastershift.session._numbers import CellNumbers

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from fastershift.config import EmbedSettings
    from fastershift.session._estimate import Measured
    from fastershift.session.views import ColourAxes
    from fastershift.tracking import MaskFrame, VotedPlaces

__all__ = [
    "CachePlace",
    "ClusterKey",
    "ClusteredPair",
    "InputCaches",
    "KnownMasks",
    "KnownModels",
]

# Shares of the free memory that each kind may stay in.
_EMBEDDINGS, _CLUSTERS, _NUMBERS, _MASKS = 0.25, 0.05, 0.02, 0.05

#: Embeddings, background, clustering, foreground, smallest cell if it matters, pair.
ClusterKey: TypeAlias = tuple[
    Hashable, Background, ClusterSettings, float, int | None, int
]


@dataclass(frozen=True)
class ClusteredPair:
    """A pair of frames as it was clustered.

    Attributes
    ----------
    cells : PairCells
        What was found.
    smallest : int
        Least pixels that its cells have.
    least_certainty : float
        How certain its cells are, at least.
    """

    cells: PairCells
    smallest: int
    least_certainty: float

    @property
    def nbytes(self) -> int:
        """Memory it takes, about."""
        return self.cells.nbytes


@dataclass(frozen=True)
class CachePlace:
    """Where embeddings are kept, and how many.

    Attributes
    ----------
    folder : Path or None
        Where those go that memory has no room for; None computes them again.
    size : int or None
        Bytes that are kept: in the folder, or in memory where there is none. None
        takes a quarter of what is free.
    """

    folder: Path | None = None
    size: int | None = None


def _embedding_cache(memory: int, place: CachePlace | None) -> EmbeddingCache:
    if place is None or place.folder is None:
        return RecentCache((place.size if place else None) or memory)
    try:
        place.folder.mkdir(parents=True, exist_ok=True)
        free = psutil.disk_usage(str(place.folder)).free
        size = min(place.size or int(free * _EMBEDDINGS), free)
        return FolderCache(memory, place.folder, size)
    except OSError as error:
        raise InputError(
            f"Embeddings cannot be kept in {place.folder} ({error.strerror or error}); "
            "choose another cache folder in the preferences."
        ) from error


class KnownMasks:
    """Frames of given masks, and what a network says of them.

    Attributes
    ----------
    frames : RecentCache
        What was measured in and between frames, by their numbers.
    voted : dict
        Where a network saw the cells of a frame in the one before, by everything that
        this depends on.

    Parameters
    ----------
    room : int
        Bytes that frames may take.
    """

    def __init__(self, room: int) -> None:
        self.frames: RecentCache[int, MaskFrame] = RecentCache(room)
        self.voted: dict[Hashable, VotedPlaces] = {}


class InputCaches:
    """Embeddings, clusters and numbers of the cells of one input.

    Embeddings survive every change behind the network, clusters every change behind
    the clustering; both survive a change that is taken back.

    Attributes
    ----------
    embeddings : EmbeddingCache
        By everything they depend on.
    last : LastPair
        What was clustered last.
    clusters : RecentCache
        By everything they depend on.
    numbers : RecentCache
        The number each pixel of a frame was last shown with.
    masks : KnownMasks
        What was read of given masks.
    called : CellNumbers
        The number each cell of given masks was last shown with.
    colours : dict
        Axes in which each embedding is shown as colours.
    measured : dict
        The frame that was measured, by what its embedding depends on; one at most.
    tiles : dict
        Tiles that fit in memory, by the settings that were asked for.
    plan : Plan or None
        The last one.

    Parameters
    ----------
    place : CachePlace, optional
        Where embeddings are kept.
    """

    def __init__(self, place: CachePlace | None = None) -> None:
        free = psutil.virtual_memory().available
        self.embeddings = _embedding_cache(int(free * _EMBEDDINGS), place)
        self._room_of_clusters = int(free * _CLUSTERS)
        self.forget_clusters()
        self.numbers: RecentCache[Hashable, npt.NDArray[np.int32]]
        self.numbers = RecentCache(int(free * _NUMBERS))
        self._room = int(free * _MASKS)
        self.forget_masks()
        self.called = CellNumbers()
        self.colours: dict[Hashable, ColourAxes] = {}
        self.measured: dict[Hashable, Measured] = {}
        self.tiles: dict[EmbedSettings, int | None] = {}
        self.plan: Plan | None = None

    def forget_masks(self) -> None:
        """Forget what was read of given masks: they are others now."""
        # Whoever is reading them keeps the former ones to the end.
        self.masks = KnownMasks(self._room)

    def forget_clusters(self) -> None:
        """Forget what was clustered: the pixels that may be in a cell are others."""
        # Whoever is clustering keeps the former ones to the end.
        self.last = LastPair()
        self.clusters: RecentCache[ClusterKey, ClusteredPair]
        self.clusters = RecentCache(self._room_of_clusters)


class KnownModels:
    """The models that were read, each as long as its file stays as it is."""

    def __init__(self) -> None:
        self._models: dict[Path, tuple[tuple[Any, ...], Model]] = {}

    def read(self, name_or_path: str) -> Model:
        """Load a model unless it is known.

        Raises
        ------
        InputError
            For an unknown name, and for a file that is not a model.
        """
        name, path = find_model(name_or_path)
        stamp = (name, *_state(path))
        known, model = self._models.get(path, (None, None))
        if model is None or known != stamp:
            model = load_model(name_or_path)
            self._models[path] = stamp, model
        return model


def _state(path: Path) -> tuple[Any, ...]:
    if not path.exists():
        return ()
    status = path.stat()
    return status.st_mtime_ns, status.st_size
