"""A part of the widget: what makes the embedding visible."""

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QGridLayout, QGroupBox, QPushButton, QWidget

from fastershift.plugin.qt import make_button, make_text

__all__ = ["VIEWS", "ViewsSection"]

#: Object name, label and tooltip of every view.
VIEWS = {
    "embedding_as_colours": (
        "Embedding as colours",
        "The output of the network: pixels of one colour have "
        "similar vectors and belong to one cell. A cell keeps its "
        "colour through the movie; background is dark.",
    ),
    "similarity": (
        "Similarity",
        "Click a pixel to see how similar every other one is, in "
        "this frame and the next. The line is the bandwidth h: the "
        "pixels inside it would be its cluster.",
    ),
    "seeds": (
        "Seeds",
        "Where the seeds of the current frame started, in the "
        "colour of their cluster; stars are modes, grey crosses are "
        "discarded seeds.",
    ),
    "why_not_one_cell": (
        "Why not one cell?",
        "Click two pixels: are they one cell or two, and why?",
    ),
}


class ViewsSection(QGroupBox):
    """One button per view, and a line for what they say.

    Parameters
    ----------
    parent : QWidget
        The widget this is a part of.
    """

    switched = Signal(str, bool)

    def __init__(self, parent: QWidget) -> None:
        super().__init__("Views", parent)
        self.setObjectName("views")
        grid = QGridLayout(self)
        self._buttons: dict[str, QPushButton] = {}
        for place, (name, (text, tip)) in enumerate(VIEWS.items()):
            button = make_button(name, text, tip, checkable=True)
            button.toggled.connect(lambda on, name=name: self.switched.emit(name, on))
            grid.addWidget(button, place // 2, place % 2)
            self._buttons[name] = button
        self._answer = make_text("view_answer", "Answer of the view")
        grid.addWidget(self._answer, 2, 0, 1, 2)
        self.say("")

    def is_on(self, name: str) -> bool:
        """Tell whether a view is wanted."""
        return bool(self._buttons[name].isChecked())

    def switch(self, name: str, on: bool) -> None:
        """Want a view, or not."""
        self._buttons[name].setChecked(on)

    def say(self, sentence: str) -> None:
        """Show one sentence; an empty one takes no room."""
        self._answer.setText(sentence)
        self._answer.setVisible(bool(sentence))
