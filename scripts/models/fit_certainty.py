"""Fit how certain it is that a piece is a cell: the weights of `instances._certainty`.

    python fit_certainty.py MODEL SHARED

MODEL is a name or a file of a model that votes, SHARED the folder with `kinds` and
`data`. Cells are found in stills, movies and simulated movies, as they are, noisy and
told a wrong diameter. One is right where its overlap (IoU) with a true one is above a
half; those between a quarter and a half are parts of cells and are left out of the fit.
The log odds of being right are fitted as a sum over what `cell_facts` tells. What the
least certainty is worth is told for each kind by a fit to all others.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tifffile
from calibrate_quality import SEED, Image, cut, embed
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from fastershift.benchmark.suites._kinds import KEPT_OUT_STILLS, SIMULATED
from fastershift.config import resolve_settings
from fastershift.instances import find_voted_instances, pair_voters
from fastershift.instances._certainty import FACTS, cell_facts
from fastershift.labels import overlaps, resize_labels
from fastershift.pipeline import smallest_cell
from fastershift.rshn import Model, load_model
from fastershift.simulate import simulate_movie

STILLS = (*KEPT_OUT_STILLS, "ecoli-dapi")
MOVIES = ("DIC-C2DH-HeLa", "Fluo-N2DH-SIM+", "Fluo-N2DL-HeLa", "PhC-C2DL-PSC")
# Images of a set at most, cells across the part that is used, simulated movies.
IMAGES, ACROSS, SEEDS = 16, 20, 4
# What is changed, and how much an image counts then.
CHANGES = {"as is": 1.0, "told 0.8": 0.5, "told 1.25": 0.5, "noisy": 0.5}
NOISE = 0.2
LEAST = (0.2, 0.3, 0.4)
# Overlaps of parts of cells.
PARTS = (0.25, 0.5)


class Found(NamedTuple):
    """The cells of an image under one change."""

    kind: str
    change: str
    facts: NDArray[np.float64]
    areas: NDArray[np.float64]
    overlap: NDArray[np.float64]
    true: int

    @property
    def right(self) -> NDArray[np.bool_]:
        return self.overlap > PARTS[1]

    @property
    def clear(self) -> NDArray[np.bool_]:
        return self.right | (self.overlap <= PARTS[0])


def images(shared: Path) -> Iterator[tuple[str, Image]]:
    for name in STILLS:
        paths = sorted((shared / "kinds" / name / "images").glob("*.tif"))
        for path in paths[:: max(1, len(paths) // IMAGES)][:IMAGES]:
            masks = tifffile.imread(path.parents[1] / "masks" / path.name)
            if masks.any():
                pixels = tifffile.imread(path).reshape(masks.shape)
                yield name, cut(pixels, masks.astype(np.int32), across=ACROSS)
    for name in MOVIES:
        folder = shared / "data" / name
        silver = folder / "01_ST" / "SEG"
        truth = silver if silver.is_dir() else folder / "01_GT" / "SEG"
        paths = sorted(truth.glob("man_seg*.tif"))
        for path in (paths[i] for i in np.linspace(0, len(paths) - 1, 5).astype(int)):
            pixels = tifffile.imread(folder / "01" / f"t{path.stem[7:]}.tif")
            labels = tifffile.imread(path).astype(np.int32)
            yield name, cut(pixels, labels, across=ACROSS)
    for kind, diameter, n_cells in SIMULATED:
        for seed in range(SEED, SEED + SEEDS):
            movie = simulate_movie(
                2, (256, 256), n_cells, kind=kind, diameter=diameter, seed=seed
            )
            yield f"simulated {kind}", cut(movie.frames[0], movie.labels[0])


def changed(image: Image) -> Iterator[tuple[str, NDArray[np.float32], float]]:
    low, high = np.percentile(image.pixels, [1, 99.5])
    chance = np.random.default_rng(SEED)
    noise = chance.normal(0, NOISE * (high - low), image.pixels.shape)
    yield "as is", image.pixels, image.diameter
    yield "told 0.8", image.pixels, 0.8 * image.diameter
    yield "told 1.25", image.pixels, 1.25 * image.diameter
    yield "noisy", image.pixels + noise.astype(np.float32), image.diameter


def find(kind: str, image: Image, model: Model) -> Iterator[Found]:
    true, areas = np.unique(image.labels[image.labels > 0], return_counts=True)
    area_of = dict(zip(true.tolist(), areas.tolist(), strict=True))
    for change, pixels, diameter in changed(image):
        told = {"embed": {"diameter": diameter}}
        settings = resolve_settings(user=told, card=model.card.settings)
        pair = embed(pixels, model, settings)
        voters = pair_voters(pair.embeddings, pair.votes, settings.track)
        smallest = max(1, round(smallest_cell(settings, model.card.diameter)))
        found = find_voted_instances(voters, settings.cluster, smallest_cell=smallest)
        cells = found.labels[0]
        facts, areas = cell_facts(
            voters.frames[0], cells.ravel()[voters.frames[0].pixels], voters.diameter
        )
        seen = resize_labels(cells, pixels.shape)
        sizes = np.bincount(seen.ravel(), minlength=len(facts))
        best = np.zeros(len(facts))
        for a, b, count in zip(*overlaps(image.labels, seen), strict=True):
            best[b] = max(best[b], count / (area_of[int(a)] + sizes[b] - count))
        yield Found(kind, change, facts[1:], areas[1:], best[1:], len(true))


def fitted(found: list[Found]) -> Pipeline:
    """Fit a line; kinds weigh as the square root of their number of cells."""
    number: dict[tuple[str, str], int] = {}
    for one in found:
        key = one.kind, one.change
        number[key] = number.get(key, 0) + int(one.clear.sum())
    weight = np.concatenate(
        [
            np.full(
                one.clear.sum(),
                CHANGES[one.change] / max(1, number[one.kind, one.change]) ** 0.5,
            )
            for one in found
        ]
    )
    line = make_pipeline(StandardScaler(), LogisticRegression(max_iter=300))
    return line.fit(
        np.concatenate([one.facts[one.clear] for one in found]),
        np.concatenate([one.right[one.clear] for one in found]),
        logisticregression__sample_weight=weight / weight.mean(),
    )


def f1(one: Found, kept: NDArray[np.bool_]) -> float:
    both = one.true + int(kept.sum())
    return 2 * int(one.right[kept].sum()) / both if both else 1.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("shared", type=Path)
    options = parser.parse_args()
    model = load_model(options.model)
    found = [
        one
        for kind, image in images(options.shared)
        for one in find(kind, image, model)
    ]
    kinds = list(dict.fromkeys(one.kind for one in found))
    print(f"{'kind':26s} {'change':10s} F1, and with a least certainty of {LEAST}")
    for kind in kinds:
        line = fitted([one for one in found if one.kind != kind])
        for change in CHANGES:
            rows = []
            for one in (o for o in found if (o.kind, o.change) == (kind, change)):
                chance = np.zeros(0)
                if len(one.areas):
                    chance = line.predict_proba(one.facts)[:, 1]
                    chance = chance / np.average(chance, weights=one.areas)
                rows.append([f1(one, chance >= least) for least in (0, *LEAST)])
            print(f"{kind:26s} {change:10s} {np.mean(rows, axis=0).round(3)}")
    scale, last = fitted(found)
    weights = last.coef_[0] / scale.scale_
    print(dict(zip(FACTS, weights.round(3).tolist(), strict=True)))
    print(f"offset {(last.intercept_[0] - weights @ scale.mean_).round(3)}")


if __name__ == "__main__":
    main()
