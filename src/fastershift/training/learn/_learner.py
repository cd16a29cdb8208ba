"""Learning from a few annotated cells: the best of several ways, found in seconds."""

import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from torch import Tensor

from fastershift.config import resolve_settings
from fastershift.errors import InputError
from fastershift.io import Movie
from fastershift.pipeline import plan_run
from fastershift.rshn import (
    RSHN,
    FrameSource,
    Model,
    Observer,
    load_model,
    make_model,
)
from fastershift.training._truth import UNKNOWN
from fastershift.training.learn._annotations import (
    Annotations,
    Unmarked,
    read_annotations,
)
from fastershift.training.learn._card import learned_card
from fastershift.training.learn._heads import try_heads
from fastershift.training.learn._judge import without_marked
from fastershift.training.learn._tune import tune_network
from fastershift.training.learn._ways import (
    Judged,
    Rules,
    Seen,
    best_rules,
    judge_rules,
    keep_out,
    keep_votes,
)

__all__ = ["Learned", "Learner", "learn"]

_Image = npt.NDArray[np.float32]

# Something new must do better by this on marks kept out, and the more so the fewer
# cells are marked. Other settings change cells everywhere, and must gain most; a
# network is judged on a third of the marks.
_LEAST_LEAD = 0.02
_LEAD_FOR_A_HEAD, _LEAD_FOR_SETTINGS, _LEAD_FOR_A_NETWORK = 0.3, 1.0, 0.9

# People mark what is wrong, often the smallest or the largest cells. So where the marks
# differ by more than this factor from the cell diameter that was set, their diameter is
# taken only if it does better.
_DIAMETER_STEP = 1.15

# Diameters that differ by less than this share are the same.
_SAME_DIAMETER = 0.05

# Minutes that learning takes at most where nothing is said.
_MINUTES = 2.0


@dataclass(frozen=True, eq=False)
class Learned:
    """What has been learned so far.

    Attributes
    ----------
    model : Model
        Ready to run; `save_model` writes it.
    quality, before : float
        Agreement with marks that were kept out (panoptic quality, 0 to 1): of this
        model, and of the one that it started from.
    shown : float
        Agreement of this model with all marks, those that it learned from included.
    way : str
        What did best: ``"as it was"``, ``"settings"``, ``"head"`` or ``"network"``.
    iteration : int
        Iterations that the network has learned.
    seconds : float
        Since learning began.
    """

    model: Model
    quality: float
    before: float
    shown: float
    way: str
    iteration: int
    seconds: float


