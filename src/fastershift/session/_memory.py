"""What is done if memory is short: smaller tiles, and a cache on disk."""

from collections.abc import Callable
from pathlib import Path

import psutil
from platformdirs import user_cache_path

from fastershift.pipeline import (
    EmbeddingCache,
    FolderCache,
    NetworkEmbeddings,
    Plan,
)

__all__ = ["fitting_tile", "folder_cache", "free_memory", "memory_notes"]

# Shares of what is free: memory that the network may take, and disk for embeddings.
_NETWORK, _DISK = 0.5, 0.25

# Tiles that are tried, in network pixels; larger than the overlap of the default.
_TILES = (1024, 768, 512, 384)


def free_memory() -> int:
    """Bytes of memory that are free."""
    return int(psutil.virtual_memory().available)


def fitting_tile(plan: Plan, with_tile: Callable[[int], Plan]) -> int | None:
    """Choose the largest tiles with which the network fits in memory.

    Parameters
    ----------
    plan : Plan
        As it would be.
    with_tile : callable
        Gives the plan with tiles of another size.

    Returns
    -------
    int or None
        Their side in network pixels, those that need least where none fit; None where
        the plan may stay as it is, which is so wherever tiles are part of the method.
    """
    source, embed = plan.source, plan.settings.embed
    if not isinstance(source, NetworkEmbeddings) or plan.settings.track.merge_tiles:
        return None
    room = _NETWORK * free_memory()
    if source.embedder.estimate_memory() <= room:
        return None
    longest = max(source.shape)
    now = min(embed.tile or longest, longest)
    best, least = None, source.embedder.estimate_memory()
    for tile in _TILES:
        if embed.tile_overlap < tile < now:
            other = with_tile(tile).source
            assert isinstance(other, NetworkEmbeddings)  # noqa: S101 (as the first)
            needed = other.embedder.estimate_memory()
            if needed < least:
                best, least = tile, needed
            if least <= room:
                break
    return best


def folder_cache(limit: int, needed: int) -> EmbeddingCache | None:
    """Make a cache on disk for embeddings that memory has no room for.

    Parameters
    ----------
    limit : int
        Bytes that memory has room for.
    needed : int
        Bytes of all of them.

    Returns
    -------
    EmbeddingCache or None
        None where memory suffices, or the disk has no room either.
    """
    if needed <= limit:
        return None
    folder = Path(user_cache_path("fastershift"))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        size = int(psutil.disk_usage(str(folder)).free * _DISK)
        return FolderCache(limit, folder, size) if size >= needed else None
    except OSError:
        return None


def memory_notes(plan: Plan, *, cut: bool, on_disk: int) -> tuple[str, ...]:
    """Say what was decided because of the memory.

    Parameters
    ----------
    plan : Plan
        The run.
    cut : bool
        Whether its tiles were made smaller.
    on_disk : int
        Bytes of embeddings that go to disk; 0 for none.

    Returns
    -------
    tuple of str
        Sentences.
    """
    notes = []
    if cut:
        notes.append(
            "The network does not fit into memory, so it uses tiles of "
            f"{plan.settings.embed.tile} pixels."
        )
    if on_disk:
        notes.append(
            f"The embeddings do not fit into memory, so {on_disk / 1e9:.1f} GB of "
            "them are kept on disk until napari is closed."
        )
    return tuple(notes)
