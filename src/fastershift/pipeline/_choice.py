"""Which model and which cell diameter a run takes, where they are left open."""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from fastershift.config import EmbedSettings, Settings, resolve_settings
from fastershift.errors import InputError
from fastershift.pipeline._bad_frames import good_frames
from fastershift.pipeline._quality import Stability, stability
from fastershift.pipeline._samples import Sample, take_samples
from fastershift.pipeline._trials import Trial, try_diameters
from fastershift.rshn import PUBLISHED_MODEL, FirstLook, FrameSource, Model, first_look

__all__ = ["Choice", "choose_for_movie"]

# Trials that are compared by how stable their cells are: at most so many, that score
# at least this share of the best one. Within this factor, the diameters that two of
# them found are the same.
_COMPARED, _COMPARABLE = 2, 0.4
_ALIKE = 1.15

# Of the samples, every second one is seen at all diameters.
_TRIED = slice(None, None, 2)

# Compared cells at which an agreement counts half.
_FEW_CELLS = 2.0

# Where the first look is as sure as this of a kind, and the generalist agrees less with
# itself than this, a model that was made for the kind may agree by so much less: what
# it finds is still right more often.
_SURE, _STABLE, _MADE_FOR_IT = 0.98, 0.9, 0.15

# A bandwidth that differs by more than this factor from that of the model finds other
# things than cells.
_FAR_FROM_ADVICE = 4

# Measured again, cells differ by less than this factor, or the model has lost them.
_SAME = 1.3


@dataclass(frozen=True)
class Choice:
    """Model and settings of a run, and what they were chosen by.

    Attributes
    ----------
    model : Model
        What was chosen.
    settings : Settings
        Resolved with its card, the diameter included.
    asked : EmbedSettings
        As they were before the diameter was found out.
    left_open : bool
        Whether the model was left open, and not decided by the profile either.
    look : FirstLook or None
        What the kind of image was guessed by, where the model was left open.
    trials : dict of str to tuple of Trial
        What models did at the diameters that fit best, the best first, by hash.
    diameters : dict of str to float
        Diameters in pixels that were found out, by the hash of the model.
    stable : dict of str to Stability
        How stable models are at these diameters with what their cards advise, by hash.
    """

    model: Model
    settings: Settings
    asked: EmbedSettings
    left_open: bool = False
    look: FirstLook | None = None
    trials: Mapping[str, tuple[Trial, ...]] = field(default_factory=dict)
    diameters: Mapping[str, float] = field(default_factory=dict)
    stable: Mapping[str, Stability] = field(default_factory=dict)

    @property
    def known_stability(self) -> Stability | None:
        """How stable the model is with these very settings, if that was found out."""
        advised = resolve_settings(card=self.model.card.settings)
        parts = ("cluster", "track")
        if any(getattr(advised, p) != getattr(self.settings, p) for p in parts):
            return None
        if self.settings.embed.diameter != self.diameters.get(self.model.sha256):
            return None
        return self.stable.get(self.model.sha256)

    @property
    def next_best(self) -> float | None:
        """Diameter of the next best trial, where trials decided and there is one."""
        return self._decisive[1].taken if len(self._decisive) > 1 else None

    @property
    def _decisive(self) -> tuple[Trial, ...]:
        """Trials of the model, where they decided."""
        if self.model.card.embedding != "votes" or self.asked.diameter != "auto":
            return ()
        return self.trials.get(self.model.sha256, ())

    def sentences(self) -> tuple[str, ...]:
        """Tell what was tried, and what to know of the model."""
        return tuple(filter(None, (self.sentence(), *self.warnings())))

    def warnings(self) -> tuple[str, ...]:
        """Tell of terms that the user has not chosen, and of an unusual bandwidth."""
        return tuple(filter(None, (self._terms(), self._doubt())))

    def _terms(self) -> str:
        if not self.left_open or self.model.card.free:
            return ""
        return (
            f"The model {self.model.name} was chosen, which is not free for any use: "
            "read its terms, or choose generalist."
        )

    def _doubt(self) -> str:
        """Doubt a bandwidth that is far from the one that suits the model."""
        advised = self.model.card.settings.get("cluster", {}).get("bandwidth")
        bandwidth = self.settings.cluster.bandwidth
        if advised is None or self.settings.profile == "published":
            return ""
        if 1 / _FAR_FROM_ADVICE <= bandwidth / advised <= _FAR_FROM_ADVICE:
            return ""
        found = "pieces of cells" if bandwidth < advised else "several cells as one"
        return (
            f"The bandwidth h {bandwidth:g} does not suit the model {self.model.name}, "
            f"which recommends {advised:g}, and may find {found}."
        )

    def sentence(self) -> str:
        """Tell what was tried, the best and the next best, where that decided."""
        if not self._decisive:
            return ""
        best, *others = self._decisive
        text = f"Tried {self.model.name} at several diameters: {_describe(best)}"
        return text + (f"; next best: {_describe(others[0])}." if others else ".")


