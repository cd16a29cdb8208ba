"""Everything that is decided before the first frame is read."""

import math
import platform
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, replace
from functools import cache, partial
from importlib.metadata import version
from typing import Any

import numpy.typing as npt

from fastershift._compiled import is_switched_off
from fastershift._devices import choose_device
from fastershift.config import EmbedSettings, Settings, resolve_settings
from fastershift.errors import InputError
from fastershift.instances import Background
from fastershift.labels import Confines
from fastershift.pipeline._choice import Choice, choose_for_movie
from fastershift.pipeline._diameter import smallest_cell
from fastershift.pipeline._quality import Quality
from fastershift.pipeline._region import (
    Region,
    check_border,
    frame_shape,
    part_shape,
    read_confines,
    widened,
)
from fastershift.pipeline._sources import (
    EmbeddingSource,
    GivenEmbeddings,
    NetworkEmbeddings,
)
from fastershift.pipeline.masks import MaskSource, read_masks
from fastershift.rshn import (
    Embedder,
    FirstLook,
    FrameSource,
    Model,
    choose_model,
    load_model,
)

__all__ = ["MASKS_ADVICE", "Plan", "embedding_key", "plan_run"]

#: What is recommended for given masks: none is taken away unless somebody wants it.
MASKS_ADVICE: Mapping[str, Mapping[str, Any]] = {"track": {"shortest_track": 1}}

# Cells of embeddings that came without a diameter: smaller pieces are noise.
_SMALLEST_WITHOUT_DIAMETER = 10

# Pixels by which their new cells are grown in the search for a parent, as published.
_DILATION_WITHOUT_DIAMETER = 5


@dataclass(frozen=True)
class Plan:
    """A run that is decided but not started.

    Attributes
    ----------
    source : EmbeddingSource
        Where the embeddings come from.
    settings : Settings
        Resolved: model, diameter and every other value.
    frame_shape : tuple of int
        Rows and columns of the labels.
    smallest_cell : int
        Smallest cell in network pixels of one frame; a pair counts both frames.
    background : str
        What is background in the embeddings, see `pair_codes`.
    mask : array, optional
        (T, Y, X) or (Y, X) for ``background="mask"``, at the size of the embeddings.
    provenance : mapping
        Model, versions and device.
    asked : EmbedSettings
        As they were before the diameter was estimated.
    region : (slice, slice), optional
        Rows and columns of the frames that are worked on; all by default.
    choice : Choice, optional
        What model and diameter were chosen by; None for given embeddings.
    voter : NetworkEmbeddings, optional
        A network that is asked where given masks were in the frame before.
    quality : Quality, optional
        How good the result is expected to be, where that was found out.
    confines : Confines, optional
        Where cells may be.
    """

    source: EmbeddingSource
    settings: Settings
    frame_shape: tuple[int, int]
    smallest_cell: float
    background: Background
    mask: npt.NDArray[Any] | None
    provenance: Mapping[str, Any]
    asked: EmbedSettings
    region: Region | None = None
    choice: Choice | None = None
    voter: NetworkEmbeddings | None = None
    quality: Quality | None = None
    confines: Confines | None = None

    @property
    def published(self) -> bool:
        """Whether the run follows the publications."""
        return self.settings.profile == "published"

    def expectations(self) -> tuple[str, ...]:
        """Tell of the choice of the model, and how good the result will be."""
        chosen = () if self.choice is None else self.choice.sentences()
        return chosen if self.quality is None else (*chosen, self.quality.sentence())

    def smallest_in_pair(self, n_frames: int) -> int:
        """Least pixels of a cell, summed over the frames of a pair."""
        return max(1, round(self.smallest_cell * n_frames))


def _chosen(settings: Settings | Mapping[str, Any] | None) -> dict[str, Any]:
    """Take only what was set on purpose, so that the model's advice fills the rest."""
    if isinstance(settings, Settings):
        return settings.model_dump(exclude_unset=True)
    return dict(settings or {})


@cache
def _versions() -> Mapping[str, str]:
    """Read the versions once: a plan is made for every step of a slider."""
    return {
        "fastershift": version("fastershift"),
        "torch": version("torch"),
        "python": platform.python_version(),
    }


