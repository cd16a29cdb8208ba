"""Links of given masks, in the frames around the one that is looked at."""

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fastershift.errors import counted
from fastershift.pipeline import MaskSource, Plan, masks_at, votes_at
from fastershift.session._caches import KnownMasks
from fastershift.tracking import MaskFrame, MaskLinker, VotedPlaces

__all__ = ["LinkedFrames", "ask_network", "frames_around", "link_frames", "read_frames"]

_Numbers = npt.NDArray[np.int64]

# Frames before the first gap that may reach the frame in view: enough to tell which
# tracks go on, and how their cells move.
_MEMORY = 3
# Gaps that are longer than this are not followed to their beginning.
_LONGEST_GAP = 10


@dataclass(frozen=True)
class LinkedFrames:
    """Frames that were linked with one another.

    Attributes
    ----------
    first : int
        Number of the first frame.
    frames : sequence of MaskFrame
        One after the other.
    tracks : sequence of (n,) int64
        The track of each cell of each frame, from 1, by ascending label.
    mothers : (K + 1,) int64
        The track that each track descends from; 0 for none.
    names : (K + 1,) int64, or None
        What the masks call the tracks, where nothing had to be linked.
    """

    first: int
    frames: tuple[MaskFrame, ...]
    tracks: tuple[_Numbers, ...]
    mothers: _Numbers
    names: _Numbers | None = None

    def positions(self, numbers: _Numbers) -> npt.NDArray[np.float64]:
        """Tell where each track is in each frame.

        Parameters
        ----------
        numbers : (K + 1,) int64
            What each track is called.

        Returns
        -------
        (n, 4) float64
            Rows of number, frame, y and x in pixels, by number, then frame.
        """
        rows = []
        for time, (frame, tracks) in enumerate(
            zip(self.frames, self.tracks, strict=True), self.first
        ):
            # A mask that is cut in two is one cell.
            here, cell = np.unique(tracks, return_inverse=True)
            areas = np.bincount(cell, frame.cells.areas, len(here))
            places = [
                np.bincount(cell, frame.cells.areas * axis, len(here)) / areas
                for axis in frame.cells.places.T
            ]
            rows.append(
                np.column_stack([numbers[here], np.full(len(here), time), *places])
            )
        table = np.concatenate(rows)
        return table[np.lexsort((table[:, 1], table[:, 0]))]

    def graph(self, numbers: _Numbers) -> dict[int, list[int]]:
        """Return ``{daughter: [mother]}`` by what the tracks are called."""
        daughters = np.flatnonzero(self.mothers)
        called = numbers[daughters], numbers[self.mothers[daughters]]
        return {
            daughter: [mother]
            for daughter, mother in zip(*(one.tolist() for one in called), strict=True)
        }

    def describe(self, frame: int) -> str:
        """Tell in a sentence how a frame is linked to the one before."""
        index = frame - self.first
        here = self.tracks[index]
        cells = counted(len(here), "cell")
        if self.names is not None:
            return (
                f"Frame {frame}: {cells}. The masks carry the numbers of tracks "
                "already: these are shown, and nothing is linked."
            )
        if not index:
            return f"Frame {frame}: {cells}. No frame lies before it to be linked to."
        seen = np.full(len(self.mothers), -1)
        for time, tracks in enumerate(self.tracks[:index], self.first):
            seen[tracks] = time
        mothers = np.where(seen[here] < 0, self.mothers[here], 0)
        # There is no track 0, and so it was never seen.
        since = np.maximum(seen[here], seen[mothers])
        linked, back = (
            int(np.count_nonzero(one))
            for one in (since == frame - 1, (since >= 0) & (since < frame - 1))
        )
        goes_on = np.zeros(len(self.mothers), dtype=bool)
        for tracks in self.tracks[index:]:
            goes_on[tracks] = goes_on[self.mothers[tracks]] = True
        ending = int(np.count_nonzero(~goes_on[self.tracks[index - 1]]))
        begin = len(here) - linked - back
        before = f"frame {frame - 1}" + (f" and {back} across a gap" if back else "")
        return (
            f"Frame {frame}: {linked} of {cells} {'is' if linked == 1 else 'are'} "
            f"linked to {before}; "
            f"{counted(len(np.unique(mothers[mothers > 0])), 'division')}, "
            f"{begin} {'begins' if begin == 1 else 'begin'}, "
            f"{ending} {'ends' if ending == 1 else 'end'}."
        )


