"""Previews on the screen: the cells, clusters and links of one frame."""

from weakref import ReferenceType, WeakSet, ref

import numpy as np
import numpy.typing as npt
from napari.layers import Labels, Layer

from fastershift.plugin.layers._input import InputChoice
from fastershift.plugin.layers._outputs import Outputs, Role
from fastershift.plugin.layers._record import ResultRecord
from fastershift.session import Preview, PreviewLinks, PreviewRequest

__all__ = ["PreviewLayers", "describe_preview"]


def describe_preview(preview: Preview) -> str:
    """Say what a preview shows, and whether there is more to come."""
    if preview.links is not None:
        return preview.links.sentence
    cells = f"Frame {preview.frame}: {preview.report.cells} cells"
    if preview.at_first_sight:
        model = preview.provenance["model"]
        return f"{cells} at first sight, with {model}. Choosing the model …"
    return f"{cells} in {preview.report.clusters} clusters, before linking."


def _from_mothers(links: PreviewLinks) -> npt.NDArray[np.float64]:
    """Let the line of each daughter begin where her mother was last.

    That looks as the graph of napari does, which holds the window up for some tenths of
    a millisecond for every daughter.
    """
    rows = links.positions
    daughters = np.array(list(links.graph), dtype=np.int64)
    mothers = [mother for (mother,) in links.graph.values()]
    begin = rows[np.searchsorted(rows[:, 0], mothers, side="right") - 1]
    begin[:, 0] = daughters
    return np.concatenate([rows, begin])


class PreviewLayers:
    """Shows previews of an input in layers of their own.

    Parameters
    ----------
    outputs : Outputs
        Finds the layers.
    """

    def __init__(self, outputs: Outputs) -> None:
        self._outputs = outputs
        self._gave_way: WeakSet[Layer] = WeakSet()
        # What the links that are shown belong to.
        self._linked: ReferenceType[Layer] | None = None

    def give_way(self, choice: InputChoice) -> None:
        """Hide previews until there is a new one: a result is to be seen by itself.

        Links are taken away: the result has its own.

        Parameters
        ----------
        choice : InputChoice
            What is run.
        """
        self.keep_links(None)
        for role in ("preview", "clusters"):
            layer = self._outputs.find(choice.layer, role)
            if layer is not None and layer.visible:
                layer.visible = False
                self._gave_way.add(layer)

    def come_back(self) -> None:
        """Show again what gave way to a result that did not come."""
        for layer in self._gave_way:
            layer.visible = True
        self._gave_way.clear()

    def keep_links(self, choice: InputChoice | None) -> None:
        """Take links away unless they belong to an input.

        Parameters
        ----------
        choice : InputChoice or None
            What is worked on now; None keeps no links.
        """
        source = None if self._linked is None else self._linked()
        theirs = choice is not None and choice.layer is source and choice.masks
        if source is not None and not theirs:
            self._linked = None
            layer = self._outputs.find(source, "links")
            if layer is not None:
                self._outputs.remove(layer, source)

    def request(
        self, choice: InputChoice, frame: int, *, clusters: bool
    ) -> PreviewRequest:
        """Say what a preview is to show.

        Parameters
        ----------
        choice : InputChoice
            What is previewed.
        frame : int
            The frame.
        clusters : bool
            Whether the clusters are wanted although nobody looks at them.

        Returns
        -------
        PreviewRequest
            Cells keep the numbers of the result, where there is one.
        """
        seen = self._outputs.find(choice.layer, "clusters")
        clusters = clusters or (seen is not None and seen.visible)
        cells = self._outputs.find(choice.layer, "cells")
        if not isinstance(cells, Labels):
            return PreviewRequest(frame, clusters)
        # The array only: layers are for the thread of the window.
        stack = self._outputs.stack(cells)
        tracks = ResultRecord.of(cells).tracks or ()
        above = max((track[0] for track in tracks), default=0)
        return PreviewRequest(frame, clusters, stack.__getitem__, above)

    def show(
        self, choice: InputChoice, shape: tuple[int, int, int], preview: Preview
    ) -> None:
        """Show a preview.

        Parameters
        ----------
        choice : InputChoice
            What was previewed.
        shape : (int, int, int)
            Frames, rows and columns of its labels.
        preview : Preview
            The result.
        """
        record = ResultRecord(
            choice.layer.name,
            preview.settings.model_dump(mode="json"),
            dict(preview.provenance),
            [preview.report.record()],
        )
        self._show_part(choice, "preview", shape, preview, preview.cells, record)
        if preview.clusters is not None:
            self._show_part(
                choice, "clusters", shape, preview, preview.clusters, record
            )
        self.keep_links(None if preview.links is None else choice)
        if preview.links is not None:
            self._linked = ref(choice.layer)
            self._outputs.show_tracks(
                choice.layer,
                choice.axes,
                _from_mothers(preview.links),
                {},
                "links",
            )

    def _show_part(
        self,
        choice: InputChoice,
        role: Role,
        shape: tuple[int, int, int],
        preview: Preview,
        labels: npt.NDArray[np.int32],
        record: ResultRecord,
    ) -> None:
        layer = self._outputs.find(choice.layer, role)
        if not isinstance(layer, Labels) or self._outputs.stack(layer).shape != shape:
            layer = self._outputs.show_labels(
                choice.layer, choice.axes, role, np.zeros(shape, np.int32)
            )
            layer.visible = role == "preview"
        else:
            self._outputs.put(choice.layer, choice.axes, layer)
        frame = self._outputs.stack(layer)[preview.frame]
        if preview.region is None:
            # Straight into the array: what a preview replaces is nothing to undo.
            frame[:] = labels
        else:
            frame[:] = 0
            frame[preview.region] = labels
        record.store(layer)
        if layer in self._gave_way:
            self._gave_way.discard(layer)
            layer.visible = True
        layer.refresh(extent=False)