def plan_run(
    movie: FrameSource | None,
    settings: Settings | Mapping[str, Any] | None = None,
    *,
    file: Mapping[str, Any] | None = None,
    preset: str | None = None,
    model: str | Model | None = None,
    embeddings: Any = None,
    background: Background = "axis",
    mask: npt.NDArray[Any] | None = None,
    labels: Any = None,
    inside: Any = None,
    outside: Any = None,
    device: str = "auto",
    region: Region | None = None,
    former: Plan | None = None,
    read: Callable[[str], Model] = load_model,
    choose: Callable[[FirstLook | None], str] = choose_model,
    at_once: bool = False,
) -> Plan:
    """Load the model, decide every setting, and prepare the embedder.

    Parameters
    ----------
    movie : sequence of (Y, X) frames, or None
        ``len(movie)`` frames, each read by ``movie[t]``. None with `embeddings`, and
        with `labels` that are linked without their images.
    settings : Settings or mapping, optional
        What the user set; everything else follows from the file, the preset, the
        model's card and the defaults, in this order.
    file : mapping, optional
        What a settings file sets, as `load_settings` gives it.
    preset : str, optional
        Name of a published data set.
    model : str or Model, optional
        Overrules ``settings.embed.model``.
    embeddings : array_like, optional
        (T, C, Y, X) embeddings of any network; RSHN is then not used.
    background, mask
        What is background in given embeddings, see `pair_codes`.
    labels : array_like, str or Path, or a list or mapping of such, optional
        (T, Y, X) cells of any program, which are tracked as they are; or where they
        are stored. See `read_masks`.
    inside, outside : array_like, str or Path, optional
        (Y, X) or (T, Y, X) masks: cells of which less than half lies inside of the one,
        and outside of the other, are left out.
    device : str
        ``"auto"``, ``"cpu"``, ``"cuda"``, ``"mps"`` or another name torch knows.
    region : (slice, slice), optional
        Rows and columns to work on, widened by what the network has to see around
        them; all where little would be left out, or where the network sees frames at a
        given size. Frames are normalised, and the diameter is estimated, as a whole.
    former : Plan, optional
        An earlier one for the same input: what it found out is not found out again.
    read : callable
        Loads a model by name or path.
    choose : callable
        Names the model for what a first look tells, where it is left open.
    at_once : bool
        Take the generalist, and the diameter that fits it best, where they are left
        open, and compare nothing.

    Returns
    -------
    Plan

    Raises
    ------
    InputError
        For an empty movie, an unknown model or preset, or unusable settings, and where
        nothing is compiled.
    """
    _require_compiler()
    user = _chosen(settings)
    confines = read_confines(inside, outside, movie)
    if embeddings is not None:
        resolved = resolve_settings(user=user, file=file, preset=preset)
        plan = _plan_given(movie, resolved, embeddings, background, mask, region)
        return _confined(plan, confines)
    if labels is not None:
        known = _known_masks(former, labels, movie)
        voter = partial(
            plan_run,
            movie,
            file=file,
            preset=preset,
            device=device,
            former=former,
            read=read,
            choose=choose,
        )
        plan = _plan_masks(movie, known, user, file, preset, model, voter)
        return _confined(plan, confines)
    if movie is None or len(movie) == 0:
        raise InputError("The movie holds no frame; choose one with at least one.")
    choice = choose_for_movie(
        movie,
        user,
        file=file,
        preset=preset,
        model=model,
        device=device,
        known=None if former is None else former.choice,
        read=read,
        choose=choose,
        at_once=at_once,
    )
    card = choice.model.card
    resolved = _with_tracking(choice.settings)
    shape = frame_shape(movie)
    region = widened(region, resolved, card.diameter, shape)
    source = _network(choice.model, resolved, movie, device, region, former)
    plan = Plan(
        source,
        resolved,
        part_shape(shape, region),
        smallest_cell(resolved, card.diameter),
        "axis",
        None,
        {
            **_versions(),
            "model": choice.model.name,
            "model_sha256": choice.model.sha256,
            "device": str(source.embedder.device),
        },
        choice.asked,
        region,
        choice,
        quality=_known_quality(former, choice, resolved),
    )
    return _confined(plan, confines)


def _confined(plan: Plan, confines: Confines | None) -> Plan:
    """Add where cells may be."""
    if plan.region is None:
        check_border(plan.settings.track.border, plan.frame_shape)
    if confines is None:
        return plan
    if plan.region is None:
        confines.check(plan.source.n_frames, plan.frame_shape)
    provenance = {**plan.provenance, **confines.record()}
    return replace(plan, confines=confines, provenance=provenance)


def _require_compiler() -> None:
    if is_switched_off():
        raise InputError(
            "Compiling is switched off by the environment variable NUMBA_DISABLE_JIT, "
            "and a run would take hundreds of times as long; unset it."
        )


def _known_masks(
    former: Plan | None, labels: Any, movie: FrameSource | None
) -> MaskSource:
    """Take over masks that were looked at before, or look at them."""
    known = None if former is None else former.source
    if isinstance(known, MaskSource) and known.given is labels:
        return known
    return read_masks(labels, movie)


