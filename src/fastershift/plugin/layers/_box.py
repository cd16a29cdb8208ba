"""A list of the layers of one kind that follows the viewer."""

from typing import Any

from magicgui.widgets import ComboBox
from napari.components import ViewerModel
from napari.layers import Layer
from qtpy.QtCore import QObject, Signal
from qtpy.QtWidgets import QComboBox

from fastershift.plugin.qt import keep_wheel_away, on_destroyed

__all__ = ["LayerBox"]


class LayerBox(QObject):
    """Lets the user choose a layer; insertions, removals and renames are followed.

    Parameters
    ----------
    viewer : ViewerModel
        Whose layers.
    kind : type
        Which of them.
    name : str
        Object name of the list.
    parent : QObject
        Lives as long as this.
    nothing : str
        What no layer is called, where none may be chosen; it is so at first.
    """

    changed = Signal()
    #: Layers have come, gone, or got another name.
    listed = Signal()

    def __init__(
        self,
        viewer: ViewerModel,
        kind: type[Layer],
        name: str,
        parent: QObject,
        *,
        nothing: str = "",
    ) -> None:
        super().__init__(parent)
        self._nothing = nothing
        self._viewer = viewer
        self._kind = kind
        self._box = ComboBox(choices=self._choices, nullable=False)
        self.widget: QComboBox = self._box.native
        self.widget.setObjectName(name)
        self.widget.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        keep_wheel_away(self.widget)
        self._box.changed.connect(self._tell)
        for layer in viewer.layers:
            layer.events.name.connect(self._refresh)
        viewer.layers.events.inserted.connect(self._on_inserted)
        viewer.layers.events.removed.connect(self._on_removed)
        viewer.layers.events.reordered.connect(self._refresh)
        on_destroyed(self, _let_go, viewer, self)

    @property
    def layer(self) -> Any:
        """The chosen layer; None when there is none."""
        chosen = self._box.value
        return chosen if chosen in self._viewer.layers else None

    def __len__(self) -> int:
        return sum(type(one) is self._kind for one in self._viewer.layers)

    def _choices(self, _box: Any) -> list[tuple[str, Any]]:
        # The newest layer lies on top, so it comes first.
        layers = [
            one for one in reversed(self._viewer.layers) if type(one) is self._kind
        ]
        nothing: list[tuple[str, Any]] = [(self._nothing, "")] if self._nothing else []
        return nothing + [(layer.name, layer) for layer in layers]

    def _tell(self, _layer: Any) -> None:
        self.changed.emit()

    def _refresh(self, _event: Any = None) -> None:
        # Not `layer`, which is None by now where it was removed.
        before = self._box.value
        self._box.reset_choices()
        if self._box.value is not before:
            self.changed.emit()
        self.listed.emit()

    def _on_inserted(self, event: Any) -> None:
        event.value.events.name.connect(self._refresh)
        self._refresh()

    def _on_removed(self, event: Any) -> None:
        event.value.events.name.disconnect(self._refresh)
        self._refresh()


def _let_go(viewer: ViewerModel, box: LayerBox) -> None:
    for layer in viewer.layers:
        layer.events.name.disconnect(box._refresh)
    viewer.layers.events.inserted.disconnect(box._on_inserted)
    viewer.layers.events.removed.disconnect(box._on_removed)
    viewer.layers.events.reordered.disconnect(box._refresh)
