"""All tracks of a lineage as one drawing: an item for each would be too many."""

from collections.abc import Collection

import numpy as np
import numpy.typing as npt
import pyqtgraph as pg
from qtpy.QtCore import QLineF, QRectF, Qt
from qtpy.QtGui import QColor, QPainter, QPen
from qtpy.QtWidgets import QWidget

from fastershift.tracking import TreeLayout

__all__ = ["TreeItem"]

# Widths in pixels: of a track, and how much its halo stands out on both sides.
_WIDEST, _HALO = 4.0, 2.5
# Pixels that a number needs to be readable.
_ROOM_FOR_NUMBER = 26.0
# Lightness by which a colour must differ from the ground to go without an outline.
_LEAST_CONTRAST = 0.12


class TreeItem(pg.GraphicsObject):
    """Vertical lines for tracks, horizontal ones for divisions, a halo for a branch.

    A frame reaches from half before to half after its number, so that a cell seen once
    can be seen here, too.
    """

    def __init__(self) -> None:
        super().__init__()
        self._layout = _empty()
        self._lines: list[QLineF] = []
        self._forks: list[QLineF] = []
        self._paints: list[tuple[QColor, list[QLineF]]] = []
        self._ink, self._paper = QColor("white"), QColor("black")
        self._branch: npt.NDArray[np.bool_] = np.empty(0, bool)
        self._chosen = 0

    @property
    def layout(self) -> TreeLayout:
        """What is drawn."""
        return self._layout

    @property
    def highlighted(self) -> tuple[int, ...]:
        """Tracks with a halo."""
        return tuple(self._layout.ids[self._branch].tolist())

    def show_tree(self, layout: TreeLayout, colours: npt.NDArray[np.floating]) -> None:
        """Draw a lineage; (n, 4) colours between 0 and 1, one for each track."""
        self.prepareGeometryChange()
        self._layout = layout
        self._lines = _tracks(layout)
        self._forks = _forks(layout)
        self._paints = _by_colour(self._lines, colours)
        self._branch = np.zeros(layout.ids.size, bool)
        self.update()

    def show_branch(self, ids: Collection[int], chosen: int) -> None:
        """Put a halo around tracks, the strongest around one of them."""
        self._branch = np.isin(self._layout.ids, list(ids))
        self._chosen = chosen
        self.update()

    def show_theme(self, ink: QColor, paper: QColor) -> None:
        """Draw divisions, numbers and halos in ink; the ground has another colour."""
        self._ink, self._paper = QColor(ink), QColor(paper)
        self.update()

    def boundingRect(self) -> QRectF:
        """Return the columns and frames that are drawn on."""
        if not self._layout.ids.size:
            return QRectF()
        top, bottom = self._layout.first.min() - 0.5, self._layout.last.max() + 0.5
        width = self._layout.columns.max() + 1
        return QRectF(-0.5, float(top), float(width), float(bottom - top))

    def paint(
        self, painter: QPainter, _option: object, _widget: QWidget | None
    ) -> None:
        """Draw all of it; what lies out of view is left out by Qt."""
        if not self._lines:
            return
        column = 1 / (self.pixelWidth() or 1.0)
        width = min(max(0.5 * column, 1.0), _WIDEST)
        for strength, which in self._halos():
            painter.setPen(_pen(self._ink, width + 2 * strength * _HALO))
            painter.drawLines([self._lines[n] for n in np.flatnonzero(which).tolist()])
        painter.setPen(_pen(self._ink, 1.0))
        painter.drawLines(self._forks)
        for colour, lines in self._paints:
            if _hard_to_see(colour, self._paper):
                painter.setPen(_pen(self._ink, width + 1.5))
                painter.drawLines(lines)
            painter.setPen(_pen(colour, width))
            painter.drawLines(lines)
        if column >= _ROOM_FOR_NUMBER:
            self._write_numbers(painter)

    def _halos(self) -> list[tuple[float, npt.NDArray[np.bool_]]]:
        if not self._branch.any():
            return []
        return [(0.6, self._branch), (1.2, self._layout.ids == self._chosen)]

    def _write_numbers(self, painter: QPainter) -> None:
        transform, view = painter.transform(), self.viewRect()
        painter.save()
        painter.resetTransform()
        painter.setPen(self._ink)
        for number, line in zip(self._layout.ids.tolist(), self._lines, strict=True):
            if view.left() <= line.x1() <= view.right():
                at = transform.map(line.p1())
                box = QRectF(at.x() + 4, at.y(), _ROOM_FOR_NUMBER * 2, 16)
                painter.drawText(box, Qt.AlignmentFlag.AlignLeft, str(number))
        painter.restore()


def _empty() -> TreeLayout:
    nothing = np.empty(0, np.int64)
    return TreeLayout(nothing, np.empty(0), nothing, nothing, nothing)


def _tracks(layout: TreeLayout) -> list[QLineF]:
    ends = zip(
        layout.columns.tolist(),
        (layout.first - 0.5).tolist(),
        (layout.last + 0.5).tolist(),
        strict=True,
    )
    return [QLineF(column, top, column, bottom) for column, top, bottom in ends]


def _by_colour(
    lines: list[QLineF], colours: npt.NDArray[np.floating]
) -> list[tuple[QColor, list[QLineF]]]:
    """Gather what can be drawn with one pen."""
    shades = np.rint(np.asarray(colours)[:, :3] * 255).astype(int).tolist()
    groups: dict[tuple[int, ...], list[QLineF]] = {}
    for shade, line in zip(shades, lines, strict=True):
        groups.setdefault(tuple(shade), []).append(line)
    return [(QColor(*shade), members) for shade, members in groups.items()]


def _forks(layout: TreeLayout) -> list[QLineF]:
    children = np.flatnonzero(layout.parents >= 0)
    parents = layout.parents[children]
    lines = []
    for start, end, left, seen in zip(
        layout.columns[parents].tolist(),
        layout.columns[children].tolist(),
        (layout.last[parents] + 0.5).tolist(),
        (layout.first[children] - 0.5).tolist(),
        strict=True,
    ):
        lines.append(QLineF(start, left, end, left))
        if seen > left:  # it was out of sight in between
            lines.append(QLineF(end, left, end, seen))
    return lines


def _pen(colour: QColor, width: float) -> QPen:
    pen = QPen(colour, width)
    # Cosmetic: as wide on the screen whatever the zoom.
    pen.setCosmetic(True)
    pen.setCapStyle(Qt.PenCapStyle.FlatCap)
    return pen


def _hard_to_see(colour: QColor, paper: QColor) -> bool:
    return bool(abs(colour.lightnessF() - paper.lightnessF()) < _LEAST_CONTRAST)
