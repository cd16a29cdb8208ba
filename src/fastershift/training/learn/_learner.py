"""Learning from a few annotated cells: the best of several ways, found in seconds."""

import time
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fastershift.config import resolve_settings
from fastershift.errors import InputError
from fastershift.io import LabelFrames, frames_of
from fastershift.pipeline import open_masks, plan_run
from fastershift.rshn import (
    RSHN,
    FrameSource,
    Head,
    Model,
    load_model,
    make_model,
)
from fastershift.training.learn._annotations import (
    Annotations,
    Unmarked,
    read_annotations,
)
from fastershift.training.learn._card import learned_card
from fastershift.training.learn._heads import load_loops, try_heads
from fastershift.training.learn._judge import Agreement, without_marked
from fastershift.training.learn._looks import Looks
from fastershift.training.learn._tune import tune_network
from fastershift.training.learn._ways import (
    Judged,
    Rules,
    Seen,
    best_rules,
    find_cells,
    keep_votes,
)
from fastershift.training.learn._witness import Witness

__all__ = ["Learned", "Learner", "learn"]

_Labels = npt.NDArray[np.int32]

# Something new must do better by this on marks kept out, and the more so the fewer
# cells are marked. Other settings change cells everywhere, and must gain most; a
# network is judged on a third of the marks.
_LEAST_LEAD = 0.02
_LEAD_FOR_A_HEAD, _LEAD_FOR_SETTINGS, _LEAD_FOR_A_NETWORK = 0.6, 1.0, 0.9

# Less is enough on the marks where the second witness prefers a head, too: in 42 sets
# of marks five more are taken so; F1 rises by 0.35, and by 0 at least.
_LEAD_FOR_BOTH = 0.3

# People mark what is wrong, often the smallest or the largest cells. So the diameter
# that was set is kept, unless the marks differ from it by more than this factor and
# theirs does better.
_DIAMETER_STEP = 1.3

