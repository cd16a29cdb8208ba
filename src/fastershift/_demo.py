"""The main job on a simulated movie, as a picture and a table."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from skimage import color, segmentation
from skimage.io import imsave

from fastershift.pipeline import FrameReport
from fastershift.simulate import SimulatedMovie, simulate_movie

__all__ = ["demo_movie", "demo_table", "save_picture"]


def demo_movie() -> SimulatedMovie:
    """Simulate the movie of the demonstration: nuclei that move, touch and divide."""
    return simulate_movie(
        12, (256, 256), 14, diameter=26, kind="nuclei", seed=4, cell_cycle=16
    )


def demo_table(reports: tuple[FrameReport, ...]) -> str:
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
    frames: NDArray[np.generic], labels: NDArray[np.int32], path: Path
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
    imsave(path, picture, check_contrast=False)