class Learner:
    """Learns from marks in a movie; what was seen of a frame is kept for the next time.

    Parameters
    ----------
    movie : sequence of (Y, X) frames
        What is marked.
    start : Model
        One that votes.
    name : str
        Of the model that is learned.
    movie_name : str
        For its card.
    diameter : float, optional
        Cell diameter in pixels that the model to start from is told; what *auto* takes
        unless it is given.
    seed : int
        Of all random draws.
    device : str
        As for `Embedder`.

    Raises
    ------
    InputError
        When the model does not vote.
    """

    def __init__(
        self,
        movie: FrameSource,
        start: Model,
        *,
        name: str = "learned",
        movie_name: str = "a movie",
        diameter: float | None = None,
        seed: int = 0,
        device: str = "auto",
    ) -> None:
        if start.card.embedding != "votes":
            raise InputError(
                f"The model {start.name} does not vote for the centres of cells, so "
                "that nothing can be learned from marks with it; start from the model "
                "generalist."
            )
        self._movie, self._start = movie, start
        self._name, self._movie_name = name, movie_name
        self._seed, self._device = seed, device
        self._usual_diameter, self._diameter = diameter, 0.0
        # By diameter and frame.
        self._looks: dict[tuple[float, int], tuple[_Image, _Image]] = {}

    def learn(
        self,
        annotations: Annotations,
        *,
        minutes: float | None = None,
        iterations: int | None = None,
    ) -> Iterator[Learned | None]:
        """Learn from marks.

        Parameters
        ----------
        annotations : Annotations
            All marks there are.
        minutes : float, optional
            How long the network learns in all; 0 leaves it as it is.
        iterations : int, optional
            How many iterations the network learns, instead.

        Yields
        ------
        Learned or None
            None at places to stop; each model that is better than the one before, the
            first within seconds.
        """
        started = time.monotonic()
        seen, before = yield from self._begun(annotations)
        diameter = self._start.card.diameter
        unmarked = [one.unmarked for one in seen]
        tuned = self._tuned(seen)
        yield None
        best, way = before, "as it was"
        count = annotations.n_cells
        lead = _LEAST_LEAD + _LEAD_FOR_SETTINGS / count
        if tuned.worth > best.worth + lead:
            best, way = tuned, "settings"
        head = try_heads(seen, diameter, self._seed)
        lead = _LEAST_LEAD + _LEAD_FOR_A_HEAD / count
        if head is not None and head.worth > best.worth + lead:
            best, way = head, "head"
        yield self._learned(best, before, way, annotations, started)
        for iteration, network in tune_network(
            self._movie,
            annotations,
            self._start,
            self._parts(annotations),
            diameter=self._diameter,
            minutes=minutes,
            iterations=iterations,
            seed=self._seed,
            started=started,
        ):
            yield None
            if network is None:
                continue
            again = [
                replace(one, unmarked=known)
                for one, known in zip(
                    self._see(annotations, network), unmarked, strict=True
                )
            ]
            lead = _LEAST_LEAD + _LEAD_FOR_A_NETWORK / count
            for tried in (
                self._tuned(again),
                try_heads(again, diameter, self._seed),
            ):
                if tried is None or tried.first_worth <= best.first_worth + lead:
                    continue
                best = tried
                yield self._learned(
                    best, before, "network", annotations, started, network, iteration
                )

    @property
    def _own_rules(self) -> Rules:
        """What the model to start from recommends."""
        settings = resolve_settings(card=self._start.card.settings)
        return Rules(
            settings.cluster.bandwidth,
            settings.track.foreground,
            settings.track.smallest_cell,
            settings.track.least_certainty,
        )

    def _begun(
        self, annotations: Annotations
    ) -> Generator[None, None, tuple[list[Seen], Judged]]:
        """Look at the marks, at their own diameter where it does better.

        Returns what was seen, and how the model to start from does.
        """
        marked = max(1.0, round(annotations.diameter, 1))
        if self._usual_diameter is None:
            self._usual_diameter = self._chosen(marked)
        usual = self._usual_diameter
        # A mark more hardly changes it, and to look again takes long.
        marked = next(
            (
                known
                for known, _ in self._looks
                if known != usual and abs(known - marked) <= _SAME_DIAMETER * marked
            ),
            marked,
        )
        self._looks = {
            key: look for key, look in self._looks.items() if key[0] in (usual, marked)
        }
        seen = yield from self._looked_at(annotations, usual)
        before = self._as_it_was(seen)
        if max(marked, usual) <= _DIAMETER_STEP * max(1.0, min(marked, usual)):
            return seen, before
        others = yield from self._looked_at(annotations, marked)
        compared = [
            replace(one, unmarked=_shrunk(known.unmarked, one.marked.shape))
            for one, known in zip(others, seen, strict=True)
        ]
        lead = _LEAST_LEAD + _LEAD_FOR_SETTINGS / annotations.n_cells
        # A model that finds nothing knows nothing of sizes, either.
        if before.worth > 0 and self._as_it_was(compared).worth <= before.worth + lead:
            self._diameter = usual
            return seen, before
        return others, self._as_it_was(others)

    def _looked_at(
        self, annotations: Annotations, diameter: float
    ) -> Generator[None, None, list[Seen]]:
        """Look at the marked frames at a diameter, and keep to it."""
        self._diameter = diameter
        seen = []
        for one in self._see(annotations, self._start.network):
            yield None
            seen.append(self._as_before(one))
        return seen

    def _chosen(self, marked: float) -> float:
        """Tell which diameter *auto* takes; that of the marks where it takes none."""
        try:
            plan = plan_run(self._movie, model=self._start, device=self._device)
        except InputError:
            return marked
        diameter = plan.settings.embed.diameter
        return marked if diameter == "auto" else float(diameter)

    def _said(self, one: Seen) -> Tensor:
        """Tell what the model to start from says, with its own head if it has one."""
        head, diameter = self._start.head, self._start.card.diameter
        said = one.outputs
        if head is not None:
            said = head.fill_frame(one.shown, one.outputs, diameter)
        return keep_votes(said, diameter)

    def _as_before(self, one: Seen) -> Seen:
        """Add what the model to start from finds where nothing is marked."""
        found = self._own_rules.cells(self._said(one), self._start.card.diameter)
        return replace(one, unmarked=without_marked(found, one.marked))

    def _as_it_was(self, seen: Sequence[Seen]) -> Judged:
        """Judge the model to start from."""
        said = [self._said(one) for one in seen]
        diameter, head = self._start.card.diameter, self._start.head
        return judge_rules(seen, said, self._own_rules, diameter, head)

    def _tuned(self, seen: Sequence[Seen]) -> Judged:
        """Judge a network with the settings that do best."""
        diameter = self._start.card.diameter
        said = [keep_votes(one.outputs, diameter) for one in seen]
        ways = [[one] for one in said]
        rules, _, _ = best_rules(seen, ways, self._own_rules, diameter)
        return judge_rules(seen, said, rules, diameter)

    def _parts(self, annotations: Annotations) -> dict[int, npt.NDArray[np.int8]]:
        return keep_out(annotations.frames, annotations.cells.tolist(), self._seed)

    def _see(self, annotations: Annotations, network: RSHN) -> Iterator[Seen]:
        """Look at each marked frame with a network."""
        model = Model(network, self._start.card, self._name, "")
        settings = resolve_settings(user={"embed": {"diameter": self._diameter}})
        shape = next(iter(annotations.frames.values())).shape
        observer = Observer(
            model, settings.embed, (shape[0], shape[1]), device=self._device
        )
        parts = self._parts(annotations)
        first = network is self._start.network
        for number, marked in annotations.frames.items():
            look = self._looks.get((self._diameter, number)) if first else None
            if look is None:
                shown, outputs = observer.see(self._movie, number)
                look = shown.numpy(), outputs.numpy()
                if first:
                    self._looks[self._diameter, number] = look
            shape = look[0].shape
            known = _shrunk(marked, shape)
            unknown = np.full_like(known, UNKNOWN)
            yield Seen(*look, known, _shrunk(parts[number], shape), unknown)

    def _learned(
        self,
        best: Judged,
        before: Judged,
        way: str,
        annotations: Annotations,
        started: float,
        network: RSHN | None = None,
        iteration: int = 0,
    ) -> Learned:
        # A network has learned from all parts of the marks but the first.
        qualities = best.marks.quality, before.marks.quality
        if network is not None:
            qualities = best.first.quality, before.first.quality
        figures = (*qualities, best.shown)
        card = learned_card(
            self._start.card,
            annotations,
            best.rules.as_settings(),
            self._diameter,
            name=self._name,
            movie_name=self._movie_name,
            scores=(*figures, iteration),
        )
        model = make_model(network or self._start.network, card, best.head)
        return Learned(model, *figures, way, iteration, time.monotonic() - started)


