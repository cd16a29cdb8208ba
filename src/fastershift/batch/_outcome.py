"""What comes of a batch: how far it is, and numbers and doubts of each movie."""

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from fastershift.batch._join import Joined
from fastershift.config import Settings
from fastershift.pipeline import Quality
from fastershift.tracking import Lineage

__all__ = [
    "BatchEvent",
    "BatchProgress",
    "MovieEnded",
    "Outcome",
    "doubtful_places",
    "outcome_of",
]

#: Doubtful places that are named; all are counted.
_NAMED = 20


@dataclass(frozen=True)
class Outcome:
    """The row of a movie in the summary.

    Attributes
    ----------
    movie : str
        Its name within the batch.
    status : {"done", "failed"}
        What became of it.
    sentence : str
        Why it failed.
    output : str
        Where its result is.
    frames, tracks, divisions : int
        How many there are.
    first_cells, last_cells : int
        Cells in the first and in the last frame.
    mean_cells : float
        Cells per frame.
    model : str
        Name of the model that the run used.
    diameter : float or None
        Cell diameter in pixels that the run used.
    doubtful : int
        Places where a cell appears from nowhere or vanishes.
    places : tuple of str
        The first of them, in words.
    expected_f1 : float or None
        How good the cells are expected to be, see `fastershift.pipeline.Quality`.
    seconds : float
        From the start of the movie to its result.
    notes : tuple of str
        What there is to say of the movie, in sentences.
    source : str
        Tells the file of the movie from others, see `fingerprint`.
    measured : tuple of str
        How its table was made, and what was said of it, see `measure_result`; empty
        without a table.
    """

    movie: str
    status: str
    sentence: str = ""
    output: str = ""
    frames: int = 0
    first_cells: int = 0
    last_cells: int = 0
    mean_cells: float = 0.0
    tracks: int = 0
    divisions: int = 0
    model: str = ""
    diameter: float | None = None
    doubtful: int = 0
    places: tuple[str, ...] = ()
    expected_f1: float | None = None
    seconds: float = 0.0
    notes: tuple[str, ...] = ()
    source: str = ""
    measured: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, as JSON and CSV hold them."""
        return asdict(self)


@dataclass(frozen=True)
class BatchProgress:
    """How far all movies together are.

    Attributes
    ----------
    movies, ended, failed : int
        Movies, those that came to an end, and those of them that failed.
    frames, done : int
        Frames of the movies that were opened so far, and those that are clustered.
    seconds_left : float or None
        About how long the others will take.
    """

    movies: int
    ended: int
    failed: int
    frames: int
    done: int
    seconds_left: float | None


@dataclass(frozen=True)
class MovieEnded:
    """A movie came to its end.

    Attributes
    ----------
    outcome : Outcome
        What became of it.
    before : bool
        Whether that was in an earlier run.
    """

    outcome: Outcome
    before: bool = False


BatchEvent: TypeAlias = BatchProgress | MovieEnded


def doubtful_places(
    lineage: Lineage, at_edge: Sequence[AbstractSet[int]]
) -> Iterator[tuple[int, int, str]]:
    """Find where a cell appears without a parent or vanishes without a child.

    A cell may come in and go out at the edge of the image, and at either end of the
    movie; anywhere else one of the two is a mistake, or a death.

    Parameters
    ----------
    lineage : Lineage
        The tracks.
    at_edge : sequence of set of int
        For each frame, the tracks that touch the edge of the image.

    Yields
    ------
    frame, track : int
        Where to look.
    what : {"appears", "vanishes"}
    """
    for track in lineage.tracks:
        if track.first and not track.parent and track.id not in at_edge[track.first]:
            yield track.first, track.id, "appears"
        ends_early = track.last < len(at_edge) - 1 and not lineage.children(track.id)
        if ends_early and track.id not in at_edge[track.last]:
            yield track.last, track.id, "vanishes"


def outcome_of(
    joined: Joined,
    settings: Settings,
    output: Path,
    movie: str,
    seconds: float,
    quality: Quality | None = None,
) -> Outcome:
    """Count what was found in a movie.

    Parameters
    ----------
    joined : Joined
        Its tracks.
    settings : Settings
        Resolved.
    output : Path
        Where its result is.
    movie, seconds
        As in `Outcome`.
    quality : Quality, optional
        How good the cells are expected to be.

    Returns
    -------
    Outcome
    """
    embed = settings.embed
    named_by_path = Path(embed.model).is_absolute()
    places = sorted(doubtful_places(joined.lineage, joined.at_edge))
    cells = np.zeros(len(joined.labels), dtype=int)
    for track in joined.lineage.tracks:
        cells[track.first : track.last + 1] += 1
    # Tracks go on across frames that show nothing.
    cells[[report.cells == 0 for report in joined.reports]] = 0
    return Outcome(
        movie=movie,
        status="done",
        output=str(output),
        frames=len(joined.labels),
        first_cells=int(cells[0]),
        last_cells=int(cells[-1]),
        mean_cells=round(float(cells.mean()), 2),
        tracks=len(joined.lineage.tracks),
        divisions=len(joined.lineage.divisions()),
        model=Path(embed.model).stem if named_by_path else embed.model,
        diameter=None if embed.diameter == "auto" else embed.diameter,
        doubtful=len(places),
        places=tuple(f"frame {t}: track {n} {what}" for t, n, what in places[:_NAMED]),
        expected_f1=None if quality is None else round(quality.f1, 2),
        seconds=round(seconds, 1),
        notes=joined.notes,
        measured=joined.measured,
    )
