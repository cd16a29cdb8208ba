"""The training loop: clips in, weights out, resumable at any iteration."""

import json
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import torch
from pydantic import ConfigDict, Field, model_validator
from torch import Tensor

from fastershift._devices import choose_device
from fastershift.config import Precision
from fastershift.errors import InputError
from fastershift.rshn import (
    RSHN,
    EmbeddingKind,
    ModelCard,
    NetworkSize,
    check_channels,
    choose_precision,
)
from fastershift.training._augment import (
    Clip,
    TrainingMovie,
    draw_clip,
    stack_clips,
)
from fastershift.training._intensity import Augmentation
from fastershift.training._loss import Attraction, Balance, embedding_loss
from fastershift.training._optimiser import AdamW
from fastershift.training._state import parse_told, read_state, write_state
from fastershift.training._votes_loss import votes_loss

__all__ = ["Best", "TrainProgress", "TrainSettings", "Trainer"]

# Iterations over which the learning rate rises, and after which it falls where the end
# of the training is open.
_WARM_UP = 200
_PLATEAU = 1000


class TrainSettings(NetworkSize):
    """What a training run is made of."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    filters: int = Field(24, ge=1, description="Filters of every convolution.")
    levels: int = Field(5, ge=1, le=10, description="Resolutions of an hourglass.")
    channels: int = Field(16, ge=2, description="Length of an embedding.")
    recurrent_from: int = Field(
        1, ge=0, description="Finest level with a recurrent unit."
    )
    network_diameter: float = Field(
        24.0, gt=2, description="Cell diameter in network pixels."
    )
    size: int = Field(192, ge=16, description="Side of a clip in network pixels.")
    length: int = Field(4, ge=1, description="Frames of a clip.")
    warmup: int = Field(
        0,
        ge=0,
        description="Most frames before a clip that only fill the recurrent state.",
    )
    batch: int = Field(1, ge=1, description="Clips of an iteration.")
    reach: float = Field(
        16.0, ge=0, description="Gap in network pixels up to which cells repel."
    )
    learning_rate: float = Field(1.5e-3, gt=0, description="Highest learning rate.")
    weight_decay: float = Field(1e-4, ge=0, description="Decoupled weight decay.")
    average: float = Field(
        0.998, ge=0, lt=1, description="Decay of the moving average of the weights."
    )
    attraction: Attraction = Field("signed", description="See the loss.")
    balance: Balance = Field("pixel", description="See the loss.")
    border_weight: float = Field(
        3.0, gt=0, description="Weight of pixels at outlines in the background term."
    )
    embedding: EmbeddingKind = Field(
        "votes", description="Votes for the centre, or vectors compared by cosine."
    )
    precision: Precision = Field(
        "auto",
        description="Number format of the convolutions; auto uses bfloat16 where the "
        "processor multiplies it in hardware.",
    )
    seed: int = Field(0, ge=0, description="Seed of the weights and of all clips.")

    @model_validator(mode="after")
    def _fitting_network(self) -> Self:
        check_channels(self.embedding, self.channels)
        return self


@dataclass(frozen=True)
class TrainProgress:
    """State of a training run after an iteration.

    Attributes
    ----------
    iteration : int
        Iterations made, counted from the very first.
    done : float
        Share of what was asked for, 0 to 1.
    loss : float
        Of the last iteration.
    seconds : float
        Since the run was started or resumed.
    """

    iteration: int
    done: float
    loss: float
    seconds: float

    @property
    def seconds_left(self) -> float:
        """Time until the end at the speed so far."""
        return self.seconds * (1 - self.done) / self.done


@dataclass(frozen=True, eq=False)
class Best:
    """The weights that did best so far.

    Attributes
    ----------
    weights : dict of str to Tensor
        The moving average at that time.
    score : float
        By which weights are compared; higher is better.
    iteration : int
        When it was.
    details : dict
        What the score is made of; plain values.
    """

    weights: dict[str, Tensor]
    score: float
    iteration: int
    details: dict[str, Any]


class Trainer:
    """Train a network on movies with truth.

    Every iteration draws from a generator seeded by the run's seed and its own number,
    so that a resumed run sees the clips that an uninterrupted one would have seen.

    Parameters
    ----------
    movies : tuple of TrainingMovie
        What to learn from.
    settings : TrainSettings
        What the run is made of.
    network : RSHN, optional
        Where to start; fresh weights without it.
    augmentation : Augmentation
        How far clips are varied.
    device : str
        Where to compute, see `choose_device`. Two runs agree bit for bit on the CPU.

    Attributes
    ----------
    iteration : int
        Iterations made so far.
    best : Best or None
        See `keep`.
    """

    best: Best | None = None

    def __init__(
        self,
        movies: tuple[TrainingMovie, ...],
        settings: TrainSettings,
        *,
        network: RSHN | None = None,
        augmentation: Augmentation | None = None,
        device: str = "cpu",
    ) -> None:
        if not movies:
            raise InputError("There is nothing to train on: give at least one movie.")
        self.movies = movies
        self.settings = settings
        self.augmentation = augmentation or Augmentation()
        self.iteration = 0
        torch.manual_seed(settings.seed)
        self.network = network or settings.network()
        self.device = choose_device(device)
        self.network.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._optimiser = AdamW(self.network.parameters(), settings.weight_decay)
        self._average = {k: v.clone() for k, v in self.network.state_dict().items()}

    def run(
        self, *, iterations: int | None = None, minutes: float | None = None
    ) -> Iterator[TrainProgress]:
        """Train for a number of iterations, or for a time.

        Parameters
        ----------
        iterations : int, optional
            How many from now. The learning rate does not depend on this number, so
            that two runs, the second resumed, equal a single one that is as long.
        minutes : float, optional
            Time from now; the learning rate falls to zero at its end.

        Yields
        ------
        TrainProgress
            After every iteration; leaving the loop keeps all that was learned.

        Raises
        ------
        InputError
            For neither or both of them, and for a duration of 0 or less.
        """
        if (iterations is None) == (minutes is None):
            raise InputError("Give either a number of iterations or minutes.")
        if (iterations or minutes or 0) <= 0:
            raise InputError("The duration of a training must be more than 0.")
        start, first = time.monotonic(), self.iteration
        done = 0.0
        while done < 1:
            loss = self._step(_fall(self.iteration) if iterations else _cosine(done))
            self.iteration += 1
            seconds = time.monotonic() - start
            if iterations is not None:
                done = (self.iteration - first) / iterations
            elif minutes is not None:
                done = seconds / (60 * minutes)
            yield TrainProgress(self.iteration, min(done, 1.0), loss, seconds)

    def _step(self, slowed: float) -> float:
        """Draw clips, and move the weights at a share of the highest rate."""
        options = self.settings
        generator = torch.Generator().manual_seed(
            options.seed * 1_000_003 + self.iteration
        )
        warmup = int(torch.randint(options.warmup + 1, (), generator=generator))
        clips = [
            draw_clip(
                self.movies,
                length=warmup + options.length,
                size=options.size,
                reach=options.reach,
                network_diameter=options.network_diameter,
                options=self.augmentation,
                generator=generator,
            )
            for _ in range(options.batch)
        ]
        stacked = stack_clips(clips, self.network.stride)
        frames, labels = (part.to(self.device) for part in stacked)
        warm = min(1.0, (self.iteration + 1) / _WARM_UP)
        rate = options.learning_rate * warm * slowed
        half = choose_precision(options.precision, self.device) == torch.bfloat16
        with torch.autocast(self.device.type, torch.bfloat16, enabled=half):
            state = None
            if warmup:
                with torch.no_grad():
                    _, _, state = self.network(frames[:warmup])
            first, second, _ = self.network(frames[warmup:], state)
        loss = self._loss((first.float(), second.float()), labels, clips)
        self.network.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self._optimiser.step(max(rate, 1e-6))
        decay = min(options.average, (self.iteration + 1) / (self.iteration + 10))
        for name, value in self.network.state_dict().items():
            self._average[name].lerp_(value, 1 - decay)
        return float(loss.detach())

    def _loss(
        self, outputs: tuple[Tensor, Tensor], labels: Tensor, clips: list[Clip]
    ) -> Tensor:
        options = self.settings
        if options.embedding == "votes":
            return votes_loss(
                outputs,
                labels,
                [clip.predecessors for clip in clips],
                diameter=options.network_diameter,
                border_weight=options.border_weight,
            )
        return embedding_loss(
            outputs,
            labels[-len(outputs[0]) :],
            tuple(clip.neighbours.to(self.device) for clip in clips),
            attraction=options.attraction,
            border_weight=options.border_weight,
            balance=options.balance,
        )

    @property
    def weights(self) -> dict[str, Tensor]:
        """Moving average of the weights: the model to use."""
        return {
            name: value.to("cpu", copy=True).contiguous()
            for name, value in self._average.items()
        }

    def keep(self, score: float, details: dict[str, Any]) -> bool:
        """Keep the weights as they are now if none before did better.

        Parameters
        ----------
        score : float
            How well they do; higher is better.
        details : dict
            What the score is made of; plain values.

        Returns
        -------
        bool
            Whether they are the best so far.
        """
        better = self.best is None or score >= self.best.score
        if better:
            self.best = Best(self.weights, score, self.iteration, details)
        return better

    def save(self, path: str | Path, card: ModelCard | None = None) -> None:
        """Write everything a later run needs to go on exactly here.

        Parameters
        ----------
        path : str or Path
            A safetensors file; replaced whole or not at all.
        card : ModelCard, optional
            What the model says about itself, which a later run adds to.
        """
        tensors = {f"average.{k}": v for k, v in self._average.items()}
        tensors |= {f"network.{k}": v for k, v in self.network.state_dict().items()}
        for index, state in self._optimiser.state.items():
            tensors |= {f"optimiser.{index}.{k}": v for k, v in state.items()}
        metadata = {
            "iteration": json.dumps(self.iteration),
            "settings": self.settings.model_dump_json(),
        }
        if card is not None:
            metadata["card"] = card.model_dump_json()
        if self.best is not None:
            tensors |= {f"best.{k}": v for k, v in self.best.weights.items()}
            found = (self.best.score, self.best.iteration, self.best.details)
            metadata["best"] = json.dumps(found)
        write_state(path, tensors, metadata)

    def load(self, path: str | Path) -> ModelCard | None:
        """Go on where `save` was called.

        Parameters
        ----------
        path : str or Path
            A file written by `save` in a run with the same network.

        Returns
        -------
        ModelCard or None
            The card that was saved with it.

        Raises
        ------
        InputError
            When there is no such file, or when it is of another network or version.
        """
        tensors, metadata = read_state(path)
        parts: dict[str, dict[str, Tensor]] = {}
        for name, value in tensors.items():
            part, _, rest = name.partition(".")
            parts.setdefault(part, {})[rest] = value
        try:
            self.network.load_state_dict(parts["network"])
        except (RuntimeError, KeyError) as error:
            raise InputError(
                f"{path} belongs to a network of another size and cannot be resumed."
            ) from error
        self.iteration = json.loads(metadata["iteration"])
        self._average = {k: v.to(self.device) for k, v in parts["average"].items()}
        self.best = None
        if "best" in metadata:
            score, iteration, details = json.loads(metadata["best"])
            self.best = Best(parts["best"], score, iteration, details)
        state: dict[int, dict[str, Tensor]] = {}
        for name, value in parts.get("optimiser", {}).items():
            index, key = name.split(".")
            state.setdefault(int(index), {})[key] = value
        self._optimiser.load(state)
        told = metadata.get("card")
        return None if told is None else parse_told(ModelCard, told, path)


def _cosine(done: float) -> float:
    """Learning rate of a training whose end is known, as a share of the highest."""
    return 0.5 * (1 + math.cos(math.pi * done))


def _fall(iteration: int) -> float:
    """Learning rate of a training whose end is open, as a share of the highest."""
    return math.sqrt(min(1.0, _PLATEAU / (iteration + 1)))
