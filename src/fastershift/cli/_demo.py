"""The main job on a simulated movie, as a picture and a table."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fastershift.cli._errors import Debug, reports_errors
from fastershift.cli._napari import open_napari
from fastershift.cli._progress import follow_run
from fastershift.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from fastershift.pipeline import FrameReport
    from fastershift.simulate import SimulatedMovie

__all__ = ["demo", "demo_movie", "demo_table", "save_picture"]


@reports_errors
def demo(
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder for the picture.")
    ] = Path("demo-output"),
    gui: Annotated[bool, typer.Option("--gui", help="Open napari at the end.")] = False,
    debug: Debug = False,
) -> None:
    """Segment and track a simulated movie; print a table and write a picture."""
    from fastershift.io import check_file, is_own_picture
    from fastershift.pipeline import track

    check_file(output / "demo.png", is_own_picture)
    movie = demo_movie()
    result = follow_run(lambda: track(movie.frames)).result
    typer.echo(demo_table(result.reports))
    typer.echo(
        f"\nFound {len(result.lineage.tracks)} tracks and "
        f"{len(result.lineage.divisions())} divisions "
        f"(ground truth: {len(movie.tracks)} and {_divisions(movie.tracks)})."
    )
    _echo_scores(result, movie)
    save_picture(movie.frames, result.labels, output / "demo.png")
    typer.echo(f"Picture: {output / 'demo.png'}")
    if gui:
        open_napari(movie=movie.frames, result=result)


def _divisions(tracks: tuple[tuple[int, int, int, int], ...]) -> int:
    parents = [parent for *_, parent in tracks if parent]
    return sum(parents.count(parent) > 1 for parent in set(parents))


def _echo_scores(result: Any, movie: Any) -> None:
    from fastershift.evaluation import score_arrays

    tracks = result.lineage.rows()
    segments = dict(enumerate(movie.labels))
    try:
        scores = score_arrays(
            result.labels, tracks, movie.labels, movie.tracks, segments
        )
    except InputError as error:
        typer.echo(str(error))
        return
    typer.echo(
        "Scores against the exact ground truth: SEG "
        f"{scores.seg:.3f}, TRA {scores.tra:.3f}."
    )


def demo_movie() -> "SimulatedMovie":
    """Simulate the movie of the demonstration: nuclei that move, touch and divide."""
    from fastershift.simulate import simulate_movie

    return simulate_movie(
        12, (256, 256), 14, diameter=26, kind="nuclei", seed=4, cell_cycle=16
    )


def demo_table(reports: "tuple[FrameReport, ...]") -> str:
    """Set the reports of all frames as a table of plain text.

    Parameters
    ----------
    reports : tuple of FrameReport
        One for each frame.

    Returns
    -------
    str
        One line a frame below a heading.
    """
    heading = (
        f"{'frame':>5} {'cells':>6} {'clusters':>9} {'seeds N':>8} {'N_min':>6} "
        f"{'rounds':>7} {'converged':>10} {'network':>9} {'clustering':>11} "
        f"{'linking':>8}"
    )
    lines = [
        f"{r.frame:>5} {r.cells:>6} {r.clusters:>9} {r.seeds:>8} {r.n_min:>6} "
        f"{r.rounds:>7} {r.converged:>10.0%} {r.network_ms:>6.0f} ms "
        f"{r.clustering_ms:>8.0f} ms {r.linking_ms:>5.0f} ms"
        for r in reports
    ]
    return "\n".join([heading, *lines])


def save_picture(
    frames: "NDArray[np.generic]", labels: "NDArray[np.int32]", path: Path
) -> None:
    """Draw frames above their tracked cells, each track in one colour.

    Parameters
    ----------
    frames : (T, Y, X) array
        Intensities.
    labels : (T, Y, X) int32
        Track ids.
    path : Path
        A PNG file.
    """
    import numpy as np
    from skimage import color, segmentation

    from fastershift.io import write_picture

    chosen = np.unique(np.linspace(0, len(frames) - 1, 4).round().astype(int))
    low, high = np.quantile(frames.astype(np.float32), (0.001, 0.999))
    top, bottom = [], []
    colours = color.hsv2rgb(
        np.stack(
            [(np.arange(labels.max()) * 0.618) % 1, *np.full((2, labels.max()), 0.95)],
            axis=-1,
        )
    )
    for t in chosen:
        grey = np.clip((frames[t] - low) / max(high - low, 1e-9), 0, 1)
        image = np.repeat(grey[..., None], 3, axis=-1)
        painted = color.label2rgb(
            labels[t],
            image,
            colors=colours[np.unique(labels[t][labels[t] > 0]) - 1],
            alpha=0.45,
            bg_label=0,
        )
        top.append(np.pad(image, ((2, 2), (2, 2), (0, 0)), constant_values=1))
        outlined = segmentation.mark_boundaries(painted, labels[t], color=(1, 1, 1))
        bottom.append(np.pad(outlined, ((2, 2), (2, 2), (0, 0)), constant_values=1))
    rows = [np.concatenate(row, axis=1) for row in (top, bottom)]
    picture = (np.concatenate(rows) * 255).round().astype(np.uint8)
    write_picture(path, picture)