def _shrunk(image: npt.NDArray[np.generic], shape: tuple[int, ...]) -> npt.NDArray:  # type: ignore[type-arg]
    """Take the nearest pixels at the size of the network."""
    rows, columns = (
        np.minimum((np.arange(new) + 0.5) * old / new, old - 1).astype(int)
        for new, old in zip(shape, image.shape, strict=True)
    )
    return image[np.ix_(rows, columns)]


def learn(
    movie: FrameSource,
    marks: Movie | npt.NDArray[np.integer],
    *,
    model: str | Model = "auto",
    unmarked: Unmarked | None = None,
    minutes: float | None = None,
    iterations: int | None = None,
    seed: int = 0,
    device: str = "auto",
    name: str = "learned",
) -> Learned:
    """Learn from a few cells that are marked in a movie.

    Parameters
    ----------
    movie : sequence of (Y, X) frames
        Any real type.
    marks : (T, Y, X) array or Movie of integers
        Above 0 a cell (all of it; the same number in several frames is the same cell),
        0 background, -1 unknown.
    model : str or Model
        What to start from; one that votes.
    unmarked : {"background", "unknown"}, optional
        What 0 means in marks without any -1.
    minutes : float, optional
        How long; 2 unless `iterations` is given.
    iterations : int, optional
        How many iterations the network learns. The same seed on the same machine then
        gives the same weights.
    seed : int
        Of all random draws.
    device : str
        As for `track`.
    name : str
        Of the new model.

    Returns
    -------
    Learned
        The best that was found.

    Raises
    ------
    InputError
        For marks that cannot be used, and a model that does not vote.

    Examples
    --------
    >>> learned = learn(movie, marks, iterations=0)  # doctest: +SKIP
    >>> result = segment_movie(movie, model=learned.model)  # doctest: +SKIP
    """
    start = model if isinstance(model, Model) else load_model(model)
    annotations = read_annotations(movie, marks, unmarked)
    learner = Learner(movie, start, name=name, seed=seed, device=device)
    if minutes is None and iterations is None:
        minutes = _MINUTES
    learned = None
    for step in learner.learn(annotations, minutes=minutes, iterations=iterations):
        learned = step or learned
    assert learned is not None  # noqa: S101 (the first answer always comes)
    return learned
