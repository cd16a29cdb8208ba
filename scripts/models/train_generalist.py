"""Train the generalist: votes for centres, on free stills and simulated movies.

    python train_generalist.py KINDS OUT.train [--minutes M] [--init WEIGHTS]

KINDS is the folder with the free stills, OUT.train the state from which the next call
goes on. The weights at the end are to be had with export_generalist.py.
"""

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tifffile
import torch
from safetensors.torch import load_file
from scipy.ndimage import gaussian_filter

from fastershift.benchmark.suites._kinds import KEPT_OUT_STILLS
from fastershift.io import as_movie
from fastershift.rshn import normalise_robustly
from fastershift.simulate import redraw, simulate_movie
from fastershift.training import (
    Augmentation,
    Trainer,
    TrainingMovie,
    TrainSettings,
    from_simulation,
    load_pair_truth,
    prepare_movie,
)

# How often each source is drawn.
STILLS = {
    "dsb2018-fluo": 0.15,
    "usiigaci-phase": 0.18,
    "omnipose-bacteria-phase": 0.12,
    "trpl-bacteria-phase": 0.05,
    "ecoli-dapi": 0.02,
    "baby-yeast-bf": 0.05,
    "baby-mothermachine": 0.01,
}
# Kind and optics: how often, smallest and largest diameter, cells at the smallest.
SIMULATED = {
    ("rods", "usual"): (0.09, 16, 36, 110),
    ("rods", "any"): (0.03, 16, 36, 110),
    ("yeast", "usual"): (0.08, 16, 40, 60),
    ("adherent", "usual"): (0.12, 24, 60, 50),
    ("adherent", "dic"): (0.04, 24, 60, 50),
    ("embryo", "usual"): (0.03, 14, 36, 120),
    ("cells", "usual"): (0.06, 22, 50, 60),
    ("clumps", "usual"): (0.02, 14, 36, 90),
    ("epithelium", "usual"): (0.02, 20, 44, 80),
    ("phase", "usual"): (0.01, 20, 28, 40),
    ("dic", "usual"): (0.01, 20, 28, 40),
}
# Movies of each of them, drawn anew at every start.
SEEDS = 16
# What the cells of a source are, when their outlines are shown by other microscopes.
REDRAWN: dict[str, tuple[str, ...]] = {
    "dsb2018-fluo": ("embryo", "clumps", "cells"),
    "usiigaci-phase": ("adherent", "cells"),
    "omnipose-bacteria-phase": ("rods",),
    "trpl-bacteria-phase": ("rods",),
    "ecoli-dapi": ("rods",),
    "baby-yeast-bf": ("yeast",),
}
# How often they are drawn, and how many stills of a source are shown.
SHOWN, SHOWS = 0.15, 40

# Far more than within one kind of movie: what looks the same is a kind to itself.
VARIED = Augmentation(
    zoom=1.6,
    stretch=1.4,
    skip=0.5,
    contrast=1.8,
    noise=0.4,
    grain=2.0,
    softness=2.0,
    inversion=0.1,
    curve=0.15,
    relief=0.3,
    filtering=0.15,
)

# How often frames without any cell are drawn, and how many there are.
BLANK, BLANKS = 0.03, 24


def learned(folder: Path) -> list[Path]:
    """List the files of images or masks of a source that are not kept out."""
    is_kept_out = KEPT_OUT_STILLS.get(folder.parent.name, lambda _: False)
    paths = sorted(folder.glob("*.tif"))
    return [path for number, path in enumerate(paths) if not is_kept_out(number)]


def stills(root: Path, name: str, diameter: float) -> Iterator[TrainingMovie]:
    paths = learned(root / name / "images")
    for path in paths:
        image = tifffile.imread(path).astype(np.float32)
        masks = tifffile.imread(path.parents[1] / "masks" / path.name).astype(np.int32)
        if not masks.any():
            continue
        truth = load_pair_truth(as_movie(image[None]), as_movie(masks[None]))
        yield prepare_movie(truth, diameter, weight=STILLS[name] / len(paths))


def redrawn(
    root: Path, name: str, kinds: tuple[str, ...], first_seed: int, diameter: float
) -> Iterator[TrainingMovie]:
    """Stills whose outlines are real and whose light is simulated."""
    paths = learned(root / name / "masks")
    for seed in range(first_seed, first_seed + SHOWS):
        chance = np.random.default_rng(seed)
        path = paths[chance.integers(len(paths))]
        masks = tifffile.imread(path).astype(np.int32)
        if not masks.any():
            continue
        kind = kinds[chance.integers(len(kinds))]
        optics = "usual" if chance.random() < 0.5 else "any"
        image = redraw(masks, kind, optics=optics, seed=seed).astype(np.float32)
        truth = load_pair_truth(as_movie(image[None]), as_movie(masks[None]))
        yield prepare_movie(truth, diameter, weight=SHOWN / len(REDRAWN) / SHOWS)


