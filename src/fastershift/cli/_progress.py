"""The progress bar of the commands."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fastershift.pipeline import TrackingRun

__all__ = ["PREPARING", "ProgressBar", "clock", "follow_run", "progress_bar"]

#: Before the first frame: the model is chosen, and compiled code made or loaded.
PREPARING = "preparing (a minute the first time)"


class ProgressBar:
    """A bar on the error output, and sentences above it; `progress_bar` shows one.

    Parameters
    ----------
    shown : rich.progress.Progress
        Draws it.
    """

    def __init__(self, shown: Any) -> None:
        self._shown = shown
        self._task = shown.add_task("", total=None, left="")

    def say(self, sentence: str) -> None:
        """Write a sentence above the bar, as it is."""
        self._shown.console.print(sentence, highlight=False, markup=False)

    def show(
        self,
        *,
        total: float | None = None,
        done: float | None = None,
        words: str | None = None,
        seconds_left: float | None = None,
    ) -> None:
        """Change what is given, and leave all else as it is."""
        left = {} if seconds_left is None else {"left": f"{clock(seconds_left)} left"}
        self._shown.update(
            self._task, total=total, completed=done, description=words, **left
        )


@contextmanager
def progress_bar(
    words: str, *, counted: bool = True, estimated: bool = True
) -> Iterator[ProgressBar]:
    """Show a progress bar for the length of a block.

    Parameters
    ----------
    words : str
        What stands before it.
    counted : bool
        Whether it shows how many of how many, rather than per cent.
    estimated : bool
        Whether it estimates the time left, rather than being told.

    Yields
    ------
    ProgressBar
    """
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn() if counted else TaskProgressColumn(),
        TimeRemainingColumn() if estimated else TextColumn("{task.fields[left]}"),
    )
    console = Console(stderr=True, soft_wrap=True)
    with Progress(*columns, console=console) as shown:
        bar = ProgressBar(shown)
        bar.show(words=words)
        yield bar


def clock(seconds: float) -> str:
    """Write a duration in seconds as hours, minutes and seconds, after any days."""
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    return f"{f'{days} d ' if days else ''}{hour}:{minute:02d}:{second:02d}"


def follow_run(begin: Callable[[], "TrackingRun"]) -> "TrackingRun":
    """Begin a run, and follow it to its end behind a progress bar with the time left.

    Parameters
    ----------
    begin : callable
        Decides everything about the run, which takes a while.

    Returns
    -------
    TrackingRun
        At its end.
    """
    from fastershift.pipeline import FrameDone, Notice, Started

    done = 0
    with progress_bar(PREPARING) as bar:
        tracking = begin()
        for event in tracking:
            if isinstance(event, Started):
                embed = event.settings.embed
                height, width = event.network_shape
                known = embed.network_size is None
                size = f", cell diameter {embed.diameter} px" if known else ""
                bar.say(f"Model {event.model}{size}, network size {width} × {height}.")
                for note in event.notes:
                    bar.say(note)
                bar.show(total=event.n_frames, words="frames")
            elif isinstance(event, Notice):
                bar.say(event.sentence)
            elif isinstance(event, FrameDone):
                done += 1
                bar.show(done=done)
    return tracking
