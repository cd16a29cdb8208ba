"""Compare what the quality of a result was expected to be with what it is.

    python calibrate_quality.py MODEL SHARED [--table FILE]

MODEL is a name or a file, SHARED the folder with `kinds` and `data`. Cells of stills
that were kept out of the training, of movies of the Cell Tracking Challenge that no
free model has seen, and of simulated movies are found as they are, blurred, noisy, and
told a wrong diameter; textures have no cells at all. The log odds of the F1 are fitted
as a line over the agreement; each set is judged by a line fitted to the others.
"""

import argparse
import csv
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tifffile
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, uniform_filter
from scipy.optimize import minimize

from fastershift.benchmark.suites._kinds import KEPT_OUT_STILLS, SIMULATED
from fastershift.config import Settings, resolve_settings
from fastershift.labels import label_areas, match_cells, resize_labels
from fastershift.pipeline._diameter import segment_pair
from fastershift.pipeline._quality import stability
from fastershift.pipeline._samples import take_samples
from fastershift.pipeline._sources import EmbeddedPair, NetworkEmbeddings
from fastershift.rshn import Embedder, Model, load_model
from fastershift.simulate import simulate_movie

# Images of a set, cells across the part of each that is used, frames of a movie.
IMAGES, ACROSS, FRAMES = 5, 12, 3
SEED = 3_000_000
# Told diameters, as factors of the true one.
FACTORS = (1.0, 0.6, 1.8)


class Image(NamedTuple):
    """A part of a frame, and its cells."""

    pixels: NDArray[np.float32]
    labels: NDArray[np.int32]
    diameter: float
    complete: bool = True


class Point(NamedTuple):
    """The mean of a set under one change."""

    name: str
    change: str
    agreement: float
    f1: float


