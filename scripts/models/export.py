"""Write a shipped model from the state of its training.

    python scripts/models/export.py dic dic.train src/fastershift/rshn/weights \
        --scores scores.json

The scores are those of ``fastershift benchmark accuracy --json scores.json``; without
that file the card has none.
"""

import argparse
import json
from pathlib import Path

import torch
from safetensors import safe_open

from fastershift.rshn import ModelCard, load_model, save_model
from fastershift.training import TrainSettings

TERMS = (
    "Trained on movies of the Cell Tracking Challenge: free for research related to "
    "the challenge with citation (Maška et al., Nature Methods 20, 2023; Ulman et al., "
    "Nature Methods 14, 2017); other public or commercial use needs the consent of the "
    "providers of those movies."
)
NUCLEI = ("Fluo-N2DL-HeLa", "Fluo-N2DH-SIM+", "Fluo-N2DH-GOWT1")
OTHERS = ("DIC-C2DH-HeLa", "Fluo-C2DL-MSC", "PhC-C2DL-PSC")

# Name: what it is for, and the movies it was trained on besides simulated ones.
MODELS = {
    "cosine": (
        "Nuclei and whole cells in fluorescence, phase contrast and DIC.",
        (*NUCLEI, *OTHERS),
    ),
    "nuclei": ("Nuclei in fluorescence.", (*NUCLEI, *OTHERS)),
    "dic": ("Whole cells in differential interference contrast.", (*NUCLEI, *OTHERS)),
    "phase": ("Small crowded cells in phase contrast.", (*NUCLEI, *OTHERS)),
    "elongated": (
        "Cells with long processes in fluorescence.",
        (*NUCLEI, *OTHERS),
    ),
    "simulated": ("Trained on simulations alone, free for any use.", ()),
}
SPECIAL = {
    "nuclei": NUCLEI,
    "dic": ("DIC-C2DH-HeLa",),
    "phase": ("PhC-C2DL-PSC",),
    "elongated": ("Fluo-C2DL-MSC",),
}


def training_data(name: str) -> str:
    movies = MODELS[name][1]
    if not movies:
        return "Simulated movies alone."
    learned = f"Sequence 01 of {', '.join(movies)} (Cell Tracking Challenge)"
    if name in SPECIAL:
        learned += f"; at last only {', '.join(SPECIAL[name])}"
    return f"{learned}, and simulated movies."


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=MODELS)
    parser.add_argument("state", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--scores", type=Path)
    parser.add_argument("--bandwidth", type=float, default=0.25)
    parser.add_argument("--smallest-cell", type=float, default=0.2)
    parser.add_argument("--foreground", type=float, default=0.5)
    parser.add_argument("--split-large", action="store_true")
    parser.add_argument("--no-local-modes", action="store_true")
    parser.add_argument("--start", help="the model that the training went on from")
    parser.add_argument(
        "--blend", type=float, default=1.0, help="share of the way from there to take"
    )
    options = parser.parse_args()
    with safe_open(options.state, "pt") as file:
        settings = TrainSettings.model_validate_json(file.metadata()["settings"])
        iterations = json.loads(file.metadata()["iteration"])
        weights = {
            name.removeprefix("average."): file.get_tensor(name)
            for name in file.keys()  # noqa: SIM118 (not a mapping)
            if name.startswith("average.")
        }
    if options.start:
        before = load_model(options.start).network.state_dict()
        weights = {
            name: torch.lerp(before[name], value, options.blend)
            for name, value in weights.items()
        }
    scores = {}
    if options.scores:
        found = json.loads(options.scores.read_text(encoding="utf-8"))
        wanted = SPECIAL.get(options.name, MODELS[options.name][1])
        for movie in wanted:
            if movie in found:
                values = found[movie]
                scores[movie] = {
                    key: round(value, 3)
                    for key, value in values.items()
                    if value is not None
                }
    script = "train_cosine.py"
    if options.name != "cosine":
        script = f"train_specialist.py {options.name}"
    start = f" --start {options.start}" if options.start else ""
    card = ModelCard(
        name=options.name,
        summary=MODELS[options.name][0],
        **settings.network_size,
        embedding=settings.embedding,
        diameter=settings.network_diameter,
        settings={
            "cluster": {
                "bandwidth": options.bandwidth,
                "split_large": options.split_large,
                **({"local_modes": False} if options.no_local_modes else {}),
            },
            "track": {
                "smallest_cell": options.smallest_cell,
                "foreground": options.foreground,
            },
        },
        training_data=training_data(options.name),
        scores=scores,
        terms=TERMS if MODELS[options.name][1] else "Free for any use.",
        licence="" if MODELS[options.name][1] else "BSD-3-Clause",
        authors=("The fastershift developers",),
        command=(
            f"python scripts/models/{script} ../shared/data {options.name}.train"
            f"{start} ({iterations} iterations)"
        ),
    )
    options.folder.mkdir(parents=True, exist_ok=True)
    path = options.folder / f"{options.name}.safetensors"
    save_model(weights, card, path, half=True)


if __name__ == "__main__":
    main()
