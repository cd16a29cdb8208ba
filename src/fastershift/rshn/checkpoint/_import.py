"""Published TensorFlow checkpoints to models of this package."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastershift.config import PRESETS
from fastershift.errors import InputError
from fastershift.rshn._card import ModelCard
from fastershift.rshn._registry import place_for_model
from fastershift.rshn._weights import save_model
from fastershift.rshn.checkpoint._bundle import Bundle, read_bundle
from fastershift.rshn.checkpoint._published import network_from_published

__all__ = ["import_checkpoint", "preset_of"]

# What the optimiser kept beside each weight, and what counted its steps.
_SLOTS = ("/Adam", "/Adam_1")
_COUNTERS = {"Variable", "beta1_power", "beta2_power"}

# The network of the conference paper names its convolutions without a number.
_CONFERENCE = re.compile(r"/(conv|gru)/")

# Median diameter of the cells of sequence 01 (human truth) in network pixels at the
# published network size, and what is in the middle of them for any other data set.
_DIAMETERS: Mapping[str, float] = {
    "DIC-C2DH-HeLa": 56.0,
    "Fluo-C2DL-MSC": 22.0,
    "Fluo-N2DH-GOWT1": 30.0,
    "Fluo-N2DH-SIM+": 38.0,
    "Fluo-N2DL-HeLa": 24.0,
}
_OTHER_DIAMETER = 30.0

_CITATION = (
    "Payer et al., Medical Image Analysis 57, 2019, doi:10.1016/j.media.2019.06.015"
)


def preset_of(checkpoint: str | Path) -> str | None:
    """Tell the published data set that the path of a checkpoint names.

    Parameters
    ----------
    checkpoint : str or Path
        Searched from its last part up.

    Returns
    -------
    str or None
        A key of `PRESETS`.
    """
    for part in reversed(Path(checkpoint).parts):
        for name in PRESETS:
            if name.lower() in part.lower():
                return name
    return None


def _weights(bundle: Bundle) -> dict[str, NDArray[Any]]:
    """Read the weights alone; everything else served the training."""
    names = [
        name for name in bundle if not name.endswith(_SLOTS) and name not in _COUNTERS
    ]
    if any(_CONFERENCE.search(name) for name in names):
        raise InputError(
            f"{bundle.prefix} holds the network of the MICCAI 2018 paper, which is "
            "built differently; import a checkpoint of the 2019 paper."
        )
    weights = {name: bundle[name] for name in names}
    for name, value in weights.items():
        if not np.issubdtype(value.dtype, np.floating):
            raise InputError(
                f"The weights '{name}' of {bundle.prefix} are not "
                "floating-point numbers, so it is not a recurrent stacked "
                "hourglass network."
            )
    return weights


def _summary(preset: str | None) -> str:
    if preset is None:
        return (
            "Network from a TensorFlow checkpoint; run it with the profile 'published' "
            "and the preset of its data set."
        )
    return (
        f"Network of Payer et al. (2019) for {preset}; run it with the profile "
        f"'published' and the preset '{preset}'."
    )


def import_checkpoint(
    checkpoint: str | Path,
    name: str,
    *,
    diameter: float | None = None,
    overwrite: bool = False,
) -> Path:
    """Make a model of this user from a checkpoint that the RSHN authors published.

    Parameters
    ----------
    checkpoint : str or Path
        Path of the checkpoint, with or without ``.index``. The published ones are
        called after their data set, which gives the model its description.
    name : str
        What to call the model; `load_model` and ``--model`` then know it.
    diameter : float, optional
        Typical cell diameter it was trained at, in network pixels. It matters only
        without a preset, which sets the network size instead. The default is the
        measured one of the data set that the path names.
    overwrite : bool
        Replace a former model of this name.

    Returns
    -------
    Path
        The weight file, in `user_models_folder`.

    Raises
    ------
    InputError
        When the checkpoint cannot be read (see `read_bundle`), holds another network,
        or when the name is taken or unusable.
    FastershiftError
        When the model cannot be written.

    Notes
    -----
    The weights are those of Payer et al. (2019), in their order; nothing is converted
    but the layout. No TensorFlow is needed.
    """
    if diameter is not None and not 1 <= diameter <= 2000:
        raise InputError("The cell diameter must lie between 1 and 2000 pixels.")
    target = place_for_model(name)
    if target.exists() and not overwrite:
        raise InputError(
            f"The model '{name}' exists already; choose another name, or overwrite it."
        )
    network = network_from_published(_weights(read_bundle(checkpoint)))
    preset = preset_of(checkpoint)
    card = ModelCard(
        name=name,
        summary=_summary(preset),
        filters=network.filters,
        levels=network.levels,
        channels=network.channels,
        diameter=diameter or _DIAMETERS.get(preset or "", _OTHER_DIAMETER),
        settings={"cluster": {"bandwidth": 0.1}},
        training_data=f"{preset} of the Cell Tracking Challenge" if preset else "",
        terms=(
            "Those of the authors of the checkpoint and of the providers of the movies "
            f"it was trained on. For the published ones cite {_CITATION}."
        ),
        command=f"fastershift models import {Path(checkpoint).name} --name {name}",
    )
    save_model(network, card, target)
    return target
