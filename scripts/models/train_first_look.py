"""Train the first look, which chooses model and cell diameter from the image.

    python scripts/models/train_first_look.py ../shared/data first_look.weights

It learns from the frames that the models learn from, and from simulations.
"""

import argparse
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from scipy import ndimage
from torch import Tensor
from torch.nn import functional

from fastershift.rshn import normalise_frame, resize_frame
from fastershift.rshn._first_look import KINDS, FirstLookNetwork, mirrored
from fastershift.simulate import simulate_movie
from fastershift.training import load_ctc_truth

# Name: kind, frames learned from.
MOVIES = {
    "Fluo-N2DL-HeLa": ("nuclei", (0, 24)),
    "Fluo-N2DH-SIM+": ("nuclei", (0, 32)),
    "Fluo-N2DH-GOWT1": ("nuclei", (0, 30)),
    "DIC-C2DH-HeLa": ("dic", (0, 68)),
    "Fluo-C2DL-MSC": ("elongated", (0, 16)),
    "PhC-C2DL-PSC": ("phase", (0, 32)),
}
SIDE = 256
BATCH = 12
SMALLEST, LARGEST = 7.0, 120.0


def normalised(frames: Sequence[np.ndarray]) -> list[Tensor]:
    return [torch.from_numpy(normalise_frame(frame)[0]) for frame in frames]


def draw(
    frame: Tensor, diameter: float, rng: np.random.Generator
) -> tuple[Tensor, float]:
    """A part of a frame at a random scale, varied; with the cell diameter in it."""
    # Often near the size at which the second look is taken.
    wanted = math.exp(rng.uniform(math.log(SMALLEST), math.log(LARGEST)))
    if rng.random() < 0.5:
        wanted = 28 * math.exp(rng.normal(0, 0.25))
    scale = float(np.clip(wanted / diameter, 0.15, 4.0))
    span = [min(side, math.ceil(SIDE / scale)) for side in frame.shape]
    top, left = (
        int(rng.integers(side - length + 1))
        for side, length in zip(frame.shape, span, strict=True)
    )
    part = frame[top : top + span[0], left : left + span[1]]
    shape = [max(64, min(SIDE, round(s * scale))) for s in span]
    part = mirrored(resize_frame(part, (shape[0], shape[1])), SIDE)
    part = torch.rot90(part, int(rng.integers(4)))
    if rng.random() < 0.5:
        part = part.flip(0)
    return lit_otherwise(part, rng), diameter * scale


def lit_otherwise(part: Tensor, rng: np.random.Generator) -> Tensor:
    """Another lamp, camera and amount of dirt, and the range that follows from them."""
    low, high = float(part.min()), float(part.max())
    unit = (part.numpy() - low) / max(high - low, 1e-6)
    unit = unit ** math.exp(rng.normal(0, 0.4))
    if rng.random() < 0.3:
        unit = ndimage.gaussian_filter(unit, rng.uniform(0.3, 1.2))
    if rng.random() < 0.4:
        corners = torch.from_numpy(rng.normal(0, 0.3, (1, 1, 2, 2)))
        slope = functional.interpolate(
            corners, unit.shape, mode="bilinear", align_corners=True
        )
        unit = unit + slope[0, 0].numpy()
    if rng.random() < 0.25:
        unit = unit + dirt(unit.shape, rng)
    unit = unit + rng.normal(0, rng.uniform(0, 0.06), unit.shape)
    seen = torch.from_numpy(normalise_frame(unit, blur=0)[0])
    return seen * math.exp(rng.normal(0, 0.15)) + rng.normal(0, 0.1)


def dirt(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """A few bright or dark blobs, some as large as to take up the range."""
    blobs = np.zeros(shape)
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    for _ in range(int(rng.integers(1, 5))):
        row, column = rng.uniform(0, shape[0]), rng.uniform(0, shape[1])
        away = np.hypot(rows - row, columns - column) / rng.uniform(1, 8)
        height = math.exp(rng.normal(0, 0.7)) * rng.choice([1, 1, 1, -1])
        blobs += height / (1 + np.exp(np.minimum(6 * (away - 1), 50)))
    return blobs


def soft(diameters: Tensor) -> Tensor:
    """Share of every step of the scale, a narrow bell around the truth."""
    steps = FirstLookNetwork.diameters().log()
    width = float(steps[1] - steps[0])
    bell = torch.exp(-0.5 * ((steps[None] - diameters.log()[:, None]) / width) ** 2)
    return bell / bell.sum(1, keepdim=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--iterations", type=int, default=4000)
    parser.add_argument("--without", default="", help="leave one movie out")
    parser.add_argument("--start", type=Path, help="weights to go on from")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    sources = []
    for name, (kind, span) in MOVIES.items():
        if name != options.without:
            truth = load_ctc_truth(options.data / name / "01", frames=span)
            frames = normalised(truth.frames)
            sources.append((frames, truth.diameter, KINDS.index(kind), 1.0))
    for kind in KINDS:
        for seed in range(8):
            cells = int(rng.integers(8, 45))
            movie = simulate_movie(
                3, (384, 384), cells, kind=kind, diameter=36, seed=seed
            )
            frames = [torch.from_numpy(normalise_frame(f)[0]) for f in movie.frames]
            sources.append((frames, 36.0, KINDS.index(kind), 0.05))
    weights = np.array([source[3] for source in sources])
    weights /= weights.sum()
    network = FirstLookNetwork()
    if options.start:
        network.load_state_dict(
            {k: v.float() for k, v in load_file(options.start).items()}
        )
    print(sum(p.numel() for p in network.parameters()), "parameters", flush=True)
    optimiser = torch.optim.AdamW(network.parameters(), lr=2e-3, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, 2e-3, total_steps=options.iterations
    )
    total = 0.0
    for iteration in range(options.iterations):
        parts, sizes, kinds = [], [], []
        for _ in range(BATCH):
            frames, diameter, kind, _weight = sources[
                rng.choice(len(sources), p=weights)
            ]
            part, size = draw(frames[rng.integers(len(frames))], diameter, rng)
            parts.append(part)
            sizes.append(size)
            kinds.append(kind)
        size_logits, kind_logits = network(torch.stack(parts)[:, None])
        loss = functional.cross_entropy(size_logits, soft(torch.tensor(sizes)))
        loss = loss + 0.5 * functional.cross_entropy(kind_logits, torch.tensor(kinds))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        total += float(loss.detach())
        if iteration % 200 == 199:
            print(iteration + 1, f"loss {total / 200:.3f}", flush=True)
            total = 0.0
    save_file(
        {k: v.half().contiguous() for k, v in network.state_dict().items()},
        options.output,
    )


if __name__ == "__main__":
    main()