# Where less is expected of a model it finds nothing.
_NOTHING = 0.05

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
        unless it is given, and that of the marks where *auto* takes none.
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
        self._usual_diameter, self._usual_known = diameter, diameter is not None
        self._diameter = 0.0
        self._looks = Looks(movie, start, seed, device)

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
        seen = yield from self._begun(annotations)
        diameter = self._start.card.diameter
        witness = yield from self._looks.witness(self._diameter)
        before = yield from self._as_it_was(seen, witness)
        best, way = before, "as it was"
        count = annotations.n_cells
        tuned = yield from self._tuned(seen, witness)
        if tuned.worth > best.worth + _LEAST_LEAD + _LEAD_FOR_SETTINGS / count:
            best, way = tuned, "settings"
        head = yield from try_heads(seen, diameter, self._seed, witness)
        if head is not None and _is_better(head, best, count):
            best, way = head, "head"
        yield self._learned(best, before, way, annotations, started)
        unmarked = [one.unmarked for one in seen]
        for iteration, network in tune_network(
            self._movie,
            annotations,
            self._start,
            self._looks.parts(annotations),
            diameter=self._diameter,
            minutes=minutes,
            iterations=iterations,
            seed=self._seed,
            device=self._device,
            started=started,
        ):
            yield None
            if network is None:
                continue
            looked = yield from self._looks.see(annotations, self._diameter, network)
            again = [
                replace(one, unmarked=known)
                for one, known in zip(looked, unmarked, strict=True)
            ]
            witness = yield from self._looks.witness(self._diameter, network)
            lead = _LEAST_LEAD + _LEAD_FOR_A_NETWORK / count
            tuned = yield from self._tuned(again, witness)
            head = yield from try_heads(again, diameter, self._seed, witness)
            for tried in (replace(tuned, learned=True), head):
                if tried is None or tried.first_worth <= best.first_worth + lead:
                    continue
                best = tried
                yield self._learned(
                    best,
                    before,
                    "network",
                    annotations,
                    started,
                    network,
                    iteration,
                )

    def look(self, frames: Iterable[int]) -> Iterator[None]:
        """Look at frames ahead of learning from them, which then begins sooner.

        Parameters
        ----------
        frames : iterable of int
            Numbers of frames.

        Yields
        ------
        None
            At places to stop.
        """
        diameter = self._usual()
        if diameter is not None:
            for number in frames:
                yield from self._looks.at(number, diameter)
            yield from self._looks.witness(diameter)
        load_loops()

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

    def _begun(self, annotations: Annotations) -> Generator[None, None, list[Seen]]:
        """Look at the marks, at their own diameter where it does clearly better."""
        marked = self._looks.known(max(1.0, annotations.diameter))
        usual = self._usual() or marked
        self._looks.keep((usual, marked), annotations.frames)
        if max(marked, usual) <= _DIAMETER_STEP * max(1.0, min(marked, usual)):
            return (yield from self._looked_at(annotations, usual))
        others = yield from self._looked_at(annotations, marked)
        witness = yield from self._looks.witness(marked)
        better = yield from self._as_it_was(others, witness)
        seen = yield from self._looked_at(annotations, usual)
        witness = yield from self._looks.witness(usual)
        before = yield from self._as_it_was(seen, witness)
        # A model that finds nothing knows nothing of sizes, either.
        lead = _LEAST_LEAD + _LEAD_FOR_SETTINGS / annotations.n_cells
        known = before.marks.hits or before.expected > _NOTHING
        if known and better.worth <= before.worth + lead:
            return seen
        self._diameter = marked
        return others

    def _looked_at(
        self, annotations: Annotations, diameter: float
    ) -> Generator[None, None, list[Seen]]:
        """Look at the marked frames at a diameter, and keep to it."""
        self._diameter = diameter
        seen = []
        for one in (yield from self._looks.see(annotations, diameter)):
            yield
            seen.append(self._as_before(one))
        return seen

    def _usual(self) -> float | None:
        """Tell the diameter that is set, or the one that *auto* takes if any."""
        if not self._usual_known:
            with suppress(InputError):
                plan = plan_run(self._movie, model=self._start, device=self._device)
                diameter = plan.settings.embed.diameter
                self._usual_diameter = None if diameter == "auto" else float(diameter)
            self._usual_known = True
        return self._usual_diameter

    def _as_before(self, one: Seen) -> Seen:
        """Add what the model to start from finds where nothing is marked."""
        return replace(
            one,
            unmarked=without_marked(
                self._found(one, self._own_rules, self._start.head), one.marked
            ),
        )

    def _found(self, one: Seen, rules: Rules, head: Head | None) -> _Labels:
        diameter = self._start.card.diameter
        return find_cells(rules, head, one.shown, one.outputs, diameter)

    def _as_it_was(
        self, seen: Sequence[Seen], witness: Witness
    ) -> Generator[None, None, Judged]:
        """Judge the model to start from, with its own head if it has one."""
        return self._judged(seen, witness, self._own_rules, self._start.head)

    def _tuned(
        self, seen: Sequence[Seen], witness: Witness
    ) -> Generator[None, None, Judged]:
        """Judge a network with the settings that do best."""
        diameter = self._start.card.diameter
        ways = [[keep_votes(one.outputs, diameter)] for one in seen]
        rules, _, _ = yield from best_rules(
            seen, ways, self._own_rules, diameter, learned=False
        )
        return (yield from self._judged(seen, witness, rules, None))

    def _judged(
        self, seen: Sequence[Seen], witness: Witness, rules: Rules, head: Head | None
    ) -> Generator[None, None, Judged]:
        """Judge a way to cells that has not learned from the marks."""
        marks, first = Agreement(), Agreement()
        for one in seen:
            yield
            found = self._found(one, rules, head)
            marks += one.judge(found)
            first += one.judge(found, 0)
        expected = yield from witness.expected_of(rules, head)
        return Judged(marks, first, marks.quality, expected, rules, head)

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


def _is_better(head: Judged, best: Judged, n_cells: int) -> bool:
    """Tell whether a head is worth clearly more, or preferred by both witnesses."""
    if head.worth > best.worth + _LEAST_LEAD + _LEAD_FOR_A_HEAD / n_cells:
        return True
    least = best.marks.quality + _LEAST_LEAD + _LEAD_FOR_BOTH / n_cells
    return head.marks.quality > least and head.expected > best.expected + _LEAST_LEAD


def learn(
    movie: FrameSource | str | Path,
    marks: LabelFrames | str | Path,
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
    movie : sequence of (Y, X) frames, str or Path
        Any real type; or where it is stored.
    marks : (T, Y, X) array or Movie of integers, str or Path
        Above 0 a cell (all of it; the same number in several frames is the same cell),
        0 background, -1 unknown.
    model : str or Model
        What to start from; one that votes.
    unmarked : {"background", "unknown"}, optional
        What 0 means in marks without any -1.
    minutes : float, optional
        How long; 2 unless `iterations` is given.
    iterations : int, optional
        How many iterations the network learns. The same seed on the CPU of the same
        machine then gives the same weights.
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
    frames = frames_of(movie)
    if isinstance(marks, str | Path):
        marks = open_masks(Path(marks), movie=frames)
    annotations = read_annotations(frames, marks, unmarked)
    learner = Learner(frames, start, name=name, seed=seed, device=device)
    if minutes is None and iterations is None:
        minutes = _MINUTES
    learned = None
    for step in learner.learn(annotations, minutes=minutes, iterations=iterations):
        learned = step or learned
    assert learned is not None  # noqa: S101 (the first answer always comes)
    return learned
