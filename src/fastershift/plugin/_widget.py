"""The dock widget "Segment and track": its parts and how they talk."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

import numpy as np
from napari.layers import Labels, Layer
from numpy.typing import NDArray
from qtpy.QtCore import QSize, Qt
from qtpy.QtGui import QKeySequence, QShortcut
from qtpy.QtWidgets import QGroupBox, QVBoxLayout, QWidget

from fastershift.errors import InputError
from fastershift.io import Movie
from fastershift.pipeline import Plan
from fastershift.plugin.correct import CorrectSection
from fastershift.plugin.export import ExportSection, ManyDialog
from fastershift.plugin.files._open_result import add_layers
from fastershift.plugin.input import InputSection, Prepared, RunEstimate, Units
from fastershift.plugin.layers._frame_in_view import frame_in_view
from fastershift.plugin.layers._input import InputChoice, frame_axis, session_input
from fastershift.plugin.layers._record import ResultRecord
from fastershift.plugin.layers._units import (
    in_micrometres,
    micrometres_per_pixel,
    seconds_per_frame,
)
from fastershift.plugin.learn import LearnSection
from fastershift.plugin.qt import (
    Fold,
    PanelScroll,
    bind,
    follow,
    key_of,
    on_destroyed,
    preferences,
    unbind,
)
from fastershift.plugin.readout import ReadOut, ReadOutFeed
from fastershift.plugin.run import (
    Comparison,
    LivePreview,
    LiveRow,
    RunController,
    RunSection,
)
from fastershift.plugin.tune import SettingsForm, SettingsLoader, TuneSection
from fastershift.plugin.views import ViewsController, ViewsSection
from fastershift.session import describe_error

if TYPE_CHECKING:
    import napari
    from napari.components import ViewerModel

__all__ = ["SegmentTrackWidget"]

_WIDTH = 360

# Frames that were corrected and are learned from: a cell that is followed corrects
# hundreds, and each is looked at before the first answer.
_CORRECTED = 5


def _folded(part: QGroupBox, *, is_open: bool = True) -> Fold:
    """Let a part be folded away, by its title."""
    fold = Fold(part.title(), "Show or hide this part.", part.parentWidget())
    part.setTitle("")
    # The title stands in the fold; its room would be left empty.
    part.setStyleSheet("QGroupBox { margin-top: 0; padding-top: 0 }")
    fold.body.addWidget(part)
    fold.open(is_open)
    return fold


class SegmentTrackWidget(QWidget):
    """Segment and track the cells of an image layer.

    Parameters
    ----------
    napari_viewer : napari.Viewer
        The viewer it is docked in.
    """

    def __init__(self, napari_viewer: "napari.viewer.Viewer") -> None:
        super().__init__()
        self._viewer: ViewerModel = napari_viewer
        # Input and device that the estimate is of.
        self._measured: tuple[InputChoice | None, str] = (None, "")
        # Whether corrections wait for the end of a run, to open another input.
        self._plan_waits = False
        self._runs = RunController(napari_viewer, self)
        self._estimate = RunEstimate(self)
        self._input = InputSection(napari_viewer, self)
        self._tune = TuneSection(self)
        self._live_row = LiveRow(self)
        self._run = RunSection(self)
        self._readout = ReadOut(self)
        self._views_section = ViewsSection(self)
        self._export = ExportSection(
            self._cells,
            lambda layer: self._correct.corrector.known.snapshot(layer),
            self,
        )
        self._many = ManyDialog(lambda: (self._form.chosen(), self._input.device), self)
        self._feed = ReadOutFeed(
            napari_viewer, self._runs, lambda: self._input.choice, self._readout
        )
        self._form = SettingsForm([*self._input.controls, *self._tune.controls], self)
        self._loader = SettingsLoader(
            napari_viewer, self._form, self._input, self._tune, self
        )
        self._live = LivePreview(
            napari_viewer, self._runs, self._live_row, self._prepare_live, self
        )
        self._views = ViewsController(
            napari_viewer,
            self._runs,
            self._views_section,
            self._prepare_view,
            self._form.resolved,
        )
        self._comparison = Comparison(self._form, self)
        self._correct = CorrectSection(
            napari_viewer,
            self._plan_source,
            lambda: preferences().cache_folder,
            self,
        )
        self._learn = LearnSection(
            napari_viewer,
            lambda: self._input.choice,
            self._movie,
            self._previewed,
            self._corrected,
            self._learn_from,
            self,
        )
        self._correct.corrector.layers.replaced.connect(self._feed.refresh)
        self._runs.reconcile = self._correct.corrector.reconcile
        # Selected or corrected since the last run, or since the input was chosen.
        self._used: WeakSet[Layer] = WeakSet()
        # Layer and position of the input since then.
        self._place: tuple[Layer, int | None] | None = None
        self._lay_out()
        self._connect()
        self._on_settings()
        self._on_input()

    def _lay_out(self) -> None:
        self._tune.add(self._live_row)
        inner = QWidget()
        column = QVBoxLayout(inner)
        column.setContentsMargins(4, 2, 4, 2)
        column.setSpacing(3)
        column.addWidget(self._input)
        column.addWidget(self._tune)
        column.addWidget(_folded(self._learn, is_open=False))
        column.addWidget(self._run)
        column.addWidget(_folded(self._readout))
        corrections = _folded(self._correct, is_open=self._correct.autosave.offers)
        self._correct.wanted.connect(corrections.open)
        column.addWidget(corrections)
        column.addWidget(_folded(self._views_section))
        column.addWidget(_folded(self._export))
        column.addStretch()
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(PanelScroll(inner))

    def sizeHint(self) -> QSize:
        """Ask for enough room that sliders can be aimed at."""
        return super().sizeHint().expandedTo(QSize(_WIDTH, 0))

    def _connect(self) -> None:
        self._input.changed.connect(self._on_input)
        self._input.message.connect(self._run.say)
        self._input.estimate_asked.connect(self._estimate_diameter)
        self._estimate.begun.connect(self._input.await_needs)
        self._estimate.message.connect(self._input.show_needs)
        self._estimate.model_chosen.connect(self._on_model_chosen)
        self._estimate.next_best.connect(self._input.offer_diameter)
        self._estimate.quality.connect(self._input.show_quality)
        self._tune.forgotten.connect(self._form.forget_hidden)
        self._form.changed.connect(self._on_settings)
        self._run.run_asked.connect(self._used.clear)
        self._run.run_asked.connect(partial(self._start, self._runs.run))
        self._run.preview_asked.connect(partial(self._start, self._runs.preview))
        self._run.cancel_asked.connect(self._on_cancel)
        self._runs.state_changed.connect(self._show_state)
        self._runs.state_changed.connect(self._resume)
        self._runs.progressed.connect(self._run.show_progress)
        self._runs.message.connect(self._run.say)
        self._runs.altered.connect(self._input.look_again)
        self._readout.message.connect(self._run.say)
        self._correct.corrector.edited.connect(self._on_edited)
        follow(self, self._viewer.layers.selection.events.active, self._on_selected)
        self._on_selected()
        self._export.message.connect(self._run.say)
        self._export.saved.connect(self._correct.autosave.forget)
        self._export.opened.connect(partial(add_layers, self._viewer))
        self._learn.message.connect(self._run.say)
        self._learn.taught.connect(self._on_taught)
        self._learn.named.connect(self._input.offer_model)
        self._loader.message.connect(self._run.say)
        self._export.save_settings_asked.connect(self._loader.save)
        self._export.load_settings_asked.connect(self._loader.load)
        self._export.many_asked.connect(self._many.show)
        self._live_row.flipped.connect(self._comparison.flip)
        self._comparison.refused.connect(self._live_row.stay)
        self._comparison.refused.connect(self._run.say)
        flip = QShortcut(QKeySequence(key_of("flip")), self)
        flip.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        flip.activated.connect(self._live_row.flip)
        keys = {"flip": self._live_row.flip}
        bind(self._viewer, keys)
        on_destroyed(self, unbind, self._viewer, keys)

    def _show_units(self) -> None:
        """Show the diameter in micrometres beside the pixels, where they are known."""
        choice, box = self._input.choice, self._form.controls["diameter"].widget
        size = None
        if choice is not None:
            level = choice.reading.level
            size = micrometres_per_pixel(choice.layer, choice.axes, level)
        world = "" if size is None else f" = {in_micrometres(box.value() * size)}"
        box.setSuffix(f" px{world}")

    def _on_input(self) -> None:
        choice = self._input.choice
        place = None if choice is None else (choice.layer, choice.reading.position)
        if place != self._place:
            if self._place is not None:
                self._runs.leave(self._place[0])
            self._place = place
            self._used.clear()
        self._runs.keep_links(choice)
        if choice is None or choice.kind != "labels":
            self._live_row.tell("")
        self._form.follow_input("image" if choice is None else choice.kind)
        self._show_units()
        self._ask_estimate()
        self._show_state()
        self._feed.refresh()
        self._live.ask()
        self._views.input_changed()
        self._learn.input_changed()
        self._correct.corrector.prepare()

    def _on_settings(self) -> None:
        self._tune.show_hidden(self._form.describe_hidden())
        try:
            self._form.resolved()
        except InputError as error:
            self._run.say(describe_error(error))
        else:
            # A preview has words of its own: no others for the moment in between.
            if not self._live.follows:
                self._run.say("")
            self._live.ask()
            self._views.settings_changed()
        self._show_state()

    def _on_model_chosen(self, model: str) -> None:
        self._form.follow_model(model)
        self._views.settings_changed()

    def _on_taught(self, model: str, diameter: float) -> None:
        """Take a model that has just learned, and the diameter of the marks."""
        self._input.offer_model(model)
        self._form.controls["diameter"].touch(diameter)
        self._input.model.touch(model)

    def _learn_from(self) -> tuple[str, float | None, str]:
        """Tell which model is learned from, how large a cell is if set, and where."""
        controls = self._form.controls
        model, diameter = controls["model"].value, controls["diameter"].value
        size = None if diameter == "auto" else float(diameter)
        return model, size, self._input.device

    def _corrected(self) -> Mapping[int, NDArray[np.int32]]:
        """Give frames of the movie that were corrected, those nearest to the view."""
        corrector, movie = self._correct.corrector, self._movie()
        corrections = corrector.corrections
        if corrections is None or movie is None or not corrections.looked_at:
            return {}
        if not self._is_input_of(corrector.layer):
            return {}
        truth = corrections.truth()
        choice = self._input.choice
        if choice is None or truth.shape != movie.shape:
            return {}
        frame = frame_in_view(self._viewer, choice.layer, frame_axis(choice.axes))
        near = sorted(truth.frames, key=lambda one: abs(one - frame))[:_CORRECTED]
        return {one: truth.read(one) for one in sorted(near)}

    def _previewed(self) -> Any:
        """Return the (T, Y, X) cells of the preview; None where there is none."""
        choice = self._input.choice
        if choice is None:
            return None
        layer = self._runs.outputs.find(choice.layer, "preview")
        return None if layer is None else self._runs.outputs.stack(layer)

    def _prepare_view(self) -> tuple[InputChoice, Mapping[str, Any], str] | None:
        choice = self._input.choice
        if choice is None or not self._settings_fit():
            return None
        return choice, self._form.chosen(), self._input.device

    def _prepare_live(self) -> tuple[InputChoice, Mapping[str, Any], str] | None:
        prepared = self._prepare_view()
        if prepared is not None:
            self._estimate.stop()
        return prepared

    def _ask_estimate(self) -> None:
        if self._input.choice is None:
            self._estimate.stop()
            self._input.show_needs("Open an image, then choose its layer here.")
            return
        asked = self._input.choice, self._input.device
        if self._runs.busy and asked == self._measured:
            return
        self._measured = asked
        self._estimate.ask(self._prepare_estimate)
        if self._runs.busy:
            # After the run; what was told of another input goes now.
            self._estimate.stop()
            self._input.await_needs()

    def _resume(self) -> None:
        """Take up what had to wait for a run or a preview."""
        if not self._runs.computing:
            self._estimate.resume()
            if self._plan_waits:
                self._correct.corrector.prepare()

    def _prepare_estimate(self) -> Prepared | None:
        choice = self._input.choice
        if choice is None or self._runs.busy:
            return None
        try:
            session = self._runs.open(choice)
        except InputError as error:
            self._input.show_needs(describe_error(error))
            return None
        axes = choice.axes
        units = Units(
            micrometres_per_pixel(choice.layer, axes, choice.reading.level),
            seconds_per_frame(choice.layer, axes),
        )
        return session, self._form.chosen(), self._input.device, units

    def _estimate_diameter(self) -> None:
        prepared = self._prepare_estimate()
        if prepared is not None:
            self._run.say("Measuring the cells …")
            self._estimate.measure_diameter(prepared, self._on_diameter)
        elif self._runs.busy:
            self._run.say("Cells will be measured after the run.")
        else:
            self._run.say("Choose an image layer first.")

    def _on_diameter(self, diameter: float) -> None:
        self._form.controls["diameter"].touch(diameter)
        self._run.say(f"Cells measure about {diameter:g} pixels.")

    def _start(self, start: Any) -> None:
        choice = self._input.choice
        if choice is None:
            return
        self._estimate.stop()
        self._run.say("")
        try:
            start(choice, self._form.chosen(), self._input.device)
        except InputError as error:
            self._run.say(describe_error(error))
        self._show_state()

    def _on_cancel(self) -> None:
        self._runs.cancel()
        self._show_state()

    def _show_state(self) -> None:
        self._run.show_state(
            usable=self._input.choice is not None and self._settings_fit(),
            busy=self._runs.busy,
            ending=self._runs.ending,
        )

    def _settings_fit(self) -> bool:
        try:
            self._form.resolved()
        except InputError:
            return False
        return True

    def _plan_source(self, layer: Labels) -> Callable[[], Plan] | None:
        """Find what decides, in another thread, the run that cells come from."""
        choice = self._input.choice
        if choice is None:
            return None
        self._plan_waits = self._runs.computing and not self._runs.has_open(choice)
        if self._plan_waits:
            return None
        try:
            session = self._runs.open(choice)
        except InputError:
            return None
        if not self._is_input_of(layer):
            return None
        settings = ResultRecord.of(layer).settings or self._form.chosen()
        return partial(session.plan, settings, device=self._input.device)

    def _is_input_of(self, cells: Labels | None) -> bool:
        """Tell whether cells may have been found in what is chosen."""
        choice = self._input.choice
        if choice is None or cells is None:
            return False
        return self._runs.outputs.belongs(cells, choice.layer)

    def _movie(self) -> Movie | None:
        """Return the chosen movie; None for embeddings and where none can be read."""
        choice = self._input.choice
        try:
            given = None if choice is None else session_input(choice).movie
        except InputError as error:
            self._run.say(describe_error(error))
            return None
        return given if isinstance(given, Movie) else None

    def _on_edited(self) -> None:
        if self._correct.corrector.layer is not None:
            self._used.add(self._correct.corrector.layer)

    def _on_selected(self, _event: Any = None) -> None:
        active = self._viewer.layers.selection.active
        # Equal, not the same: the viewer gives plugins its layers wrapped.
        self._used.update(one for one in self._viewer.layers if one == active)

    def _cells(self) -> Labels | None:
        """Find the result to save: the one in use, else that of the input."""
        choice, other = self._input.choice, self._correct.corrector.layer
        shown = other if other is not None and other.visible else None
        if shown in self._used or choice is None:
            return shown
        layer = self._runs.outputs.find(choice.layer, "cells")
        return layer if isinstance(layer, Labels) else shown
