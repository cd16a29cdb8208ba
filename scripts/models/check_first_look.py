"""Show what the first look finds on frames it has not seen, lit in several ways.

    python scripts/models/check_first_look.py ../shared/data

The frames are those that nothing was trained on.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy import ndimage

from fastershift.benchmark.suites._accuracy import KEPT_OUT
from fastershift.io import read_movie
from fastershift.rshn import first_look


def in_range(frame: np.ndarray) -> np.ndarray:
    low, high = np.quantile(frame, [0.001, 0.999])
    return (frame - low) / (high - low)


def with_gamma(gamma: float) -> Callable[[np.ndarray], np.ndarray]:
    return lambda frame: np.clip(in_range(frame), 0, None) ** gamma


def with_noise(frame: np.ndarray) -> np.ndarray:
    return in_range(frame) + np.random.default_rng(0).normal(0, 0.06, frame.shape)


def on_a_slope(frame: np.ndarray) -> np.ndarray:
    return in_range(frame) + np.linspace(0, 0.5, frame.shape[1])


def with_dirt(frame: np.ndarray) -> np.ndarray:
    dirty = in_range(frame)
    rng = np.random.default_rng(1)
    for _ in range(3):
        row, column = (int(rng.integers(side - 12)) for side in frame.shape)
        dirty[row : row + 12, column : column + 12] = 2
    return dirty


VARIANTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "as it is": in_range,
    "gamma 0.6": with_gamma(0.6),
    "gamma 1.6": with_gamma(1.6),
    "noise": with_noise,
    "blurred": lambda frame: ndimage.gaussian_filter(in_range(frame), 1.5),
    "on a slope": on_a_slope,
    "with dirt": with_dirt,
    "0.7 as large": lambda frame: ndimage.zoom(in_range(frame), 0.7, order=1),
    "1.4 as large": lambda frame: ndimage.zoom(in_range(frame), 1.4, order=1),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    options = parser.parse_args()
    for name, kept in KEPT_OUT.items():
        print(f"{name}: {kept.diameter:.1f} px, {kept.model}")
        movie = read_movie(options.data / name / "01")
        shown = [
            np.asarray(movie[t], dtype=np.float64)
            for t in (kept.first, (kept.first + len(movie)) // 2, len(movie) - 1)
        ]
        for variant, change in VARIANTS.items():
            look = first_look([change(frame) for frame in shown])
            if look is not None:
                print(
                    f"  {variant:12} {look.diameter:6.1f} px  {look.kind:10} "
                    f"{look.probability:.2f}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
