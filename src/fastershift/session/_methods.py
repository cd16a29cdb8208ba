"""What a paper says about how cells were found, in two or three sentences."""

from collections.abc import Mapping
from typing import Any

from fastershift.config import iter_settings

__all__ = ["describe_methods"]

_PAYER = (
    "cosine embeddings of a recurrent stacked hourglass network (Payer et al. 2019, "
    "doi:10.1016/j.media.2019.06.015)"
)
_ZHAO = (
    "Faster Mean-shift clustering (Zhao et al. 2021, doi:10.1016/j.media.2021.102048)"
)
#: Settings that have a place of their own in the text, or do not change results.
_APART = {"model", "diameter", "network_size", "profile"}


def describe_methods(
    settings: Mapping[str, Any],
    provenance: Mapping[str, Any],
    corrections: Mapping[str, Any] | None = None,
) -> str:
    """Describe how a result was made.

    Parameters
    ----------
    settings : mapping
        As they were resolved, by stage; empty where they are not known.
    provenance : mapping
        Version and model.
    corrections : mapping, optional
        Edits made by hand, as `fastershift.editing.Editor.record` gives them.

    Returns
    -------
    str
        Sentences for a paper, with citations.
    """
    version = str(provenance.get("fastershift", "")).strip()
    model = str(provenance.get("model", "")).strip()
    given = "given" if "labels" in provenance or model == "given masks" else ""
    verb = "tracked in masks that were given" if given else "segmented and tracked"
    sentences = [
        f"Cells were {verb} with fastershift {version}".strip()
        + f", which builds on {_PAYER} and {_ZHAO}."
    ]
    several = len(provenance.get("alternatives") or ())
    if several:
        sentences.append(
            f"Of {several} segmentations of the movie, the cells that agreed best were "
            "taken in each frame."
        )
    embed = settings.get("embed", {})
    if model and not model.startswith("given "):
        digest = str(provenance.get("model_sha256", ""))[:12]
        told = f" (SHA-256 of its weights {digest}…)" if digest else ""
        size = embed.get("diameter")
        at = f", at a cell diameter of {_value(size)} pixels" if size else ""
        sentences.append(f"The model was {model}{told}{at}.")
    changed = _changed(settings)
    if changed:
        sentences.append(f"Settings other than the defaults were {changed}.")
    elif settings:
        sentences.append("All settings had their default values.")
    for key, where in (("inside", "inside of"), ("outside", "outside of")):
        if key in provenance:
            sentences.append(
                f"Only cells of which at least half lay {where} a region that was "
                "chosen by hand were taken."
            )
    edits = len((corrections or {}).get("history") or ())
    if edits:
        were = "edit" if edits == 1 else "edits"
        sentences.append(f"Errors were corrected by hand ({edits} {were}).")
    return " ".join(sentences)


def _changed(settings: Mapping[str, Any]) -> str:
    """List the settings that differ from their defaults."""
    told = []
    for one in iter_settings():
        value = settings.get(one.stage, {}).get(one.name, one.default)
        if one.stage in ("", "input") or one.name in _APART or value == one.default:
            continue
        label = one.label[0].lower() + one.label[1:]
        told.append(f"{label} {_value(value)} {one.unit}".rstrip())
    return ", ".join(told)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{value:g}" if isinstance(value, int | float) else str(value)
