"""The card of a model that was learned from marks."""

from collections.abc import Mapping

from fastershift.rshn import ModelCard
from fastershift.training.learn._annotations import Annotations

__all__ = ["learned_card"]


def learned_card(
    start: ModelCard,
    annotations: Annotations,
    rules: Mapping[str, dict[str, float]],
    diameter: float,
    *,
    name: str,
    movie_name: str,
    scores: tuple[float, float, float, int],
) -> ModelCard:
    """Describe what was learned, from whom, and on which terms.

    Parameters
    ----------
    start : ModelCard
        Of the model that learning began from.
    annotations : Annotations
        What was shown.
    rules : mapping of str to dict
        Settings by stage that the marks decided.
    diameter : float
        Cell diameter in pixels of the movie.
    name, movie_name : str
        Of the model, and of what was marked.
    scores : (float, float, float, int)
        Agreement with marks kept out, after and before, and with all marks; iterations
        of the network.

    Returns
    -------
    ModelCard
    """
    shown = f"{annotations.n_cells} cells marked in {movie_name}"
    settings = {key: dict(value) for key, value in start.settings.items()}
    for stage, values in rules.items():
        settings[stage] = settings.get(stage, {}) | values
    settings["embed"] = settings.get("embed", {}) | {"diameter": diameter}
    names = ("after", "before", "all", "iterations")
    told = dict(zip(names, (round(one, 3) for one in scores), strict=True))
    return start.model_copy(
        update={
            "name": name,
            "summary": f"Learned from {shown}.",
            "training_data": f"{shown}; begun from the model {start.name} "
            f"({start.training_data}).",
            "settings": settings,
            "scores": {"marks kept out": told},
            "terms": f"As of the model {start.name}: {start.terms}",
            "authors": (),
            "command": "",
        }
    )
