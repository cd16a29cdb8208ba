"""The part *Learn*: mark a few cells, and see the preview come right."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt
from napari.components import ViewerModel
from napari.layers import Image, Labels
from napari.utils.theme import get_theme
from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QAbstractButton,
    QButtonGroup,
    QComboBox,
    QGroupBox,
    QHBoxLayout,
    QInputDialog,
    QLabel,
    QMenu,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from fastershift.config import InputSettings
from fastershift.errors import FastershiftError, InputError, explain
from fastershift.io import Movie, write_file
from fastershift.labels import label_ids
from fastershift.plugin.layers._input import InputChoice
from fastershift.plugin.learn._annotation_layer import AnnotationLayer, Stroke
from fastershift.plugin.learn._marks import Marks
from fastershift.plugin.learn._plot import AgreementPlot
from fastershift.plugin.learn._teacher import State, Teacher
from fastershift.plugin.qt import follow, make_button, named
from fastershift.rshn import list_models, place_for_model

__all__ = ["LearnSection"]

# Marked cells from which on something is learned.
_FEWEST = 3

_TOOLS = {
    "cell": (
        "Cell",
        "Drag around a cell, or through it; or click a cell of the preview that is "
        "right.",
    ),
    "background": (
        "Background",
        "Drag over background; or click what the preview wrongly shows as a cell.",
    ),
    "forget": ("Forget mark", "Click or drag over marks that are wrong."),
}


class LearnSection(QGroupBox):
    """Marks in, a model of one's own out.

    Parameters
    ----------
    viewer : napari.Viewer
        Where the marks are made.
    choice : callable
        Gives the layer that is segmented, or None.
    movie : callable
        Gives its movie, or None; says why an image cannot be read.
    preview : callable
        Gives the (T, Y, X) stack of the preview, or None.
    corrected : callable
        Gives the frames that were put right by hand and looked at, (Y, X) by number.
    settings : callable
        Gives the name of the model that is set, the cell diameter in pixels, None where
        it is left to *auto*, and the device.
    parent : QWidget
        The widget this is a part of.
    """

    message = Signal(str)
    taught = Signal(str, float)
    named = Signal(str)

    def __init__(
        self,
        viewer: ViewerModel,
        choice: Callable[[], InputChoice | None],
        movie: Callable[[], Movie | None],
        preview: Callable[[], npt.NDArray[np.int32] | None],
        corrected: Callable[[], Mapping[int, npt.NDArray[np.int32]]],
        settings: Callable[[], tuple[str, float | None, str]],
        parent: QWidget,
    ) -> None:
        super().__init__("Learn", parent)
        self.setObjectName("learn_section")
        self._choice, self._movie = choice, movie
        self._preview, self._settings = preview, settings
        self._corrected = corrected
        self._marks = AnnotationLayer(viewer, self)
        self._teacher = Teacher(self)
        self._opened: tuple[Image, str, InputSettings] | None = None
        # Where marks are kept, by their layer: those of any movie may be painted.
        self._folders: WeakKeyDictionary[Labels, Path] = WeakKeyDictionary()
        # Whether another movie is chosen than the one that was opened last.
        self._left = False
        self._counted = ""
        self._said = self._unkept = ""
        column = QVBoxLayout(self)
        column.setContentsMargins(4, 2, 4, 2)
        column.addLayout(self._make_tools())
        self.words = QLabel()
        self.words.setObjectName("learn_words")
        self.words.setWordWrap(True)
        column.addWidget(self.words)
        self.agreement = AgreementPlot(self)
        column.addWidget(self.agreement)
        column.addLayout(self._make_states())
        column.addLayout(self._make_models())
        self._viewer = viewer
        follow(self, viewer.events.theme, self._show_theme)
        self._show_theme()
        self._marks.drawn.connect(self._on_drawn)
        self._marks.changed.connect(self._on_marked)
        self._marks.left.connect(self._put_away)
        self._marks.refused.connect(self.message)
        self._teacher.taught.connect(self._on_taught)
        self._teacher.message.connect(self._tell)
        self._teacher.unkept.connect(self._on_unkept)
        self._invite()

    @property
    def ending(self) -> bool:
        """Whether learning was stopped and has not come to its end yet."""
        return self._teacher.ending

    def _show_theme(self, _event: Any = None) -> None:
        self.agreement.paint_axes(get_theme(self._viewer.theme).text.as_hex())

    def _make_tools(self) -> QHBoxLayout:
        row = QHBoxLayout()
        self._tools = QButtonGroup(self)
        self._tools.setExclusive(False)
        for name, (text, tip) in _TOOLS.items():
            tool = make_button(f"learn_{name}", text, tip, checkable=True)
            tool.clicked.connect(lambda on, own=tool: self._choose(own, on))
            self._tools.addButton(tool)
            row.addWidget(tool)
        return row

    def _make_states(self) -> QHBoxLayout:
        row = QHBoxLayout()
        self.pause = make_button(
            "learn_pause",
            "Pause",
            "Learn nothing for the moment; marks are kept.",
            checkable=True,
        )
        self.pause.toggled.connect(self._on_pause)
        self.states = QComboBox()
        self.states.setObjectName("learn_states")
        self.states.setAccessibleName("Models that were learned")
        self.states.setToolTip("Go back to any model that was learned before.")
        self.states.activated.connect(self._go_back)
        row.addWidget(self.pause)
        row.addWidget(self.states, 1)
        return row

    def _make_models(self) -> QHBoxLayout:
        row = QHBoxLayout()
        start = named(
            QPushButton("Start from…"),
            "learn_start",
            "Start from…",
            "Learn again from another model; what was learned stays in the list.",
        )
        self.starts = QMenu(start)
        self.starts.aboutToShow.connect(self._list_starts)
        start.setMenu(self.starts)
        keep = named(
            QPushButton("Keep as…"),
            "learn_keep",
            "Keep as…",
            "Give this model a name, for other movies.",
        )
        keep.clicked.connect(self._ask_name)
        row.addWidget(start)
        row.addWidget(keep)
        return row

    def _list_starts(self) -> None:
        self.starts.clear()
        for card in list_models():
            if card.embedding == "votes":
                self.starts.addAction(card.name, partial(self.start_from, card.name))

    def start_from(self, model: str) -> None:
        """Learn anew from another model.

        Parameters
        ----------
        model : str
            Its name.
        """
        if self._open(model):
            self._teacher.start_from(model)
            self._learn()

    def input_changed(self) -> None:
        """Learn nothing more unless the movie is still the chosen one."""
        if self._opened is None:
            return
        left, self._left = self._left, self._opened != self._chosen()
        if left == self._left:
            return
        self._list_states()
        if self._left:
            self._put_away()
            self._teacher.stop()
            self._invite()
        else:
            self._count(self._marked())

    def _put_away(self) -> None:
        tool = self._tool
        if tool is not None:
            self._choose(tool, False)

    @property
    def _tool(self) -> QAbstractButton | None:
        return next((one for one in self._tools.buttons() if one.isChecked()), None)

    def _chosen(self) -> tuple[Image, str, InputSettings] | None:
        """Tell one movie from another, also where a layer holds several."""
        choice = self._choice()
        return None if choice is None else (choice.layer, choice.axes, choice.reading)

    def _choose(self, button: QAbstractButton, on: bool) -> None:
        for other in self._tools.buttons():
            other.setChecked(other is button and on)
        if on and not self._open():
            button.setChecked(False)
            on = False
        self._marks.listen(on)
        if on and not self._teacher.busy:
            self._learn()

    def _open(self, start: str | None = None) -> bool:
        """Make the layer of marks for the chosen movie, with what was kept of it."""
        choice, movie = self._choice(), self._movie()
        if choice is None or movie is None:
            # Why an image cannot be read has been said.
            if choice is None or choice.kind == "embedding":
                self.message.emit(
                    "Choose an image layer first: cells are marked in it."
                )
            return False
        if self._opened == self._chosen():
            self._marks.show(choice, movie.shape, {})
            self._note_folder()
            return True
        self._opened = None
        start = start or self._settings()[0]
        try:
            known = self._teacher.open(movie, choice.layer.name, start)
        except (FastershiftError, OSError) as error:
            self.message.emit(explain(error))
            return False
        self._marks.show(choice, movie.shape, known)
        self._note_folder()
        self._opened, self._left = self._chosen(), False
        self._list_states()
        return True

    def _note_folder(self) -> None:
        layer, folder = self._marks.layer, self._teacher.folder
        if layer is not None and folder is not None:
            self._folders[layer] = folder

    def _on_drawn(self, stroke: Stroke) -> None:
        tool = self._tool
        if tool is None:
            return
        seen = self._seen(stroke.frame)
        diameter = self._settings()[1]
        if tool.objectName() == "learn_forget":
            self._marks.forget(stroke)
        elif tool.objectName() == "learn_background":
            self._marks.mark_background(stroke, seen, diameter)
        elif not self._marks.mark_cell(stroke, seen, diameter):
            self.message.emit(
                "The preview has no cell here; drag around the cell instead."
            )

    def _seen(self, frame: int) -> npt.NDArray[np.int32] | None:
        stack = self._preview()
        return None if stack is None or frame >= len(stack) else stack[frame]

    def _marked(self) -> dict[int, npt.NDArray[np.int32]]:
        """Put the marks and the frames that were corrected together."""
        marked = dict(self._corrected())
        for frame, one in self._marks.annotated().items():
            known = marked.get(frame)
            if known is not None:
                # Cells of both keep numbers of their own.
                one = np.where(one > 0, one + max(0, int(known.max())), one)
                one = np.where(one < 0, known, one)
            marked[frame] = one
        return marked

    def _on_marked(self, marks: Marks) -> None:
        self._teacher.keep(marks.annotated(), self._folders[marks.layer])
        if marks.layer == self._marks.layer:
            self._learn()

    def _learn(self) -> None:
        """Learn from all marks, and from the frames that were corrected."""
        if self._opened is None or self._opened != self._chosen():
            return
        marked = self._marked()
        cells = self._count(marked)
        if cells == 0:
            self._teacher.stop()
        elif not self.pause.isChecked():
            _, diameter, device = self._settings()
            self._teacher.learn(marked, diameter, device, learning=cells >= _FEWEST)

    def _invite(self) -> None:
        """Tell what to do in a movie that was not opened yet."""
        self._counted = f"Mark {_FEWEST} cells, and the model begins to learn."
        self._tell("")

    def _count(self, marked: Mapping[int, npt.NDArray[np.int32]]) -> int:
        """Tell how many cells are marked."""
        cells = sum(len(label_ids(np.maximum(one, 0))) - 1 for one in marked.values())
        self._counted = f"{cells} cells marked."
        if cells < _FEWEST:
            self._counted += (
                f" Mark {_FEWEST - cells} more, and the model begins to learn."
            )
        self._tell("")
        return cells

    def _on_pause(self, paused: bool) -> None:
        if paused:
            self._teacher.stop()
        else:
            self._learn()

    def _on_taught(self, state: State) -> None:
        self._list_states()
        self._use(state)

    def _use(self, state: State) -> None:
        self.taught.emit(str(state.path), state.diameter)

    def _list_states(self) -> None:
        """List what was learned of the movie in view."""
        states = [] if self._left else self._teacher.states
        self.states.clear()
        for state in states:
            self.states.addItem(
                # The number first: long lines are cut at their end.
                f"{state.path.stem}: agreement {state.quality:.2f}, {state.cells}"
            )
        self.states.setCurrentIndex(self.states.count() - 1)
        self.agreement.show_states(states)

    def _go_back(self, index: int) -> None:
        self.pause.setChecked(True)
        self._use(self._teacher.states[index])

    def _ask_name(self) -> None:
        if not self.states.count():
            self.message.emit("Nothing is learned yet; mark three cells first.")
            return
        name, chosen = QInputDialog.getText(self, "Keep the model", "Name")
        if chosen and name.strip():
            self.keep(name.strip())

    def keep(self, name: str) -> None:
        """Keep the model that is chosen under a name.

        Parameters
        ----------
        name : str
            What it is called from now on.
        """
        state = self._teacher.states[self.states.currentIndex()]
        try:
            target = place_for_model(name)
            if target.exists():
                raise InputError(
                    f"There is a model {name} already; choose another name."
                )
            write_file(target, state.path.read_bytes())
        except (FastershiftError, OSError) as error:
            self.message.emit(explain(error))
            return
        self.named.emit(name)
        self.message.emit(f"The model is kept as {name}.")

    def _tell(self, words: str) -> None:
        self._said = words
        parts = (self._counted, words, self._unkept)
        self.words.setText(" ".join(part for part in parts if part))

    def _on_unkept(self, words: str) -> None:
        self._unkept = words
        self._tell(self._said)
