"""Views of the embedding: clicks and the time slider in, layers and sentences out."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, TypeAlias

import numpy as np
from napari.components import ViewerModel
from qtpy.QtCore import QObject

from fastershift.config import Settings
from fastershift.errors import InputError
from fastershift.plugin.layers._frame_in_view import frame_in_view, shows_one_frame
from fastershift.plugin.layers._input import InputChoice, frame_axis
from fastershift.plugin.qt import Task, TaskRunner, follow, make_timer
from fastershift.plugin.run import RunController
from fastershift.plugin.views._layers import ViewLayers
from fastershift.plugin.views._pick import ClickPicker
from fastershift.plugin.views._section import ViewsSection
from fastershift.session import (
    ColourFrame,
    Pixel,
    SeedMap,
    Session,
    SimilarityFrame,
    describe_error,
)

__all__ = ["ViewsController"]

#: Input, what the user set, device.
_Prepared: TypeAlias = tuple[InputChoice, Mapping[str, Any], str]
_Shape: TypeAlias = tuple[int, int, int]

_COLOURS, _SIMILARITY = "embedding_as_colours", "similarity"
_SEEDS, _WHY = "seeds", "why_not_one_cell"
_LAYERS = {
    _COLOURS: ("embedding",),
    _SIMILARITY: ("similarity", "within h"),
    _SEEDS: ("seeds",),
    _WHY: (),
}

# Long enough that scrolling through frames is not kept waiting.
_WAIT_MS = 80


class ViewsController(QObject):
    """Shows the views that are switched on, for the frame in view.

    Parameters
    ----------
    viewer : ViewerModel
        Whose canvas and time slider.
    runs : RunController
        Opens the session.
    section : ViewsSection
        Where views are switched; lives as long as this.
    prepare : callable
        Gives input, settings that were set, and device; None while there is no input.
    resolved : callable
        Gives the settings as a run would decide them.
    """

    def __init__(
        self,
        viewer: ViewerModel,
        runs: RunController,
        section: ViewsSection,
        prepare: Callable[[], _Prepared | None],
        resolved: Callable[[], Settings],
    ) -> None:
        super().__init__(section)
        self._viewer = viewer
        self._runs = runs
        self._section = section
        self._prepare = prepare
        self._resolved = resolved
        self._layers = ViewLayers(viewer)
        self._picker = ClickPicker(viewer, self)
        self._tasks = {name: TaskRunner(self) for name in _LAYERS}
        self._choice: InputChoice | None = None
        self._pixels: list[Pixel] = []
        self._similar: dict[int, SimilarityFrame] = {}
        # What the layers that stay from frame to frame depend on.
        self._shown_with: dict[str, Any] = {}
        self._waiting = False
        self._timer = make_timer(self, _WAIT_MS, self._follow)
        # napari removes selected layers one by one, and fails where we come between.
        self._losses = make_timer(self, 0, self._switch_off_lost)
        self._picker.clicked.connect(self._on_click)
        section.switched.connect(self._on_switch)
        runs.previewed.connect(self._on_previewed)
        runs.altered.connect(self._begin_again)
        follow(self, viewer.dims.events.current_step, self._on_moved)
        follow(self, viewer.layers.events.removed, self._on_removed)

    def input_changed(self) -> None:
        """Put away the views of another input."""
        prepared, former = self._prepare(), self._choice
        choice = None if prepared is None else prepared[0]
        if former is not None and (choice is None or choice.layer is not former.layer):
            self._switch_off(_LAYERS)
            return
        if former is not None and choice is not None and _read(choice) != _read(former):
            self._begin_again()
            if _lie(choice) != _lie(former):
                # Clicks count the pixels that they were made on.
                self._switch_off((_SIMILARITY, _WHY))
        self.settings_changed()

    def settings_changed(self) -> None:
        """Bring the views up to date with the settings, soon."""
        self._draw_line()
        if any(self._section.is_on(name) for name in _LAYERS):
            self._timer.start()

    def _switch_off(self, names: Iterable[str]) -> None:
        for name in names:
            self._section.switch(name, False)

    def _begin_again(self) -> None:
        """Forget what is shown of pixels that are others now."""
        for task in self._tasks.values():
            task.drop()
        self._similar = {}
        self._shown_with.clear()

    def _on_switch(self, name: str, on: bool) -> None:
        if on and self._opened() is None:
            self._section.switch(name, False)
        elif name in (_SIMILARITY, _WHY):
            self._switch_clicks(name, on)
        elif on:
            self._follow()
        if not on:
            self._put_away(name)

    def _switch_clicks(self, name: str, on: bool) -> None:
        self._pixels = []
        if on:
            self._section.switch(_WHY if name == _SIMILARITY else _SIMILARITY, False)
            self._section.say(
                "Click a pixel of a cell." if name == _SIMILARITY else "Click a pixel."
            )
            self._mark()
        elif not (self._section.is_on(_SIMILARITY) or self._section.is_on(_WHY)):
            if self._picker.active:
                self._section.say("")
            self._picker.stop()
            if self._choice is not None:
                self._layers.remove(self._choice, "clicked")

    def _put_away(self, name: str) -> None:
        self._tasks[name].drop()
        self._shown_with.pop(name, None)
        if name == _SIMILARITY:
            self._similar = {}
        if self._choice is not None:
            for layer in _LAYERS[name]:
                self._layers.remove(self._choice, layer)

    def _opened(self) -> tuple[Session, _Shape, _Prepared] | None:
        """Take up the input; say why where that cannot be."""
        prepared = self._prepare()
        if prepared is None:
            self._section.say("Choose an image layer first.")
            return None
        choice = prepared[0]
        if self._runs.busy and not self._runs.has_open(choice):
            self._waiting = True
            self._section.say(
                "Wait for the run or the preview, or cancel it, before you view "
                "another input."
            )
            return None
        if self._waiting:
            self._waiting = False
            self._section.say("")
        try:
            session = self._runs.open(choice)
            given = session.input
            if given is None:
                return None
            self._choice = choice
            return session, given.shape, prepared
        except InputError as error:
            self._section.say(describe_error(error))
            return None

    def _on_moved(self, _event: Any = None) -> None:
        if self._section.is_on(_COLOURS) or self._section.is_on(_SEEDS):
            self._timer.start()

    def _on_previewed(self, _preview: Any = None) -> None:
        if self._section.is_on(_SEEDS):
            self._timer.start()

    def _on_removed(self, _event: Any = None) -> None:
        self._losses.start()

    def _switch_off_lost(self) -> None:
        """Switch off a view whose layer, or whose input, the user has removed."""
        if self._choice is None:
            return
        gone = self._choice.layer not in self._viewer.layers
        for name, layers in _LAYERS.items():
            if gone or any(self._layers.has_lost(self._choice, one) for one in layers):
                self._section.switch(name, False)
        if gone:
            self._choice = None

    def _follow(self) -> None:
        """Show the frame in view, and what has changed with the settings."""
        opened = self._opened()
        if opened is None:
            return
        choice = opened[2][0]
        frame = frame_in_view(self._viewer, choice.layer, frame_axis(choice.axes))
        if self._section.is_on(_COLOURS):
            self._ask_colours(*opened, frame)
        if self._section.is_on(_SEEDS):
            self._ask_seeds(*opened, frame)
        if self._section.is_on(_SIMILARITY) and self._pixels:
            key = self._similarity_key(opened[2])
            if self._shown_with.get(_SIMILARITY) != key:
                self._ask_similarity(*opened)

    def _embedding_key(self, prepared: _Prepared) -> tuple[Any, ...]:
        """Tell what colours depend on, beside the pixels of the layer."""
        settings = self._resolved()
        return (
            _read(prepared[0]),
            settings.embed,
            settings.track.foreground,
            prepared[2],
        )

    def _similarity_key(self, prepared: _Prepared) -> tuple[Any, ...]:
        weight = self._resolved().cluster.coordinate_weight
        return weight, *self._embedding_key(prepared)

    def _ask_colours(
        self, session: Session, shape: _Shape, prepared: _Prepared, frame: int
    ) -> None:
        choice, chosen, device = prepared
        stack = self._layers.colours(choice, shape)
        key = self._embedding_key(prepared)
        if self._shown_with.get(_COLOURS) != key:
            self._shown_with[_COLOURS] = key
            stack.clear()
        if frame in stack.filled:
            return

        def show(found: ColourFrame | None) -> None:
            if found is not None and stack.layer in self._viewer.layers:
                stack.show(found.frame, found.colours)

        steps = partial(session.views.colours, frame, chosen, device=device)
        self._start(_COLOURS, steps, show)

    def _ask_seeds(
        self, session: Session, shape: _Shape, prepared: _Prepared, frame: int
    ) -> None:
        choice, chosen, device = prepared

        def show(found: SeedMap | None) -> None:
            if found is not None and choice.layer in self._viewer.layers:
                self._layers.seeds(choice, shape, found)

        steps = partial(session.views.seeds, frame, chosen, device=device)
        self._start(_SEEDS, steps, show)

    def _start(
        self, name: str, steps: Callable[[], Any], show: Callable[[Any], None]
    ) -> None:
        choice = self._choice

        def shown(found: Any) -> None:
            show(found)
            plan = self._runs.session.last_plan
            if found is not None and choice is not None and plan is not None:
                self._layers.tell_origin(choice, _LAYERS[name], plan)

        self._tasks[name].start(
            Task(steps, shown, lambda error: self._section.say(describe_error(error)))
        )

    def _mark(self) -> None:
        """Show what was clicked, and wait for a click."""
        opened = self._opened()
        if opened is None:
            return
        _, shape, (choice, _, _) = opened
        places = [(p.frame, p.row, p.column) for p in self._pixels]
        marks = np.array(places, dtype=np.float64).reshape(-1, 3)
        self._picker.start(partial(self._layers.marks, choice, shape, marks))

    def _on_click(self, position: tuple[float, ...]) -> None:
        opened = self._opened()
        if opened is None:
            return
        session, shape, (choice, chosen, device) = opened
        place = self._layers.place(choice, shape)
        marks = self._layers.find(choice, "clicked", shape)
        if marks is None:
            return
        if not shows_one_frame(self._viewer, marks, place.axes):
            self._section.say(
                "Pixels are clicked in one frame, but the picture shows several frames "
                "now. Show rows and columns in 2D first."
            )
            return
        data = dict(zip(place.axes, marks.world_to_data(position), strict=True))
        frame = frame_in_view(self._viewer, choice.layer, frame_axis(choice.axes))
        pixel = Pixel(frame, round(float(data["Y"])), round(float(data["X"])))
        why = self._section.is_on(_WHY)
        self._pixels = [*self._pixels, pixel] if why else [pixel]
        self._pixels = self._pixels if len(self._pixels) < 3 else [pixel]
        self._mark()
        if not why:
            self._ask_similarity(session, shape, (choice, chosen, device))
        elif len(self._pixels) == 1:
            self._section.say("Click the other pixel.")
        else:
            self._ask_why(session, chosen, device)

    def _ask_why(
        self, session: Session, chosen: Mapping[str, Any], device: str
    ) -> None:
        first, second = self._pixels

        def tell(sentence: str | None) -> None:
            if sentence is not None:
                self._section.say(sentence)

        steps = partial(session.views.explain, first, second, chosen, device=device)
        self._start(_WHY, steps, tell)

    def _ask_similarity(
        self, session: Session, shape: _Shape, prepared: _Prepared
    ) -> None:
        choice, chosen, device = prepared
        pixel = self._pixels[0]
        self._similar = {}
        self._shown_with[_SIMILARITY] = self._similarity_key(prepared)

        def show(found: SimilarityFrame | None) -> None:
            if found is None or choice.layer not in self._viewer.layers:
                return
            stacks = self._layers.similarity(choice, shape)
            if not self._similar:
                for stack in stacks:
                    stack.clear()
            self._similar[found.frame] = found
            stacks[0].show(found.frame, found.similarity)
            self._draw_line()

        steps = partial(session.views.similarity, pixel, chosen, device=device)
        self._start(_SIMILARITY, steps, show)

    def _draw_line(self) -> None:
        """Draw h around what is similar, in every frame that was compared."""
        if not self._similar or self._choice is None:
            return
        try:
            bandwidth = self._resolved().cluster.bandwidth
        except InputError:
            # Said elsewhere; the line stays where it was.
            return
        given = self._runs.session.input
        if given is None:
            return
        # A layer that is removed is not added in answer to that: a window that closes
        # removes layers until there are none.
        line = self._layers.find(self._choice, "within h", given.shape)
        if line is not None:
            for frame, found in self._similar.items():
                line.show(frame, found.within(bandwidth))
            self._describe(bandwidth)

    def _describe(self, bandwidth: float) -> None:
        pixel, last = self._pixels[0], max(self._similar)
        many = last > pixel.frame
        frames = f"frames {pixel.frame} to {last}" if many else f"frame {pixel.frame}"
        inside = int(self._similar[pixel.frame].within(bandwidth).sum())
        self._section.say(
            f"Cosine similarity to row {pixel.row}, column {pixel.column}, in {frames}."
            f" The line is 1 − h = {1 - bandwidth:.3g}: {inside} pixels of frame "
            f"{pixel.frame} would be its cluster."
        )


def _read(choice: InputChoice) -> tuple[Any, ...]:
    """Tell what is read of a layer; a region and a background change none of it."""
    return choice.kind, choice.axes, choice.reading


def _lie(choice: InputChoice) -> tuple[str, int]:
    """Tell where the pixels lie that are read."""
    return choice.axes, choice.reading.level