def _describe(trial: Trial) -> str:
    size = f"{trial.taken:.0f} px"
    if trial.agreement is None:
        return size
    return f"{size} (agreement {trial.agreement:.2f})"


def choose_for_movie(
    movie: FrameSource,
    user: Mapping[str, Any],
    *,
    file: Mapping[str, Any] | None,
    preset: str | None,
    model: str | Model | None,
    device: str,
    known: Choice | None,
    read: Callable[[str], Model],
    choose: Callable[[FirstLook | None], str],
    at_once: bool,
) -> Choice:
    """Choose the model, resolve its settings, and find out the cell diameter.

    Parameters
    ----------
    movie : sequence of (Y, X) frames
        With one frame at least.
    user, file, preset, model, device, read, choose, at_once
        As for `plan_run`.
    known : Choice, optional
        An earlier one for the same movie: what it found out is not found out again.

    Returns
    -------
    Choice

    Raises
    ------
    InputError
        For an unknown model or preset, unusable settings, a profile that does not fit
        the model, and a diameter that cannot be found out.
    """
    finder = _Finder(movie, device, known)
    chosen = model or user.get("embed", {}).get("model")
    chosen = chosen or (file or {}).get("embed", {}).get("model", "auto")
    if chosen == "auto":
        profile = resolve_settings(user=user, file=file, preset=preset).profile
        if profile == "published":
            loaded = read(PUBLISHED_MODEL)
        elif at_once:
            loaded = read(choose(None))
        else:
            loaded = finder.best_model(read, choose)
    else:
        loaded = chosen if isinstance(chosen, Model) else read(chosen)
    settings = resolve_settings(
        user=user, file=file, preset=preset, card=loaded.card.settings
    )
    if settings.track.merge_tiles and loaded.card.embedding == "votes":
        raise InputError(
            f"The model {loaded.name} votes for the centres of cells, but the "
            "published method compares embeddings by cosine; choose the model "
            f"{PUBLISHED_MODEL} or the default profile."
        )
    asked = settings.embed
    embed: dict[str, Any] = {"model": loaded.found_by or loaded.name}
    if asked.diameter == "auto" and asked.network_size is None:
        found = finder.first_guess if at_once else finder.diameter
        embed["diameter"] = found(loaded)
    settings = settings.model_copy(update={"embed": asked.model_copy(update=embed)})
    return Choice(
        loaded,
        settings,
        asked,
        chosen == "auto" and settings.profile != "published",
        finder.look,
        finder.trials,
        finder.diameters,
        finder.stable,
    )


