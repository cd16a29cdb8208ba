"""Write the shipped ``generalist`` model from the state of its training.

    python docs/models/export_generalist.py generalist.train scores.json \
        src/fastershift/rshn/weights/generalist.safetensors

The scores are those that ``score.py`` wrote; without that file the card has none.
"""

import argparse
import json
from pathlib import Path

from safetensors import safe_open

from fastershift.rshn import ModelCard, save_model
from fastershift.training import TrainSettings

TERMS = (
    "Trained on movies of the Cell Tracking Challenge: free for research related to "
    "the challenge with citation (Maška et al., Nature Methods 20, 2023; Ulman et al., "
    "Nature Methods 14, 2017); other public or commercial use needs the consent of the "
    "providers of those movies."
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("state", type=Path)
    parser.add_argument("scores", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--bandwidth", type=float, default=0.25)
    parser.add_argument("--smallest-cell", type=float, default=0.2)
    options = parser.parse_args()
    with safe_open(options.state, "pt") as file:
        settings = TrainSettings.model_validate_json(file.metadata()["settings"])
        iterations = json.loads(file.metadata()["iteration"])
        weights = {
            name.removeprefix("average."): file.get_tensor(name)
            for name in file.keys()  # noqa: SIM118 (not a mapping)
            if name.startswith("average.")
        }
    scores = json.loads(options.scores.read_text()) if options.scores.exists() else {}
    card = ModelCard(
        name="generalist",
        summary="Nuclei and whole cells in fluorescence, phase contrast and DIC.",
        filters=settings.filters,
        levels=settings.levels,
        channels=settings.channels,
        diameter=settings.network_diameter,
        settings={
            "cluster": {"bandwidth": options.bandwidth},
            "track": {"smallest_cell": options.smallest_cell},
        },
        training_data=(
            "Sequence 01 of Fluo-N2DL-HeLa, Fluo-N2DH-SIM+, Fluo-N2DH-GOWT1, "
            "DIC-C2DH-HeLa, Fluo-C2DL-MSC and PhC-C2DL-PSC (Cell Tracking Challenge), "
            "and simulated movies"
        ),
        scores=scores,
        terms=TERMS,
        authors=("The fastershift developers",),
        command=(
            "python docs/models/train_generalist.py ../shared/data generalist.train "
            f"({iterations} iterations)"
        ),
    )
    options.output.parent.mkdir(parents=True, exist_ok=True)
    save_model(weights, card, options.output, half=True)


if __name__ == "__main__":
    main()