def simulated(
    kind: str, optics: str, first_seed: int, network_diameter: float
) -> Iterator[TrainingMovie]:
    share, smallest, largest, most = SIMULATED[kind, optics]
    for seed in range(first_seed, first_seed + SEEDS):
        chance = np.random.default_rng(seed)
        diameter = smallest * (largest / smallest) ** chance.random()
        n_cells = round(most * (smallest / diameter) ** 1.5 * chance.uniform(0.2, 1))
        movie = simulate_movie(
            7,
            (256, 256),
            max(4, n_cells),
            kind=kind,
            diameter=diameter,
            optics=optics,
            seed=seed,
        )
        truth = from_simulation(movie, diameter)
        yield prepare_movie(truth, network_diameter, weight=share / SEEDS)


def blank(first_seed: int) -> Iterator[TrainingMovie]:
    """Frames of noise, shading and dirt: nothing in them is a cell."""
    for seed in range(first_seed, first_seed + BLANKS):
        chance = np.random.default_rng(seed)
        shape = (7, 200, 200)
        noise = chance.normal(size=shape)
        for _ in range(int(chance.integers(1, 4))):
            width = np.exp(chance.uniform(-1, 3.5))
            still = chance.random() < 0.5
            coarse = chance.normal(size=shape[1:] if still else shape)
            sigma = width if still else (0, width, width)
            smooth = gaussian_filter(coarse, sigma, mode="wrap")
            noise = noise + chance.uniform(0, 2) * smooth / smooth.std()
        frames = [normalise_robustly(one, chance.uniform(0, 1))[0] for one in noise]
        yield TrainingMovie(
            torch.from_numpy(np.stack(frames)),
            torch.zeros(shape, dtype=torch.int32),
            1.0,
            BLANK / BLANKS,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kinds", type=Path)
    parser.add_argument("state", type=Path)
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--init", type=Path)
    parser.add_argument(
        "--without", action="append", default=[], help="a source, or simulated kind"
    )
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--length", type=int, default=2)
    parser.add_argument("--warmup", type=int, default=6)
    parser.add_argument("--size", type=int, default=192)
    parser.add_argument("--diameter", type=float, default=24, help="network pixels")
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--filters", type=int, default=32)
    parser.add_argument("--deep-filters", type=int)
    parser.add_argument("--levels", type=int, default=5)
    parser.add_argument("--recurrent-from", type=int, default=1)
    parser.add_argument("--block", type=int, default=1)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    settings = TrainSettings(
        filters=options.filters,
        deep_filters=options.deep_filters,
        levels=options.levels,
        recurrent_from=options.recurrent_from,
        block=options.block,
        size=options.size,
        network_diameter=options.diameter,
        length=options.length,
        warmup=options.warmup,
        batch=options.batch,
        learning_rate=options.rate,
        average=0.999,
        seed=options.seed,
    )
    movies = []
    for name in STILLS:
        if name not in options.without:
            movies += stills(options.kinds, name, settings.network_diameter)
    network = None
    if options.init:
        network = settings.network()
        # Its votes are cell diameters: they come right within the first minutes where
        # the weights knew another one.
        network.load_state_dict(load_file(options.init))
    trainer = Trainer(
        tuple(movies),
        settings,
        network=network,
        augmentation=VARIED,
    )
    if options.state.exists():
        trainer.load(options.state)
    # Other movies in every run, also in those that begin with the same weights.
    first_seed = 1_000_000 * options.seed + trainer.iteration
    for kind, optics in SIMULATED:
        if kind in options.without:
            continue
        movies += simulated(kind, optics, first_seed, settings.network_diameter)
    for name, known in REDRAWN.items():
        kinds = tuple(one for one in known if one not in options.without)
        if kinds and name not in options.without:
            movies += redrawn(
                options.kinds, name, kinds, first_seed, settings.network_diameter
            )
    movies += blank(first_seed)
    trainer.movies = tuple(movies)
    print(f"{len(movies)} movies, iteration {trainer.iteration}", flush=True)
    started = saved = time.monotonic()
    losses = []
    # The learning rate falls to nothing where the end is known.
    end = {"minutes": options.minutes} if options.minutes else {"iterations": 10**9}
    for progress in trainer.run(**end):
        losses.append(progress.loss)
        now = time.monotonic()
        if progress.iteration % 100 == 0:
            print(
                f"{progress.iteration} loss {np.mean(losses):.4f} "
                f"after {(now - started) / 60:.1f} min",
                flush=True,
            )
            losses = []
        if now - saved > 180 or progress.done == 1:
            trainer.save(options.state)
            saved = now


if __name__ == "__main__":
    main()
