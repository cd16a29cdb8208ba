"""The command that segments and tracks one movie."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fastershift.cli._batch import Chunk, ResultName, result_format, run_on_disk
from fastershift.cli._errors import Debug, Overwrite, reports_errors
from fastershift.cli._options import (
    Inside,
    Outside,
    frame_range,
    given_place,
    with_settings,
)
from fastershift.cli._progress import follow_run
from fastershift.config import load_settings, resolve_settings
from fastershift.errors import InputError, counted_tracks

if TYPE_CHECKING:
    from fastershift.io import SavedResult
    from fastershift.pipeline import TrackedMovie

__all__ = ["run"]


def _masks_at(text: str) -> Path:
    given_place(text)
    return Path(text)


Masks = Annotated[
    list[Path] | None,
    typer.Option(
        "--labels",
        parser=_masks_at,
        metavar="PATH",
        help="Masks of another program, to be tracked. Given several times: the best "
        "cells of all are tracked.",
    ),
]


def _refuse_masks(movie: Path) -> None:
    from fastershift.io import holds_masks, is_result

    if is_result(movie) or holds_masks(movie):
        raise InputError(
            f"{movie} holds a result, masks rather than images; give the movie itself."
        )


def _check_without_movie(
    masks: list[Path], settings: Mapping[str, Any], device: str
) -> None:
    """Ask for masks; refuse what says how a movie is read and segmented."""
    if not masks:
        raise InputError("Give a movie, or masks with --labels.")
    stages = [settings.get(stage, {}) for stage in ("input", "embed", "cluster")]
    idle = [name for stage in stages for name in stage if name != "diameter"]
    idle += ["vote_weight"] if settings.get("track", {}).get("vote_weight") else []
    idle += ["device"] if device != "auto" else []
    if idle:
        option = idle[0].replace("_", "-")
        raise InputError(
            f"--{option} has no effect on masks alone; leave it out, or give their "
            "movie, too."
        )


def _cut_as_masks(
    regions: Mapping[str, str | None], masks: Path, span: tuple[int, int] | None
) -> Mapping[str, Any]:
    """Cut regions that have a mask for each frame of a file as the masks in it."""
    from fastershift.pipeline import open_masks

    taken: dict[str, Any] = {name: one for name, one in regions.items() if one}
    for name, one in taken.items() if span is not None else ():
        path = Path(one)
        if len(open_masks(path, labels=False)) == len(open_masks(masks)):
            taken[name] = open_masks(path, span, labels=False)
    return taken


def _file(name: str | None) -> Path | None:
    return None if name is None else Path(name).absolute()


def _saved(
    result: "TrackedMovie",
    seen: Any,
    frames: str | None,
    named: Mapping[str, str | Path | list[Path] | None],
) -> "SavedResult":
    """Make what is written of a result: its scale, and the files it was made of."""
    from fastershift.io import Movie

    paths: dict[str, Any] = {}
    for name, path in named.items():
        several = path if isinstance(path, list) else [path]
        told = [str(one) for one in several if one is not None]
        if told:
            paths[name] = told if len(told) > 1 else told[0]
    scale = (seen.scale, seen.units) if isinstance(seen, Movie) else (None, None)
    return result.saved(*scale, frames=frames or "", **paths)


@reports_errors
@with_settings
def run(
    output: Annotated[Path, typer.Option("--output", "-o", help="Where to write.")],
    movie: Annotated[
        Path | None,
        typer.Argument(
            metavar="INPUT", help="Folder, TIFF, Zarr; not needed with --labels."
        ),
    ] = None,
    settings_file: Annotated[
        Path | None, typer.Option("--settings", help="Settings file (TOML).")
    ] = None,
    profile: Annotated[
        str | None, typer.Option(help="'default' or 'published'.")
    ] = None,
    preset: Annotated[
        str | None, typer.Option(help="A published data set, such as DIC-C2DH-HeLa.")
    ] = None,
    frames: Annotated[
        str | None, typer.Option(help="Frames A:B, from 0, B excluded.")
    ] = None,
    labels: Masks = None,
    inside: Inside = None,
    outside: Outside = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    format: ResultName = "ctc",
    chunk: Chunk = 64,
    overwrite: Overwrite = False,
    debug: Debug = False,
    *,
    settings: dict[str, Any],
) -> None:
    """Segment and track a movie, and write labels, tracks, settings and report.

    With --format zarr the movie may be larger than memory. If such a run is
    interrupted, give the same command again: it continues.

    With --labels nothing is segmented: the masks are only linked. INPUT is then needed
    only for --vote-weight. With several --labels, the cells that agree best are taken
    in each frame.
    """
    from fastershift.batch import run_alone
    from fastershift.io import check_output, read_movie, write_or_keep
    from fastershift.pipeline import TrackingRun, open_masks, plan_run

    kind = result_format(format)
    masks = labels or []
    if movie is not None:
        _refuse_masks(movie)
    else:
        _check_without_movie(masks, settings, device)
    read = [*masks, *(Path(one) for one in (inside, outside) if one is not None)]
    target = check_output(output, kind, overwrite=overwrite, source=movie, masks=read)
    user = settings | ({"profile": profile} if profile else {})
    file = load_settings(settings_file) if settings_file else None
    if kind == "zarr" and movie is not None and not masks:
        from fastershift.batch import MovieTask

        span = frame_range(frames)
        task = MovieTask(movie, output, kind, user, file, preset, span, device)
        task = replace(task, inside=_file(inside), outside=_file(outside))
        run_on_disk(replace(task, chunk=chunk, overwrite=overwrite))
        return
    with run_alone(target):
        how = resolve_settings(user=user, file=file, preset=preset).input.model_dump()
        span = frame_range(frames)
        opened = None if movie is None else read_movie(movie, **how, frames=span)
        given = {str(path): open_masks(path, span, opened) for path in masks}
        regions: dict[str, Any] = {"inside": inside, "outside": outside}
        asked: dict[str, Any] = {
            "file": file,
            "preset": preset,
            "labels": given or None,
            "device": device,
        }
        taken = _cut_as_masks(regions, masks[0], span) if opened is None else regions
        result = follow_run(
            lambda: TrackingRun(plan_run(opened, user, **taken, **asked))
        ).result
        named = {"input": movie, "labels": masks, **regions}
        seen = next(iter(given.values())) if opened is None else opened
        saved = _saved(result, seen, frames, named)
        place = write_or_keep(output, saved, format=kind, overwrite=overwrite)
    lineage, seconds = result.lineage, result.provenance["seconds"]
    done = counted_tracks(
        len(result.labels), len(lineage.tracks), len(lineage.divisions())
    )
    typer.echo(f"{done} in {seconds:.1f} s: {place}")
