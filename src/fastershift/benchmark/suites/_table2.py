"""Suite ``table2``: the time per frame of each movie, as in Table II."""

from fastershift.benchmark._runs import (
    OF_CLUSTERS,
    STAGES,
    TrueMovie,
    movies_at_hand,
    timed_run,
    warm_up,
)
from fastershift.benchmark._suite import (
    BenchmarkOptions,
    Cell,
    Plot,
    Series,
    SuiteResult,
    Table,
)

__all__ = ["run"]

# Seconds a frame in Table II of Zhao et al. (2021), on half a K80: mean-shift on the
# CPU, and Faster Mean-shift.
_PAPER = {
    "DIC-C2DH-HeLa": (25.58, 2.74),
    "Fluo-N2DH-GOWT1": (115.32, 11.24),
    "Fluo-N2DH-SIM+": (88.74, 11.72),
    "PhC-C2DH-U373": (39.76, 5.64),
}

_FRAMES, _QUICK_FRAMES = 50, 4
# The published profile takes as long for two frames as ours for fifty.
_PUBLISHED_FRAMES, _WINDOW = 10, 8


def run(options: BenchmarkOptions) -> SuiteResult:
    """Run every movie at hand from frames to files.

    Parameters
    ----------
    options : BenchmarkOptions
        In the quick form a few frames of each, and only the default profile.

    Returns
    -------
    SuiteResult
    """
    warm_up(options.device)
    count = _QUICK_FRAMES if options.quick else _FRAMES
    rows: list[tuple[Cell, ...]] = []
    stages: dict[str, dict[str, float]] = {}
    for movie in movies_at_hand(options, count):
        embed = movie.decided(options.device)
        ours = timed_run(movie, {"embed": embed}, options.device)
        stages[movie.name] = ours.stages()
        published = None if options.quick else _published(movie, embed, options)
        height, width = ours.result.labels.shape[1:]
        rows.append(
            (
                movie.name,
                embed["model"],
                len(ours.result.labels),
                f"{width} × {height}",
                "{1} × {0}".format(*ours.network_shape),
                round(sum(stages[movie.name].values()), 3),
                *(round(stages[movie.name][stage], 4) for stage in STAGES),
                published,
                *_PAPER.get(movie.name, (None, None)),
            )
        )
    columns = (
        *("movie", "model", "frames", "image", "network size", "s a frame"),
        *(f"{stage}, s" for stage in STAGES),
        *("as published, s a frame", "paper: CPU, s", "paper: GPU, s"),
    )
    names = tuple(stages)
    plot = Plot(
        "Seconds a frame",
        "movie",
        "seconds a frame",
        tuple(
            Series(stage, names, tuple(stages[name][stage] for name in names))
            for stage in STAGES
        ),
        kind="bars",
    )
    notes = [
        "The paper's times are those of its own network and machine (half a K80, six "
        "cores); ours is a smaller network on the device named in the record.",
        OF_CLUSTERS,
    ]
    if options.quick:
        notes.append(f"Cut down to {_QUICK_FRAMES} frames a movie, default profile.")
    summary = {
        "seconds_per_frame": {
            name: round(sum(one.values()), 3) for name, one in stages.items()
        }
    }
    return SuiteResult(
        summary, (Table("Table II", columns, tuple(rows)),), (plot,), tuple(notes)
    )


def _published(
    movie: TrueMovie, embed: dict[str, object], options: BenchmarkOptions
) -> float | None:
    """Return the seconds of a frame after the first window, as published."""
    if len(movie.frames) <= _WINDOW:
        return None
    frames = [movie.frames[t] for t in range(min(_PUBLISHED_FRAMES, len(movie.frames)))]
    part = TrueMovie(movie.name, frames, None)
    settings = {"profile": "published", "embed": embed}
    return round(
        sum(timed_run(part, settings, options.device).stages(_WINDOW).values()), 3
    )
