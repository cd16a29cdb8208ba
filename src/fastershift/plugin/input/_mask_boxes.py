"""The labels layers that hold the cells, or mark where they may be."""

from napari.components import ViewerModel
from napari.layers import Labels
from qtpy.QtCore import QObject, Signal
from qtpy.QtWidgets import QVBoxLayout, QWidget

from fastershift.plugin.layers._box import LayerBox

__all__ = ["MaskBoxes"]

_NOTHING = "none"


class MaskBoxes(QObject):
    """Lets the user choose a labels layer, and others of the same cells.

    As long as there are further layers, one more list stands below those in which one
    was chosen.

    Parameters
    ----------
    viewer : ViewerModel
        Whose layers.
    parent : QObject
        Lives as long as this.

    Attributes
    ----------
    first : LayerBox
        The list of the labels layer.
    others : QWidget
        The lists of its alternatives.
    """

    changed = Signal()
    #: Whether there is an alternative to choose.
    offered = Signal(bool)

    def __init__(self, viewer: ViewerModel, parent: QObject) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self.first = LayerBox(viewer, Labels, "mask", self)
        self.others = QWidget()
        self._column = QVBoxLayout(self.others)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(2)
        self._boxes: list[LayerBox] = []
        self.first.changed.connect(self.changed)
        self.first.listed.connect(self._show)
        self._show()

    @property
    def is_offered(self) -> bool:
        """Whether there is an alternative to choose."""
        return len(self.first) > 1

    @property
    def alternatives(self) -> tuple[Labels, ...]:
        """The other layers that were chosen, each once, in their order."""
        chosen = dict.fromkeys(box.layer for box in self._boxes)
        return tuple(one for one in chosen if one not in (None, self.first.layer))

    def _show(self) -> None:
        """Show the lists in which a layer was chosen, and a further one."""
        if all(box.layer is not None for box in self._boxes):
            self._add()
        further = len(self.first) - 1
        empty = [box for box in self._boxes if box.layer is None]
        for box in self._boxes:
            wanted = len(self._boxes) - len(empty) < further and box is empty[0]
            box.widget.setVisible(box.layer is not None or wanted)
        self.offered.emit(self.is_offered)

    def _add(self) -> None:
        name = f"alternative_{len(self._boxes) + 1}"
        box = LayerBox(self._viewer, Labels, name, self, nothing=_NOTHING)
        box.widget.setAccessibleName(f"Alternative {len(self._boxes) + 1}")
        self._boxes.append(box)
        self._column.addWidget(box.widget)
        box.changed.connect(self._show)
        box.changed.connect(self.changed)
