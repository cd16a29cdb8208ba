"""Score a model on the movies at hand and print the table of the results page.

    python docs/models/score.py ../shared/data results/

For every movie this is ``fastershift run`` and ``fastershift evaluate``, once with no
option set and once with the cell diameter given.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

# Name: median cell diameter of its truth in pixels, first frame kept out of training.
MOVIES = {
    "Fluo-N2DL-HeLa": (25.1, 24),
    "Fluo-N2DH-SIM+": (48.5, 32),
    "Fluo-N2DH-GOWT1": (59.8, 30),
    "DIC-C2DH-HeLa": (111.7, 68),
    "Fluo-C2DL-MSC": (73.4, 16),
    "PhC-C2DL-PSC": (12.6, 32),
}


def score(
    data: Path, name: str, out: Path, frames: str, *options: str
) -> tuple[dict, Path]:
    command = [sys.executable, "-m", "fastershift.cli"]
    target = out / "_".join([name, frames.replace(":", "-"), *options[1:]])
    run = ["run", str(data / name / "01"), "-o", str(target), "--frames", frames]
    subprocess.run(
        [*command, *run, "--overwrite", *options], check=True, stdout=sys.stderr
    )
    silver = data / name / "01_ST"
    scores = Path(f"{target}.json")
    subprocess.run(
        [
            *command,
            *("evaluate", str(target), str(data / name / "01_GT")),
            *("--frames", frames, "--json", str(scores)),
            *(("--silver", str(silver)) if silver.is_dir() else ()),
        ],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return json.loads(scores.read_text()), target


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--only", nargs="*", default=list(MOVIES))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    print("| movie | frames | training | diameter | SEG | SEG_ST | TRA | DET |")
    print("|---|---|---|---|---|---|---|---|")
    card: dict[str, dict[str, float]] = {}
    for kind, is_given in (("unseen", False), ("unseen", True), ("seen", False)):
        for name in options.only:
            diameter, unseen = MOVIES[name]
            n_frames = len(list((options.data / name / "01").glob("t*.tif")))
            frames = f"{unseen}:{n_frames}" if kind == "unseen" else f"0:{unseen}"
            chosen = ("--diameter", str(diameter)) if is_given else ()
            scores, _ = score(options.data, name, options.out, frames, *chosen)
            cells = [
                "–" if scores[key] is None else f"{scores[key]:.3f}"
                for key in ("SEG", "SEG_ST", "TRA", "DET")
            ]
            said = f"{diameter} px" if is_given else "estimated"
            print(f"| {name} | {frames} | {kind} | {said} |", " | ".join(cells), "|")
            sys.stdout.flush()
            if kind == "unseen" and not is_given:
                known = {k: round(v, 3) for k, v in scores.items() if v is not None}
                card[f"{name} {frames}"] = known
                (options.out / "scores.json").write_text(json.dumps(card, indent=2))


if __name__ == "__main__":
    main()
