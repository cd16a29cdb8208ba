"""Measure what each departure from the published method does, one at a time.

    python scripts/models/departures.py ../shared/data results/

Frames 32 to 39 of Fluo-N2DH-SIM+, which training has not seen: the default profile,
then the default with one setting as published.
"""

import argparse
import csv
import json
import subprocess
import sys
from pathlib import Path

SET, FRAMES, DIAMETER = "Fluo-N2DH-SIM+", "32:40", "48.5"

CHANGES = {
    "default": (),
    "window": ("--window", "8"),
    "tile, tile_overlap, merge_tiles": (
        *("--tile", "256", "--tile-overlap", "128", "--merge-tiles"),
    ),
    "coordinate_weight": ("--coordinate-weight", "0.005"),
    "mean": ("--mean", "raw"),
    "min_cluster_size": ("--min-cluster-size", "1"),
    "local_modes": ("--no-local-modes",),
    "join_alike": ("--no-join-alike",),
    "split_large": ("--no-split-large",),
    "carry_seeds": ("--carry-seeds",),
    "reseed": ("--no-reseed",),
}


def score(data: Path, out: Path, *options: str) -> tuple[dict, Path]:
    """Run and evaluate as on the command line."""
    command = [sys.executable, "-m", "fastershift.cli"]
    target = out / "_".join([SET, FRAMES.replace(":", "-"), *options])
    run = ["run", str(data / SET / "01"), "-o", str(target), "--frames", FRAMES]
    subprocess.run(
        [*command, *run, "--overwrite", *options], check=True, stdout=sys.stderr
    )
    scores = Path(f"{target}.json")
    truth = str(data / SET / "01_GT")
    subprocess.run(
        [
            *command,
            *("evaluate", str(target), truth),
            *("--frames", FRAMES, "--json", str(scores)),
        ],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return json.loads(scores.read_text()), target


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    print("| as published | SEG | TRA | network | clustering |")
    print("|---|---|---|---|---|")
    for name, change in CHANGES.items():
        arguments = ("--diameter", DIAMETER, *change)
        scores, folder = score(options.data, options.out, *arguments)
        with (folder / "report.csv").open() as file:
            rows = list(csv.DictReader(file))
        times = [
            sum(float(row[column]) for row in rows) / len(rows)
            for column in ("network_ms", "clustering_ms")
        ]
        print(
            f"| {name} | {scores['SEG']:.3f} | {scores['TRA']:.3f} | "
            f"{times[0]:.0f} ms | {times[1]:.0f} ms |",
            flush=True,
        )


if __name__ == "__main__":
    main()