def cut(pixels, labels, complete=True, across=ACROSS) -> Image:
    """Cut out the part with most cells, so many diameters across."""
    diameter = float(np.sqrt(4 / np.pi * np.median(label_areas(labels)[1])))
    sides = [min(length, int(across * diameter)) for length in pixels.shape]
    full = uniform_filter((labels > 0).astype(np.float32), sides, mode="constant")
    middle = np.unravel_index(full.argmax(), full.shape)
    part = tuple(
        slice(start := int(np.clip(at - side // 2, 0, length - side)), start + side)
        for at, side, length in zip(middle, sides, pixels.shape, strict=True)
    )
    return Image(pixels[part].astype(np.float32), labels[part], diameter, complete)


def sets(shared: Path) -> Iterator[tuple[str, list[Image]]]:
    for name, is_kept_out in KEPT_OUT_STILLS.items():
        paths = sorted((shared / "kinds" / name / "images").glob("*.tif"))
        kept = [path for number, path in enumerate(paths) if is_kept_out(number)]
        images = []
        for path in kept[:: max(1, len(kept) // IMAGES)][:IMAGES]:
            masks = tifffile.imread(path.parents[1] / "masks" / path.name)
            if masks.any():
                images.append(cut(tifffile.imread(path), masks.astype(np.int32)))
        yield name, images
    for folder in sorted(one for one in (shared / "data").iterdir() if one.is_dir()):
        silver = folder / "01_ST" / "SEG"
        complete = silver.is_dir() or folder.name.endswith("SIM+")
        truth = silver if silver.is_dir() else folder / "01_GT" / "SEG"
        paths = sorted(truth.glob("man_seg*.tif"))
        chosen = np.linspace(0, len(paths) - 1, FRAMES).astype(int)
        frames = [folder / "01" / f"t{paths[t].stem[7:]}.tif" for t in chosen]
        yield (
            folder.name,
            [
                cut(
                    tifffile.imread(frame),
                    tifffile.imread(paths[t]).astype(np.int32),
                    complete,
                )
                for frame, t in zip(frames, chosen, strict=True)
            ],
        )
    for kind, diameter, n_cells in SIMULATED:
        movies = (
            simulate_movie(
                2, (256, 256), n_cells, kind=kind, diameter=diameter, seed=SEED + seed
            )
            for seed in range(2)
        )
        yield f"simulated {kind}", [cut(one.frames[0], one.labels[0]) for one in movies]
    chance = np.random.default_rng(SEED)
    noise = [gaussian_filter(chance.normal(size=(256, 256)), s) for s in (1, 3, 6, 10)]
    nothing = np.zeros((256, 256), np.int32)
    yield "texture", [Image(one.astype(np.float32), nothing, 24.0) for one in noise]


def changed(image: Image) -> Iterator[tuple[str, NDArray[np.float32], float]]:
    low, high = np.percentile(image.pixels, [1, 99.5])
    chance = np.random.default_rng(SEED)
    for factor in FACTORS:
        yield f"told {factor} diameters", image.pixels, factor * image.diameter
    blurred = gaussian_filter(image.pixels, 0.15 * image.diameter)
    yield "blurred", blurred, image.diameter
    noise = chance.normal(0, 0.35 * (high - low), image.pixels.shape)
    yield "noisy", image.pixels + noise.astype(np.float32), image.diameter


def embed(
    pixels: NDArray[np.float32], model: Model, settings: Settings
) -> EmbeddedPair:
    """Embed an image as a run embeds a movie of it, warmed up on the image itself."""
    height, width = pixels.shape
    embedder = Embedder(model, settings.embed, (height, width), device="cpu")
    pairs = NetworkEmbeddings(embedder, [pixels]).pairs()
    return next(found for found in pairs if found is not None)


def judge(name: str, images: list[Image], model: Model) -> list[Point]:
    found: dict[str, list[tuple[float, float]]] = {}
    for image in images:
        for change, pixels, diameter in changed(image):
            told = {"embed": {"diameter": diameter}}
            settings = resolve_settings(user=told, card=model.card.settings)
            agreement = stability(
                take_samples([pixels]), model, settings, device="cpu"
            ).agreement
            pair = embed(pixels, model, settings)
            least = settings.track.least_certainty
            labels = segment_pair(pair, model, settings, least)
            labels = resize_labels(labels, pixels.shape)
            if not image.complete:
                known = np.unique(labels[image.labels > 0])
                labels = np.where(np.isin(labels, known), labels, 0).astype(np.int32)
            f1 = match_cells(image.labels, labels).f1
            found.setdefault(change, []).append((agreement, f1))
    return [
        Point(name, change, *np.mean(values, axis=0))
        for change, values in found.items()
    ]


def expect(line: NDArray[np.float64], agreement: NDArray[np.float64]):
    return 1 / (1 + np.exp(-(line[0] * agreement + line[1])))


def fit(points: list[Point]) -> NDArray[np.float64]:
    """Fit the least mean distance; what nobody has changed counts three times."""
    agreement, f1 = (np.array([p[i] for p in points]) for i in (2, 3))
    weight = np.array([3.0 if p.change == "told 1.0 diameters" else 1 for p in points])

    def distance(line):
        return np.average(abs(expect(line, agreement) - f1), weights=weight)

    return minimize(distance, [6.0, -3.5], method="Nelder-Mead").x


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("shared", type=Path)
    parser.add_argument("--table", type=Path)
    options = parser.parse_args()
    model = load_model(options.model)
    points: list[Point] = []
    for name, images in sets(options.shared):
        points += judge(name, images, model)
        print(*points[-len(FACTORS) - 2 :], sep="\n", flush=True)
    rows = []
    for point in points:
        line = fit([other for other in points if other.name != point.name])
        rows.append((*point, float(expect(line, point.agreement))))
    if options.table:
        with options.table.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([(*Point._fields, "expected"), *rows])
    off = np.array([abs(row[-1] - row[3]) for row in rows])
    usual = np.array([row[1] == "told 1.0 diameters" for row in rows])
    print(f"slope and offset {fit(points).round(2)}")
    print(
        f"mean distance {off.mean():.3f}, of unchanged images {off[usual].mean():.3f}"
    )


if __name__ == "__main__":
    main()
