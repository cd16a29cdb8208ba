"""A plan that says how good its result will be."""

from dataclasses import replace

from fastershift.pipeline._plan import Plan
from fastershift.pipeline._quality import expected_quality
from fastershift.pipeline._sources import NetworkSource

__all__ = ["with_quality"]


def with_quality(plan: Plan) -> Plan:
    """Find out how good the result will be, if that is not known.

    Parameters
    ----------
    plan : Plan
        See `plan_run`.

    Returns
    -------
    Plan
        Unchanged for given embeddings, for a network size that was set and for the
        published profile: their quality was never compared with ground truth.
    """
    choice, source = plan.choice, plan.source
    if (
        plan.quality is not None
        or choice is None
        or not isinstance(source, NetworkSource)
        or plan.settings.embed.diameter == "auto"
        or plan.published
    ):
        return plan
    device = str(source.embedder.device)
    quality = expected_quality(
        source.movie,
        choice.model,
        plan.settings,
        device=device,
        known=choice.known_stability,
    )
    return replace(plan, quality=quality)
