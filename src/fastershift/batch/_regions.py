"""Frames too large to be clustered at once: part by part, in the memory of one."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from fastershift.io import Movie
from fastershift.pipeline import (
    FrameReport,
    NetworkEmbeddings,
    Plan,
    cluster_pair,
    frame_report,
    to_image,
)
from fastershift.rshn import Embedder, Model, normalise_frame
from fastershift.tracking import stitch_parts

__all__ = ["cluster_in_regions", "cut_regions", "needs_regions"]

Labels: TypeAlias = npt.NDArray[np.int32]
Region: TypeAlias = tuple[slice, slice]


def needs_regions(plan: Plan) -> bool:
    """Tell whether the frames of a run are larger than what is clustered at once."""
    embed = plan.settings.embed
    tiled = embed.tile and not plan.settings.track.merge_tiles
    if not (
        tiled and embed.largest_frame and isinstance(plan.source, NetworkEmbeddings)
    ):
        return False
    return max(plan.source.shape) > embed.largest_frame


def cut_regions(
    shape: tuple[int, int], tile: float, overlap: float, stride: float
) -> list[Region]:
    """Cut a frame into overlapping regions of one size.

    Parameters
    ----------
    shape : (int, int)
        Rows and columns of the frame.
    tile, overlap : float
        Side of a region and the least overlap of neighbours, in pixels of the frame.
    stride : float
        Regions begin at multiples of it, so that the network pools pixels in the same
        groups wherever a region lies.

    Returns
    -------
    list of (slice, slice)
        Row by row.
    """
    step = max(1, math.floor((tile - overlap) / stride)) * stride
    sides = []
    for side in shape:
        count = 1 + max(0, math.ceil((side - tile) / step - 1e-9))
        starts = [round(number * step) for number in range(count)]
        sides.append([slice(one, min(one + round(tile), side)) for one in starts])
    return [(rows, columns) for rows in sides[0] for columns in sides[1]]


@dataclass
class _NormalisedFrames:
    """The frames of a block as the network wants them, on disk.

    Every frame is read and normalised once; each region then reads its part alone.
    """

    movie: Movie
    folder: Path

    @property
    def shape(self) -> tuple[int, int, int]:
        return self.movie.shape

    def __len__(self) -> int:
        return len(self.movie)

    def __getitem__(self, number: int) -> npt.NDArray[Any]:
        return self.movie[number]

    def normalised(
        self, number: int, blur: float
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
        """Return what `normalise_frame` gives, as arrays on disk."""
        paths = [self.folder / f"{what}-{number}.npy" for what in ("frame", "usable")]
        if not all(path.exists() for path in paths):
            for path, array in zip(
                paths, normalise_frame(self.movie[number], blur), strict=True
            ):
                np.save(path, array)
        frame, usable = (np.load(path, mmap_mode="r") for path in paths)
        return frame, usable

    def forget(self) -> None:
        """Make room for the frames of another block."""
        for path in self.folder.glob("*.npy"):
            path.unlink()


def cluster_in_regions(
    plan: Plan, model: Model, movie: Movie, first: int, stop: int, folder: Path
) -> Iterator[tuple[Labels, FrameReport] | None]:
    """Cluster pairs of large frames region by region, and stitch the regions.

    Only one region is in memory, with its recurrent state; frames, and the labels of
    the regions, lie on disk until a block is done.

    Parameters
    ----------
    plan : Plan
        Of the whole frame.
    model : Model
        The network.
    movie : Movie
        The frames.
    first, stop : int
        First pair and the one after the last.
    folder : Path
        Empty; for what is needed for a while.

    Yields
    ------
    labels, report
        Cells of each pair, (F, Y, X) in image pixels, and the report of its second
        frame; None at further places to stop.
    """
    embed = plan.settings.embed
    frames = _NormalisedFrames(movie, folder)
    regions = _regions(plan, model)
    step = 1 if embed.window else embed.block
    for begin in range(first, stop, step):
        pairs = range(begin, min(begin + step, stop))
        reports: list[list[FrameReport]] = [[] for _ in pairs]
        for number, region in enumerate(regions):
            part = _part(plan, model, frames, region)
            done = 0
            for pair in part.source.pairs(pairs.start, pairs.stop):
                if pair is not None:
                    cells = cluster_pair(part, pair)
                    labels = np.stack([to_image(part, one) for one in cells.labels])
                    np.save(_labels(folder, done, number), labels)
                    reports[done].append(
                        frame_report(pair.frame + 1, labels[-1], cells, pair.seconds, 0)
                    )
                    done += 1
                yield None
        for index in range(len(pairs)):
            parts = [
                (
                    np.load(_labels(folder, index, number), mmap_mode="r"),
                    (rows.start, columns.start),
                )
                for number, (rows, columns) in enumerate(regions)
            ]
            yield stitch_parts(parts, plan.frame_shape), _together(reports[index])
        frames.forget()


def _regions(plan: Plan, model: Model) -> list[Region]:
    assert isinstance(plan.source, NetworkEmbeddings)  # noqa: S101 (see needs_regions)
    embed, scale = plan.settings.embed, plan.source.embedder.scale
    sides = (embed.tile, embed.tile_overlap, 2 ** (model.card.levels - 1))
    return cut_regions(plan.frame_shape, *(side / scale for side in sides))


def _labels(folder: Path, pair: int, region: int) -> Path:
    return folder / f"labels-{pair}-{region}.npy"


def _part(plan: Plan, model: Model, frames: _NormalisedFrames, region: Region) -> Plan:
    """Plan one region; its frames are those of the whole, normalised as a whole."""
    embedder = Embedder(
        model,
        plan.settings.embed.model_copy(update={"tile": 0}),
        plan.frame_shape,
        device=str(plan.provenance["device"]),
        region=region,
    )
    rows, columns = region
    shape = rows.stop - rows.start, columns.stop - columns.start
    source = NetworkEmbeddings(embedder, frames)
    return replace(plan, source=source, frame_shape=shape, region=region)


def _together(reports: list[FrameReport]) -> FrameReport:
    """Add up the reports of the regions of a pair."""
    seeds = sum(report.seeds for report in reports)
    converged = sum(report.converged * report.seeds for report in reports)
    return replace(
        reports[0],
        clusters=sum(report.clusters for report in reports),
        seeds=seeds,
        n_min=sum(report.n_min for report in reports),
        rounds=max(report.rounds for report in reports),
        iterations=sum(report.iterations for report in reports),
        converged=converged / seeds if seeds else 1.0,
        foreground=float(np.mean([report.foreground for report in reports])),
        network_ms=sum(report.network_ms for report in reports),
        clustering_ms=sum(report.clustering_ms for report in reports),
        coverage=math.prod(report.coverage for report in reports),
        coverage_equal=math.prod(report.coverage_equal for report in reports),
    )
