"""The training loop: clips in, weights out, resumable at any iteration."""

import json
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from pydantic import BaseModel, ConfigDict, Field
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from fastershift.errors import InputError
from fastershift.rshn import RSHN
from fastershift.training._augment import Augmentation, TrainingMovie, draw_clip
from fastershift.training._loss import Attraction, embedding_loss

__all__ = ["TrainProgress", "TrainSettings", "Trainer"]


class TrainSettings(BaseModel):
    """What a training run is made of."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    filters: int = Field(24, ge=1, description="Filters of every convolution.")
    levels: int = Field(5, ge=1, le=10, description="Resolutions of an hourglass.")
    channels: int = Field(16, ge=2, description="Length of an embedding.")
    network_diameter: float = Field(
        24.0, gt=2, description="Cell diameter in network pixels."
    )
    size: int = Field(128, ge=16, description="Side of a clip in network pixels.")
    length: int = Field(4, ge=1, description="Frames of a clip.")
    batch: int = Field(2, ge=1, description="Clips of an iteration.")
    reach: float = Field(
        16.0, ge=0, description="Gap in network pixels up to which cells repel."
    )
    learning_rate: float = Field(1.5e-3, gt=0, description="Highest learning rate.")
    weight_decay: float = Field(1e-4, ge=0, description="Decoupled weight decay.")
    average: float = Field(
        0.998, ge=0, lt=1, description="Decay of the moving average of the weights."
    )
    attraction: Attraction = Field("signed", description="See the loss.")
    border_weight: float = Field(
        3.0, gt=0, description="Weight of pixels at outlines in the background term."
    )
    mixed_precision: bool = Field(True, description="Convolutions in bfloat16.")
    seed: int = Field(0, ge=0, description="Seed of the weights and of all clips.")


@dataclass(frozen=True)
class TrainProgress:
    """State of a training run after an iteration."""

    iteration: int
    done: float
    loss: float
    seconds: float


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
    """

    def __init__(
        self,
        movies: tuple[TrainingMovie, ...],
        settings: TrainSettings,
        *,
        network: RSHN | None = None,
        augmentation: Augmentation | None = None,
    ) -> None:
        if not movies:
            raise InputError("There is nothing to train on: give at least one movie.")
        self.movies = movies
        self.settings = settings
        self.augmentation = augmentation or Augmentation()
        self.iteration = 0
        torch.manual_seed(settings.seed)
        self.network = network or RSHN(
            settings.filters, settings.levels, settings.channels
        )
        self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._optimiser = torch.optim.AdamW(
            self.network.parameters(),
            lr=settings.learning_rate,
            weight_decay=settings.weight_decay,
        )
        self._average = {k: v.clone() for k, v in self.network.state_dict().items()}

    def run(
        self, *, iterations: int | None = None, minutes: float | None = None
    ) -> Iterator[TrainProgress]:
        """Train until a number of iterations, or for a time.

        Parameters
        ----------
        iterations : int, optional
            Number of the last iteration, counted from the very first.
        minutes : float, optional
            Time from now; the learning rate falls to zero at its end.

        Yields
        ------
        TrainProgress
            After every iteration; leaving the loop keeps all that was learned.
        """
        if (iterations is None) == (minutes is None):
            raise InputError("Give either a number of iterations or minutes.")
        start = time.monotonic()
        done = self.iteration / iterations if iterations else 0.0
        while done < 1:
            loss = self._step(done)
            self.iteration += 1
            seconds = time.monotonic() - start
            if iterations is not None:
                done = self.iteration / iterations
            elif minutes is not None:
                done = seconds / (60 * minutes)
            yield TrainProgress(self.iteration, min(done, 1.0), loss, seconds)

    def _step(self, done: float) -> float:
        options = self.settings
        generator = torch.Generator().manual_seed(
            options.seed * 1_000_003 + self.iteration
        )
        clips = [
            draw_clip(
                self.movies,
                length=options.length,
                size=options.size,
                reach=options.reach,
                options=self.augmentation,
                generator=generator,
            )
            for _ in range(options.batch)
        ]
        frames = torch.stack([clip.frames for clip in clips], dim=1)
        labels = torch.stack([clip.labels for clip in clips], dim=1)
        warm = min(1.0, (self.iteration + 1) / 200)
        rate = options.learning_rate * warm * 0.5 * (1 + math.cos(math.pi * done))
        for group in self._optimiser.param_groups:
            group["lr"] = max(rate, 1e-6)
        with torch.autocast("cpu", torch.bfloat16, enabled=options.mixed_precision):
            first, second, _ = self.network(frames)
        loss = embedding_loss(
            (first.float(), second.float()),
            labels,
            tuple(clip.neighbours for clip in clips),
            attraction=options.attraction,
            border_weight=options.border_weight,
        )
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self._optimiser.step()
        decay = min(options.average, (self.iteration + 1) / (self.iteration + 10))
        for name, value in self.network.state_dict().items():
            self._average[name].lerp_(value, 1 - decay)
        return float(loss.detach())

    @property
    def weights(self) -> dict[str, Tensor]:
        """Moving average of the weights: the model to use."""
        return {name: value.contiguous() for name, value in self._average.items()}

    def save(self, path: str | Path) -> None:
        """Write everything a later run needs to go on exactly here.

        Parameters
        ----------
        path : str or Path
            A safetensors file; replaced whole or not at all.
        """
        path = Path(path)
        tensors = {f"average.{k}": v for k, v in self._average.items()}
        tensors |= {f"network.{k}": v for k, v in self.network.state_dict().items()}
        for index, state in self._optimiser.state_dict()["state"].items():
            tensors |= {f"optimiser.{index}.{k}": v for k, v in state.items()}
        partial = path.with_name(path.name + ".part")
        save_file(
            {name: value.contiguous() for name, value in tensors.items()},
            partial,
            metadata={
                "iteration": json.dumps(self.iteration),
                "settings": self.settings.model_dump_json(),
            },
        )
        partial.replace(path)

    def load(self, path: str | Path) -> None:
        """Go on where `save` was called.

        Parameters
        ----------
        path : str or Path
            A file written by `save` in a run with the same network.

        Raises
        ------
        InputError
            When the file is of another network.
        """
        with safe_open(path, "pt") as file:
            names = list(file.keys())
            tensors = {name: file.get_tensor(name) for name in names}
            self.iteration = json.loads(file.metadata()["iteration"])
        parts: dict[str, dict[str, Tensor]] = {}
        for name, value in tensors.items():
            part, rest = name.split(".", 1)
            parts.setdefault(part, {})[rest] = value
        try:
            self.network.load_state_dict(parts["network"])
        except (RuntimeError, KeyError) as error:
            raise InputError(
                f"{path} belongs to a network of another size and cannot be resumed."
            ) from error
        self._average = parts["average"]
        state: dict[int, dict[str, Tensor]] = {}
        for name, value in parts.get("optimiser", {}).items():
            index, key = name.split(".")
            state.setdefault(int(index), {})[key] = value
        groups = self._optimiser.state_dict()["param_groups"]
        self._optimiser.load_state_dict({"state": state, "param_groups": groups})
