"""Suite ``kinds``: cells of many kinds, on images that no model was trained on."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastershift.benchmark._baseline import simple_baseline
from fastershift.benchmark._suite import BenchmarkOptions, Cell, SuiteResult, Table
from fastershift.errors import InputError
from fastershift.evaluation import score_arrays
from fastershift.io import read_movie
from fastershift.labels import Matches, label_areas, match_cells
from fastershift.pipeline import segment_movie
from fastershift.simulate import Kind, simulate_movie

__all__ = [
    "KEPT_OUT_STILLS",
    "SIMULATED",
    "Sample",
    "kept_out_stills",
    "read_still",
    "run",
    "samples_by_kind",
]

_Labels = NDArray[np.int32]

#: Which stills of each source are never learned from, by their number in the folder.
KEPT_OUT_STILLS: Mapping[str, Callable[[int], bool]] = {
    "dsb2018-fluo": lambda number: number % 10 == 9,
    "usiigaci-phase": lambda number: number % 6 == 5,
    "omnipose-bacteria-phase": lambda number: number == 3,
    "trpl-bacteria-phase": lambda number: number % 6 == 5,
    "baby-yeast-bf": lambda number: number >= 60,
}

#: Simulated movies: kind, cell diameter and cells; their seeds are never trained on.
SIMULATED: tuple[tuple[Kind, float, int], ...] = (
    ("rods", 22.0, 60),
    ("yeast", 24.0, 25),
    ("adherent", 40.0, 16),
    ("cells", 34.0, 25),
    ("embryo", 20.0, 60),
    ("clumps", 20.0, 40),
    ("epithelium", 30.0, 40),
)
_SEED = 2_000_000
_FRAMES = 3
_MOVIES = 3

# Stills of each source in the quick form.
_QUICK = 2


@dataclass(frozen=True)
class Sample:
    """A movie, or a still, whose cells are known.

    Attributes
    ----------
    frames : (T, Y, X) array
        Intensities.
    labels : (T, Y, X) int32
        Cells; 0 is background.
    """

    frames: NDArray[np.generic]
    labels: _Labels

    @property
    def diameter(self) -> float:
        """Median diameter of the cells in pixels."""
        sizes = np.concatenate([label_areas(one)[1] for one in self.labels])
        return float(np.sqrt(4 / np.pi * np.median(sizes)))


def run(options: BenchmarkOptions) -> SuiteResult:
    """Score cells of many kinds, told their diameter and with no option set.

    Parameters
    ----------
    options : BenchmarkOptions
        Its data hold a folder ``kinds``, or are that folder; without it only simulated
        movies are scored.

    Returns
    -------
    SuiteResult

    Raises
    ------
    InputError
        For a folder without any of the kinds.
    """
    rows: list[tuple[Cell, ...]] = []
    scores: dict[str, list[float]] = {"true": [], "auto": [], "baseline": []}
    off: list[float] = []
    summary: dict[str, Any] = {"kinds": {}}
    for kind, samples in samples_by_kind(options):
        results = {
            how: _scored(samples, how, options.device)
            for how in ("true", "auto", "baseline")
        }
        for how, score in results.items():
            scores[how].append(score.matches.f1)
            matches = score.matches
            shares = (matches.f1, matches.f1_close, score.tra, score.expected)
            figures = (*shares, score.seconds)
            rounded = (None if one is None else round(one, 3) for one in figures)
            rows.append((kind, _NAMES[how], score.chosen, *rounded))
        expected = results["auto"].expected or 0.0
        off.append(abs(expected - scores["auto"][-1]))
        summary["kinds"][kind] = {
            how: round(score.matches.f1, 4) for how, score in results.items()
        }
        summary["kinds"][kind]["expected"] = round(expected, 4)
    means = {how: float(np.mean(values)) for how, values in scores.items()}
    summary |= {
        "mean_f1": round(means["auto"], 4),
        "least_f1": round(min(scores["auto"]), 4),
        "mean_f1_true_diameter": round(means["true"], 4),
        "least_f1_true_diameter": round(min(scores["true"]), 4),
        "mean_f1_baseline": round(means["baseline"], 4),
        "quality_error": round(float(np.mean(off)), 4),
    }
    columns = ("kind", "how", "choice", "F1", "F1 at 0.75", "TRA", "expected", "s")
    notes = [
        "The baseline is told the median diameter of the ground truth; s is seconds a "
        "frame."
    ]
    if options.quick:
        notes.append(f"Cut down to {_QUICK} stills or one movie of each kind.")
    return SuiteResult(
        summary, (Table("Kinds", columns, tuple(rows)),), notes=tuple(notes)
    )


_NAMES = {
    "true": "diameter given",
    "auto": "auto",
    "baseline": "Otsu, watershed, overlap",
}


def samples_by_kind(
    options: BenchmarkOptions,
) -> Iterator[tuple[str, list[Sample]]]:
    """Read the stills that were kept out, and simulate movies.

    Parameters
    ----------
    options : BenchmarkOptions
        As for `run`.

    Yields
    ------
    kind : str
    samples : list of Sample
        Fewer of them in the quick form.

    Raises
    ------
    InputError
        As `kept_out_stills`.
    """
    for name, kept in kept_out_stills(options):
        step = max(1, len(kept) // _QUICK) if options.quick else 1
        yield name, [Sample(*read_still(path)) for path in kept[::step]]
    for number, (kind, diameter, n_cells) in enumerate(SIMULATED):
        movies = 1 if options.quick else _MOVIES
        seeds = range(_SEED + 100 * number, _SEED + 100 * number + movies)
        made = (
            simulate_movie(
                _FRAMES,
                (256, 256),
                n_cells,
                diameter=diameter,
                kind=kind,
                seed=seed + options.seed,
            )
            for seed in seeds
        )
        yield f"simulated {kind}", [Sample(one.frames, one.labels) for one in made]


def kept_out_stills(options: BenchmarkOptions) -> Iterator[tuple[str, list[Path]]]:
    """List the stills that were kept out of the training.

    Parameters
    ----------
    options : BenchmarkOptions
        As for `run`.

    Yields
    ------
    source : str
        One that is there.
    paths : list of Path
        Of its images.

    Raises
    ------
    InputError
        For a folder without any of the sources.
    """
    if options.kinds is None:
        return
    found = False
    for name, is_kept_out in KEPT_OUT_STILLS.items():
        paths = sorted((options.kinds / name / "images").glob("*.tif"))
        kept = [path for number, path in enumerate(paths) if is_kept_out(number)]
        if kept:
            found = True
            yield name, kept
    if not found:
        raise InputError(
            f"{options.data} holds none of the kinds that are scored: "
            f"{', '.join(KEPT_OUT_STILLS)}; give the folder that does, or none for "
            "simulated kinds alone."
        )


def read_still(path: Path) -> tuple[NDArray[np.generic], _Labels]:
    """Read a still of `KEPT_OUT_STILLS` and its cells.

    Parameters
    ----------
    path : Path
        Of the image; its mask lies beside it.

    Returns
    -------
    (1, Y, X) array, (1, Y, X) int32
    """
    masks = path.parents[1] / "masks" / path.name
    frames, labels = (
        np.stack([np.asarray(one) for one in read_movie(file)])
        for file in (path, masks)
    )
    return frames, labels.astype(np.int32)


class _Score(NamedTuple):
    """All samples of a kind: cells, mean TRA, expected F1, seconds, what was used."""

    matches: Matches
    tra: float | None
    expected: float | None
    seconds: float
    chosen: str


def _scored(samples: list[Sample], how: str, device: str) -> _Score:
    """Run all samples of a kind; nothing is expected of the baseline."""
    total, tra, seconds, frames = Matches(), [], 0.0, 0
    chosen: list[str] = []
    expected: list[float] = []
    for sample in samples:
        if not sample.labels.any():
            continue
        started = time.perf_counter()
        if how == "baseline":
            labels, tracks = simple_baseline(list(sample.frames), sample.diameter), None
            chosen.append(f"{sample.diameter:.0f} px")
        else:
            settings: dict[str, Any] = {}
            if how == "true":
                settings = {"embed": {"diameter": sample.diameter}}
            result = segment_movie(sample.frames, settings, device=device)
            labels, tracks = result.labels, result.lineage.rows()
            embed = result.settings.embed
            expected.append(result.provenance["quality"]["f1"])
            chosen.append(f"{embed.model}, {embed.diameter:.0f} px")
        seconds += time.perf_counter() - started
        frames += len(labels)
        for truth, found in zip(sample.labels, labels, strict=True):
            total += match_cells(truth, found)
        if len(labels) > 1:
            score = score_arrays(labels, tracks, sample.labels).tra
            tra += [] if score is None else [score]
    return _Score(
        total,
        float(np.mean(tra)) if tra else None,
        float(np.mean(expected)) if expected else None,
        seconds / max(1, frames),
        chosen[0] if chosen else "",
    )
