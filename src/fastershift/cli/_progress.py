"""Progress bars of the commands."""

from typing import Any

__all__ = ["follow_run"]


def follow_run(tracking: Any) -> None:
    """Run to the end behind a progress bar with the time left."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    from fastershift.pipeline import FrameDone, Notice, Started

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True)
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("frames", total=None)
        for event in tracking:
            if isinstance(event, Started):
                embed = event.settings.embed
                height, width = event.network_shape
                known = embed.network_size is None
                size = f", cell diameter {embed.diameter} px" if known else ""
                console.print(
                    f"Model {event.model}{size}, network size {width} × {height}.",
                    highlight=False,
                )
                bar.update(task, total=event.n_frames)
            elif isinstance(event, Notice):
                console.print(event.sentence, highlight=False)
            elif isinstance(event, FrameDone):
                bar.advance(task)