def _known_quality(
    former: Plan | None, choice: Choice, settings: Settings
) -> Quality | None:
    """Take over the quality that was found out for the same model and settings."""
    if former is None or former.choice is None or former.settings != settings:
        return None
    same = former.choice.model.sha256 == choice.model.sha256
    return former.quality if same else None


def _plan_given(
    movie: FrameSource | None,
    settings: Settings,
    embeddings: Any,
    background: Background,
    mask: npt.NDArray[Any] | None,
    region: Region | None,
) -> Plan:
    """Decide a run on embeddings of any network."""
    given = GivenEmbeddings(embeddings, region)
    if given.n_frames == 0:
        raise InputError("The embeddings hold no frame.")
    if mask is not None and region is not None:
        mask = mask[(..., *region)]
    shape = given.shape if movie is None else frame_shape(movie)
    diameter = settings.embed.diameter
    smallest: float = _SMALLEST_WITHOUT_DIAMETER
    if diameter != "auto":
        scale = math.sqrt(math.prod(given.shape) / math.prod(shape))
        smallest = smallest_cell(settings, diameter * scale)
    return Plan(
        given,
        _with_tracking(settings),
        shape,
        smallest,
        background,
        mask,
        {**_versions(), "model": "given embeddings", "device": "cpu"},
        settings.embed,
        region,
    )


def _plan_masks(
    movie: FrameSource | None,
    masks: MaskSource,
    user: dict[str, Any],
    file: Mapping[str, Any] | None,
    preset: str | None,
    model: str | Model | None,
    decide: Callable[..., Plan],
) -> Plan:
    """Decide how masks are tracked, and which network is asked about them."""
    given = {**MASKS_ADVICE, "embed": {"diameter": masks.diameter}}
    settings = resolve_settings(user=user, file=file, preset=preset, card=given)
    voting: Plan | None = None
    if movie is not None and settings.track.vote_weight and not masks.tracked:
        if model is None and settings.embed.model == "auto":
            # The masks tell all that a look at the movie would.
            model = choose_model(None)
        asked = user | {"embed": {"diameter": masks.diameter, **user.get("embed", {})}}
        voting = decide(asked, model=model)
    plan = Plan(
        masks,
        _with_tracking(settings, by_costs=True),
        masks.shape,
        1,
        "axis",
        None,
        {**_versions(), "model": "given masks", "device": "cpu"},
        settings.embed,
    )
    if voting is None or not isinstance(voting.source, NetworkEmbeddings):
        return plan
    embed = voting.settings.embed
    return replace(
        plan,
        settings=plan.settings.model_copy(update={"embed": embed}),
        provenance={**voting.provenance, "labels": "given"},
        choice=voting.choice,
        voter=voting.source if voting.source.embedder.votes else None,
    )


def _network(
    model: Model,
    settings: Settings,
    movie: FrameSource,
    device: str,
    region: Region | None,
    former: Plan | None,
) -> NetworkEmbeddings:
    """Prepare the network, or take over that of a former plan if it is the same."""
    known = None if former is None else former.voter or former.source
    if (
        former is not None
        and isinstance(known, NetworkEmbeddings)
        and former.provenance["model_sha256"] == model.sha256
        and former.settings.embed == settings.embed
        and former.settings.track.merge_tiles == settings.track.merge_tiles
        and known.embedder.device == choose_device(device)
        and former.region == region
    ):
        return known
    embedder = Embedder(
        model,
        settings.embed,
        frame_shape(movie),
        device=device,
        per_tile=settings.track.merge_tiles,
        region=region,
    )
    return NetworkEmbeddings(embedder, movie)


def _with_tracking(settings: Settings, *, by_costs: bool = False) -> Settings:
    """Decide the linker, and the reach of the parent search in image pixels."""
    track, diameter = settings.track, settings.embed.diameter
    decided: dict[str, Any] = {}
    if track.linker == "auto":
        decided["linker"] = "costs" if by_costs else "overlap"
    if track.parent_dilation is None:
        if diameter == "auto":
            dilation = _DILATION_WITHOUT_DIAMETER
        else:
            # An odd number of pixels.
            dilation = 2 * round(track.parent_reach * diameter / 2) + 1
            dilation = min(dilation, 99) if track.parent_reach else 0
        decided["parent_dilation"] = dilation
    track = track.model_copy(update=decided)
    return settings.model_copy(update={"track": track})


def embedding_key(plan: Plan) -> Hashable:
    """Name everything that the embeddings of a plan depend on, beside the input."""
    if not isinstance(plan.source, NetworkEmbeddings):
        return str(plan.region)
    return (
        plan.provenance["model_sha256"],
        plan.provenance["device"],
        plan.settings.embed,
        plan.settings.track.merge_tiles,
        str(plan.region),
    )