def frames_around(plan: Plan, frame: int) -> range:
    """Choose the frames that decide how a frame is linked to the one before.

    Before it those with the ends of all tracks that may go on, and a few more for the
    way cells move; behind it those that tell whether daughters last.

    Parameters
    ----------
    plan : Plan
        Of given masks.
    frame : int
        The frame in view.

    Returns
    -------
    range
    """
    gap = min(plan.settings.track.longest_gap, _LONGEST_GAP)
    return range(
        max(0, frame - gap - _MEMORY), min(plan.source.n_frames, frame + gap + 2)
    )


def read_frames(
    plan: Plan, numbers: range, known: KnownMasks
) -> Iterator[list[MaskFrame] | None]:
    """Read and measure the frames that are not known yet.

    Parameters
    ----------
    plan : Plan
        Of given masks.
    numbers : range
        Which frames.
    known : KnownMasks
        What was read before.

    Yields
    ------
    list of MaskFrame or None
        None after each frame that was read; at last all of them.
    """
    source = plan.source
    assert isinstance(source, MaskSource)  # noqa: S101 (the plan is one of masks)
    if any(known.frames.get(number) is None for number in numbers):
        source.forget()
    frames = []
    for number in numbers:
        frame = known.frames.get(number)
        if frame is None:
            # A copy: masks may be painted meanwhile.
            frame = MaskFrame(np.array(masks_at(plan, number)))
            known.frames.put(number, frame)
            yield None
        frames.append(frame)
    yield frames


def ask_network(
    plan: Plan, number: int, frame: MaskFrame, known: KnownMasks
) -> Iterator[VotedPlaces | None]:
    """Yield None at places to stop, at last where the network saw the cells before."""
    key = voting_key(plan, number)
    if key not in known.voted:
        for voted in votes_at(plan, number, frame):
            if voted is None:
                yield None
            else:
                known.voted[key] = voted
    yield known.voted[key]


def voting_key(plan: Plan, number: int) -> Hashable:
    """Name everything that the votes for a frame depend on, beside the input."""
    return plan.provenance["model_sha256"], plan.settings.embed, number


def link_frames(
    plan: Plan,
    first: int,
    frames: list[MaskFrame],
    voted: Mapping[int, VotedPlaces],
) -> Iterator[LinkedFrames | None]:
    """Link frames as a run does that begins and ends with them.

    Parameters
    ----------
    plan : Plan
        Of given masks.
    first : int
        Number of the first frame.
    frames : list of MaskFrame
        One after the other.
    voted : mapping of int to VotedPlaces
        Where the cells of a frame were in the one before, where a network was asked.

    Yields
    ------
    LinkedFrames or None
        None after each frame; at last the links.
    """
    source = plan.source
    assert isinstance(source, MaskSource)  # noqa: S101 (the plan is one of masks)
    if source.tracked:
        names = np.unique(np.concatenate([[0], *(one.cells.ids for one in frames)]))
        tracks = tuple(np.searchsorted(names, one.cells.ids) for one in frames)
        yield LinkedFrames(first, tuple(frames), tracks, np.zeros_like(names), names)
        return
    linker = MaskLinker(plan.settings.track)
    linked = []
    for number, frame in enumerate(frames, first):
        linked.append(linker.link(frame, voted.get(number)))
        yield None
    descent = linker.descent()
    largest = max((int(one.max(initial=0)) for one in linked), default=0)
    same = descent.numbers(largest)
    mothers = np.zeros(largest + 1, dtype=np.int64)
    for daughter, mother in descent.parents.items():
        mothers[same[daughter]] = same[mother]
    yield LinkedFrames(
        first, tuple(frames), tuple(same[one] for one in linked), mothers
    )
