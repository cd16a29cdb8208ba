"""A whole training: iterations, validations, and the model that comes of it."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from fastershift.io import write_picture
from fastershift.rshn import RSHN, EmbeddingKind, Model, ModelCard, read_card
from fastershift.training._data import TrainingData
from fastershift.training._place import (
    check_model_output,
    picture_path,
    save_or_keep,
)
from fastershift.training._start import continued_card, first_card, state_path
from fastershift.training._trainer import Trainer, TrainProgress, TrainSettings
from fastershift.training._validation import PartScores, Validation, validate

__all__ = [
    "TrainEvent",
    "TrainFinished",
    "TrainStarted",
    "TrainValidated",
    "TrainingRun",
]

# What is tried as h for the finished model; the first one while training goes on.
_BANDWIDTHS: Final[dict[EmbeddingKind, tuple[float, ...]]] = {
    "cosine": (0.3, 0.2, 0.4, 0.5),
    "votes": (0.01, 0.005, 0.02, 0.03),
}

# A training of a number of iterations is validated at fixed ones, so that it can be
# repeated; one of a time at intervals, of which validation takes a small share.
_VALIDATE_EVERY = 250
_VALIDATIONS = 12
_VALIDATION_SHARE = 0.1

# Seconds after which the state is written anew.
_SAVE_EVERY = 120


@dataclass(frozen=True)
class TrainStarted:
    """What is learned from, and by what.

    Attributes
    ----------
    sources : tuple of str
        The truth that was used and the frames kept out, a sentence for each movie.
    parameters : int
        Numbers to learn.
    iteration : int
        Iterations made in former runs.
    device : str
        Where it computes.
    validated : bool
        Whether anything is kept out to validate on.
    """

    sources: tuple[str, ...]
    parameters: int
    iteration: int
    device: str
    validated: bool


@dataclass(frozen=True, eq=False)
class TrainValidated:
    """How well the network does on frames that it has not learned from.

    Attributes
    ----------
    iteration : int
        When.
    seg, tra : float or None
        Mean over the movies; None where there is no such truth.
    parts : tuple of PartScores
        For each movie.
    best : bool
        Whether it is the best so far.
    picture : ndarray of uint8
        (Y, X, 3); a frame, its truth and the result.
    """

    iteration: int
    seg: float | None
    tra: float | None
    parts: tuple[PartScores, ...]
    best: bool
    picture: NDArray[np.uint8]


@dataclass(frozen=True)
class TrainFinished:
    """The model is written.

    Attributes
    ----------
    path : Path
        Of the model.
    card : ModelCard
        What it says about itself.
    iteration : int
        Iterations made in all.
    stopped : bool
        Whether it was stopped before its time.
    """

    path: Path
    card: ModelCard
    iteration: int
    stopped: bool


TrainEvent: TypeAlias = TrainStarted | TrainProgress | TrainValidated | TrainFinished


def _network(settings: TrainSettings, source: RSHN | dict[str, Tensor]) -> RSHN:
    """Make a network of its own with weights from elsewhere."""
    network = settings.network()
    weights = source.state_dict() if isinstance(source, RSHN) else source
    network.load_state_dict(weights)
    return network


class TrainingRun:
    """Train, validate and write a model; iterate over it for events.

    Beside the model it writes a picture of a validation frame
    (``<stem>_validation.png``) and the state from which it can be resumed
    (``<stem>.state.safetensors``).

    Parameters
    ----------
    data : TrainingData
        What to learn from and to validate on.
    output : str or Path
        The model, a safetensors file; a former model is replaced, and nothing else.
    settings : TrainSettings
        As `decide_settings` gives them.
    minutes, iterations : float, int, optional
        How long; one of them.
    start : Model, optional
        Weights to go on from; one that is resumed must have begun from it, too.
    resume : bool
        Go on where the training of this output stopped.
    device : str
        Where to compute.
    authors : tuple of str
        For the card.
    command : str
        The command that was typed, for the card.

    Attributes
    ----------
    written : tuple of Path
        Files that hold what was learned so far: the model, the state, or both.

    Raises
    ------
    InputError
        For an output or a length that cannot be, when there is nothing to resume, and
        when that did not begin from `start`.
    """

    def __init__(
        self,
        data: TrainingData,
        output: str | Path,
        settings: TrainSettings,
        *,
        minutes: float | None = None,
        iterations: int | None = None,
        start: Model | None = None,
        resume: bool = False,
        device: str = "auto",
        authors: tuple[str, ...] = (),
        command: str = "",
    ) -> None:
        self.output = Path(output)
        check_model_output(self.output)
        self._data = data
        self._minutes, self._iterations = minutes, iterations
        self._device = device
        self._stopped = False
        self.written: tuple[Path, ...] = (self.state,) if resume else ()
        # Fresh weights are validated for comparison, but they are no model.
        self._begun = start is not None
        # A training that is resumed has its weights in its state.
        weights = None if start is None or resume else start.network
        self.trainer = Trainer(
            data.movies,
            settings,
            network=None if weights is None else _network(settings, weights),
            device=device,
        )
        begun = None if start is None else start.card
        former = self._resumed() if resume else None
        if former is None:
            self._card = first_card(self.output.stem, settings, data, begun)
        else:
            self._card = continued_card(former, data, begun)
        said = {"authors": authors} if authors else {}
        self._card = self._card.model_copy(update={**said, "command": command})

    @property
    def _bandwidths(self) -> tuple[float, ...]:
        return _BANDWIDTHS[self.trainer.settings.embedding]

    @property
    def state(self) -> Path:
        """File from which the training can be resumed."""
        return state_path(self.output)

    @property
    def picture(self) -> Path:
        """File with the picture of a validation frame."""
        return picture_path(self.output)

    def stop(self) -> None:
        """Ask it to write the model and to end as soon as it can; from any thread."""
        self._stopped = True

    def __iter__(self) -> Iterator[TrainEvent]:
        """Train to the end.

        Yields
        ------
        TrainEvent
            `TrainStarted`; `TrainProgress` after each iteration and `TrainValidated`
            from time to time; `TrainFinished`.
        """
        trainer = self.trainer
        yield TrainStarted(
            self._data.sources,
            sum(one.numel() for one in trainer.network.parameters()),
            trainer.iteration,
            str(trainer.device),
            bool(self._data.parts),
        )
        if trainer.iteration == 0:
            yield from self._validated(keep=self._begun)
        yield from self._trained()
        # The last validation comes where the run happens to end. A training of a number
        # of iterations must not remember it, or else two would differ from a long one.
        self._save_state()
        if not self._stopped and (
            trainer.best is None or trainer.best.iteration < trainer.iteration
        ):
            yield from self._validated()
            if self._iterations is None:
                self._save_state()
        self._write(tune=not self._stopped)
        yield TrainFinished(self.output, self._card, trainer.iteration, self._stopped)

    def _trained(self) -> Iterator[TrainEvent]:
        """Iterate, validate at intervals, and save."""
        validated = saved = time.monotonic()
        took = 0.0
        run = self.trainer.run(iterations=self._iterations, minutes=self._minutes)
        for progress in run:
            yield progress
            if self._stopped:
                return
            now = time.monotonic()
            if self._minutes is None:
                due = progress.iteration % _VALIDATE_EVERY == 0
            else:
                interval = max(
                    60 * self._minutes / _VALIDATIONS, took / _VALIDATION_SHARE
                )
                due = now - validated > interval and progress.done < 1
            if due:
                yield from self._validated()
                validated = time.monotonic()
                took = validated - now
            if due or now - saved > _SAVE_EVERY:
                self._save_state()
                saved = time.monotonic()

    def _validated(self, *, keep: bool = True) -> Iterator[TrainValidated]:
        """Validate the weights as they are; write them if they are the best so far."""
        found = self._validate(self.trainer.weights, self._bandwidths[0])
        if found is None:
            return
        details = {part.name: part.values for part in found.parts}
        best = keep and self.trainer.keep(found.score, details)
        if best or self.trainer.best is None:
            self._save_picture(found)
        if best:
            self._write(tune=False)
        yield TrainValidated(
            self.trainer.iteration,
            found.seg,
            found.tra,
            found.parts,
            best,
            found.picture,
        )

    def _validate(
        self, weights: dict[str, Tensor], bandwidth: float
    ) -> Validation | None:
        if not self._data.parts:
            return None
        network = _network(self.trainer.settings, weights).eval()
        return validate(
            Model(network, self._card, self._card.name, ""),
            self._data.parts,
            bandwidth,
            device=self._device,
            stopped=lambda: self._stopped,
        )

    def _write(self, *, tune: bool) -> None:
        """Write the best weights, or those there are, and all that is known of them."""
        best = self.trainer.best
        weights = self.trainer.weights if best is None else best.weights
        bandwidth, scores = self._bandwidths[0], {} if best is None else best.details
        if tune and best is not None:
            highest = best.score
            for tried in self._bandwidths[1:]:
                found = self._validate(weights, tried)
                if found is not None and found.score > highest:
                    highest, bandwidth = found.score, tried
                    scores = {part.name: part.values for part in found.parts}
                    self._save_picture(found)
        recommended = {"cluster": {"bandwidth": bandwidth}}
        if self._data.diameter is not None:
            recommended |= {"embed": {"diameter": self._data.diameter}}
        self._card = self._card.model_copy(
            update={"settings": recommended, "scores": scores}
        )
        save_or_keep(weights, self._card, self.output)
        self._note(self.output)

    def _save_state(self) -> None:
        self.trainer.save(self.state, self._card)
        self._note(self.state)

    def _note(self, path: Path) -> None:
        if path not in self.written:
            self.written += (path,)

    def _resumed(self) -> ModelCard | None:
        """Go on from the state; give the card there is, which older states lack."""
        card = self.trainer.load(self.state)
        if card is None and self.output.is_file():
            card = read_card(self.output)
        # Scores on other movies cannot be compared.
        best = self.trainer.best
        names = {part.name for part in self._data.parts}
        if best is not None and best.details.keys() != names:
            self.trainer.best = None
        return card

    def _save_picture(self, found: Validation) -> None:
        write_picture(self.picture, found.picture)