class _Finder:
    """Finds out what is asked of a movie, each thing once."""

    def __init__(self, movie: FrameSource, device: str, known: Choice | None) -> None:
        self._whole = movie
        self._device = device
        self.look = None if known is None else known.look
        self.trials = {} if known is None else dict(known.trials)
        self.diameters = {} if known is None else dict(known.diameters)
        self.stable = {} if known is None else dict(known.stable)

    @cached_property
    def _movie(self) -> FrameSource:
        return good_frames(self._whole)

    @cached_property
    def _samples(self) -> tuple[Sample, ...]:
        return take_samples(self._movie)

    def best_model(
        self, read: Callable[[str], Model], choose: Callable[[FirstLook | None], str]
    ) -> Model:
        """Take the generalist, unless a model for just this kind of image is known.

        A first look is sure of images of kinds that it has never seen, too; but what a
        model finds in them depends on the diameter that it is told. So the model that
        was made for a kind is taken only where it finds cells of the size that it was
        told, and is at least as stable, or nearly where the generalist is not and the
        first look is very sure.
        """
        general = read(choose(None))
        look = self._looked()
        name = choose(look)
        if look is None or name == general.name:
            return general
        special = read(name)
        if general.card.embedding == "cosine":
            return special
        tried = self._tried(general)
        if not tried or not tried[0].cells:
            return general
        one = self._stability(general, tried[0].found)
        other = self._stability(special, look.diameter)
        known = look.probability >= _SURE and one.agreement < _STABLE
        less = _MADE_FOR_IT if known else 0.0
        if not other.diameter or other.agreement < one.agreement - less:
            return general
        found = _pooled(other, (one, other)).diameter
        self.diameters.setdefault(special.sha256, _rounded(found))
        return special

    def _stability(self, model: Model, diameter: float) -> Stability:
        """Tell how stable a model is at the diameter that was guessed for it."""
        if model.sha256 not in self.stable:
            self.stable[model.sha256] = self._tested(model, diameter)
        return self.stable[model.sha256]

    def _tested(self, model: Model, diameter: float) -> Stability:
        """Tell how stable a model is, with what its card advises.

        The diameter is 0 where the cells are not of the size that the model was told.
        """
        told = {"embed": {"diameter": max(1.0, diameter)}}
        settings = resolve_settings(user=told, card=model.card.settings)
        found = stability(self._samples, model, settings, device=self._device)
        if found.diameter and _within(_SAME, found.diameter, diameter):
            return found
        return found._replace(diameter=0.0)

    def diameter(self, model: Model) -> float:
        """Tell the cell diameter in pixels of a frame, as a person would round it."""
        if model.sha256 not in self.diameters:
            self.diameters[model.sha256] = _told(self._found(model))
        return self.diameters[model.sha256]

    def first_guess(self, model: Model) -> float:
        """Tell the diameter that fits best, not compared with the next best one."""
        if model.card.embedding == "cosine":
            return _told(self._guessed(model))
        trials = self._attempts(model, self._samples)
        return _told(trials[0].taken if trials else None)

    def _found(self, model: Model) -> float | None:
        guess = self._guessed(model)
        if guess is None:
            return None
        return self._stability(model, guess).diameter or guess

    def _guessed(self, model: Model) -> float | None:
        if model.card.embedding == "cosine":
            look = self._looked()
            return None if look is None else look.diameter
        tried = self._tried(model)
        return tried[0].taken if tried else None

    def _looked(self) -> FirstLook | None:
        """Look at some frames; None where none has any contrast."""
        if self.look is None:
            spread = {round(i * (len(self._movie) - 1) / 2) for i in range(3)}
            self.look = first_look(self._movie[t] for t in sorted(spread))
        return self.look

    def _tried(self, model: Model) -> tuple[Trial, ...]:
        if model.sha256 not in self.trials:
            trials = self._attempts(model, self._samples[_TRIED])
            self.trials[model.sha256] = self._compared(model, trials)
        return self.trials[model.sha256]

    def _attempts(self, model: Model, some: tuple[Sample, ...]) -> tuple[Trial, ...]:
        settings = resolve_settings(card=model.card.settings)
        return try_diameters(some, model, settings, device=self._device)

    def _compared(self, model: Model, trials: tuple[Trial, ...]) -> tuple[Trial, ...]:
        """Compare the best trials that differ by how stable their cells are."""
        different: list[Trial] = []
        for trial in trials:
            if trial.score > _COMPARABLE * trials[0].score and not any(
                _within(_ALIKE, trial.found, other.found) for other in different
            ):
                different.append(trial)
        if len(different) < 2:
            return tuple(different) or trials
        judged: dict[Trial, Stability] = {}
        beaten = []
        for one in different[:_COMPARED]:
            if _is_beaten(one, judged):
                beaten.append(one)
                continue
            found = self._tested(model, one.found)
            judged[replace(one, agreement=_weighed(found))] = found
        best, *others = sorted(judged, key=lambda one: -one.score)
        self.stable[model.sha256] = _pooled(judged[best], judged.values())
        return best, *others, *beaten


def _is_beaten(trial: Trial, judged: Iterable[Trial]) -> bool:
    """Tell whether a trial cannot become the best, nor help to measure its cells."""
    return any(
        one.score >= trial.score and not _within(_SAME, one.found, trial.found)
        for one in judged
    )


def _weighed(stable: Stability) -> float:
    """Trust the agreement of few cells less: one or two agree by chance."""
    return stable.agreement * stable.cells / (stable.cells + _FEW_CELLS)


def _pooled(best: Stability, judged: Iterable[Stability]) -> Stability:
    """Measure cells by all that found them as large as told: so chance counts less."""
    if not best.diameter:
        return best
    found = [one.diameter for one in judged if one.diameter]
    same = [one for one in found if _within(_SAME, one, best.diameter)]
    return best._replace(diameter=sum(same) / len(same))


def _told(diameter: float | None) -> float:
    """Round a diameter that was found out."""
    if diameter is None:
        raise InputError(
            "The cell diameter cannot be estimated, because no frame has any contrast; "
            "give it in pixels."
        )
    return _rounded(diameter)


def _rounded(diameter: float) -> float:
    return max(1.0, round(diameter, 1))


def _within(factor: float, one: float, other: float) -> bool:
    return abs(math.log(one / other)) < math.log(factor)
