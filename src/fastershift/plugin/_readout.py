"""The fourth part of the widget: how the frame in view was clustered, and the movie."""

from collections.abc import Mapping, Sequence
from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFormLayout, QGroupBox, QLabel, QVBoxLayout, QWidget

from fastershift.plugin._run_section import in_words

__all__ = ["ReadOut"]

_TIPS = {
    "Frame": "Frame in view, counted from 0.",
    "Seeds N": "Seeds that were shifted; in brackets the least number wanted, N_min, "
    "and the rounds it took.",
    "Clusters": "Modes of the frame and its neighbour; one mode can serve several "
    "cells that do not touch.",
    "Cells": "Cells in this frame.",
    "Iterations": "Shifts of all rounds together.",
    "Converged": "Share of the seeds that stood still in time.",
    "Foreground": "Share of the pixels that were clustered.",
    "Time": "Milliseconds for network, clustering and linking.",
    "Movie": "Tracks and divisions of the whole movie, and how long it took.",
}

_NOTHING = "–"


class ReadOut(QGroupBox):
    """Plain numbers beside their names.

    Parameters
    ----------
    parent : QWidget
        The widget this is a part of.
    """

    def __init__(self, parent: QWidget) -> None:
        super().__init__("Read-out", parent)
        self.setObjectName("readout")
        form = QFormLayout()
        self._values: dict[str, QLabel] = {}
        for name, tip in _TIPS.items():
            value = QLabel(_NOTHING)
            value.setObjectName(f"readout_{name.lower().replace(' ', '_')}")
            value.setAccessibleName(name)
            value.setWordWrap(True)
            value.setToolTip(tip)
            value.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            label = QLabel(name)
            label.setToolTip(tip)
            form.addRow(label, value)
            self._values[name] = value
        # A layout of its own, so that further views fit below the numbers.
        QVBoxLayout(self).addLayout(form)

    def show_frame(self, row: Mapping[str, Any] | None, note: str = "") -> None:
        """Show the report of a frame.

        Parameters
        ----------
        row : mapping or None
            A row of report.csv; None clears the numbers.
        note : str
            What the numbers belong to.
        """
        shown = dict.fromkeys(_TIPS, _NOTHING)
        if row is not None:
            rounds = "round" if row["rounds"] == 1 else "rounds"
            times = [
                row[f"{stage}_ms"] for stage in ("network", "clustering", "linking")
            ]
            shown |= {
                "Frame": f"{row['frame']} {note}".strip(),
                "Seeds N": f"{row['seeds']} (N_min {row['n_min']}, "
                f"{row['rounds']} {rounds})",
                "Clusters": str(row["clusters"]),
                "Cells": str(row["cells"]),
                "Iterations": str(row["iterations"]),
                "Converged": f"{row['converged']:.0%}",
                "Foreground": f"{row['foreground']:.1%}",
                "Time": " / ".join(f"{time:.0f}" for time in times) + " ms",
            }
        for name, text in shown.items():
            if name != "Movie":
                self._values[name].setText(text)

    def show_movie(
        self,
        tracks: Sequence[tuple[int, int, int, int]] | None,
        provenance: Mapping[str, Any] | None = None,
    ) -> None:
        """Show the totals of a result; None clears them."""
        text = _NOTHING
        if tracks is not None:
            parents = [parent for *_, parent in tracks if parent]
            divisions = sum(parents.count(parent) > 1 for parent in set(parents))
            seconds = (provenance or {}).get("seconds")
            took = "" if seconds is None else f", {in_words(seconds)}"
            text = f"{len(tracks)} tracks, {divisions} divisions{took}"
        self._values["Movie"].setText(text)
