"""The card of a model: its description."""

from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from fastershift.config import resolve_settings
from fastershift.rshn._network import RSHN
from fastershift.rshn._votes import EmbeddingKind, check_channels

__all__ = ["ModelCard", "NetworkSize"]


class NetworkSize(BaseModel):
    """Size of a network, see `RSHN`.

    Attributes
    ----------
    filters, levels, channels, recurrent_from, block : int
        As for `RSHN`.
    deep_filters : int or None
        As for `RSHN`.
    """

    # Bounded, so that a file from anywhere cannot ask for all the memory there is.
    filters: int = Field(ge=1, le=512)
    levels: int = Field(ge=1, le=10)
    channels: int = Field(ge=2, le=256)
    recurrent_from: int = Field(0, ge=0, le=9)
    deep_filters: int | None = Field(
        None,
        ge=1,
        le=512,
        description="Filters of the levels from the third on, if others.",
    )
    block: int = Field(
        1, ge=1, le=4, description="Side of the squares of pixels seen as one."
    )

    @model_validator(mode="after")
    def _recurrent_level(self) -> Self:
        if self.recurrent_from >= self.levels:
            raise ValueError("recurrent_from must be smaller than the number of levels")
        return self

    @property
    def network_size(self) -> dict[str, Any]:
        """The fields that are the size of the network, by name."""
        return self.model_dump(include=set(NetworkSize.model_fields))

    def network(self) -> RSHN:
        """Make a network of this size with weights drawn at random."""
        return RSHN(**self.network_size)


class ModelCard(NetworkSize):
    """Description of a trained network; it travels within the weight file.

    Attributes
    ----------
    name : str
        What people type to choose the model.
    summary : str
        What it is for, in one sentence.
    filters, levels, channels, recurrent_from, deep_filters, block : int
        Size of the network, see `RSHN`.
    embedding : {"cosine", "votes"}
        What the outputs mean, see `EmbeddingKind`.
    diameter : float
        Typical cell diameter it was trained at, in network pixels.
    blur : float
        Standard deviation in pixels of the Gaussian its training frames were smoothed
        with.
    settings : dict
        Recommended settings, nested as in a settings file
        (``{"cluster": {"bandwidth": 0.3}}``).
    training_data : str
        What it has seen.
    scores : dict
        Figures by data set (``{"Fluo-N2DL-HeLa": {"SEG_ST": 0.71, "TRA": 0.9}}``).
    terms : str
        Terms of use of the weights, in a sentence a user can follow.
    licence : str
        Their licence by its SPDX identifier, where there is one.
    authors : tuple of str
        Who made them.
    command : str
        The command that made them.
    """

    model_config = ConfigDict(frozen=True)

    name: str = Field(min_length=1, max_length=100)
    summary: str = ""
    embedding: EmbeddingKind = "cosine"
    diameter: float = Field(gt=0, le=2000)
    blur: float = Field(1.0, ge=0, le=20)
    settings: dict[str, Any] = {}
    training_data: str = ""
    scores: dict[str, dict[str, Any]] = {}
    terms: str = ""
    licence: str = ""
    authors: tuple[str, ...] = ()
    command: str = ""

    @property
    def free(self) -> bool:
        """Whether its terms allow any use."""
        return self.terms.startswith("Free for any use")

    @field_validator("settings")
    @classmethod
    def _usable_settings(cls, settings: dict[str, Any]) -> dict[str, Any]:
        resolve_settings(card=settings)
        return settings

    @model_validator(mode="after")
    def _fitting_network(self) -> Self:
        check_channels(self.embedding, self.channels)
        return self

    def score_lines(self) -> tuple[str, ...]:
        """Write the scores, one line for each data set."""
        return tuple(
            f"{name}: " + ", ".join(f"{key} {value}" for key, value in scores.items())
            for name, scores in self.scores.items()
        )
