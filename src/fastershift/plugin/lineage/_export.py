"""The tree as a drawing, a picture or text."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
from qtpy.QtCore import QBuffer, QRectF, QSize
from qtpy.QtGui import QColor, QImage, QPainter
from qtpy.QtSvg import QSvgGenerator

from fastershift.errors import InputError
from fastershift.io import write_file
from fastershift.plugin.lineage._plot import LineagePlot
from fastershift.tracking import Lineage, TreeLayout, newick

__all__ = ["FILTERS", "save_tree"]

FILTERS = "Drawing (*.svg);;Picture (*.png);;Newick (*.nwk)"

# Pixels for a column and for a frame, and the least and most that a side has.
_COLUMN, _FRAME = 28, 12
_LEAST, _MOST = 400, 8000
# Times as many pixels in a picture, for print.
_SHARPNESS = 2


def save_tree(
    path: Path,
    lineage: Lineage,
    layout: TreeLayout,
    colours: npt.NDArray[np.floating],
) -> None:
    """Write a tree, dark on white; the file appears whole or not at all.

    Parameters
    ----------
    path : Path
        Ends in .svg, .png, or .nwk or .newick.
    lineage : Lineage
        All tracks.
    layout : TreeLayout
        Those to write, and where they are drawn.
    colours : (n, 4) float
        Their colours, each between 0 and 1.

    Raises
    ------
    InputError
        For another suffix.
    FastershiftError
        When the file cannot be written.
    """
    suffix = path.suffix.lower()
    if suffix not in (".svg", ".png", ".nwk", ".newick"):
        raise InputError(
            f"A tree cannot be saved as {path.name}; use a name that "
            "ends in .svg, .png or .nwk."
        )
    if suffix == ".svg":
        content = _drawing(layout, colours)
    elif suffix == ".png":
        content = _picture(layout, colours)
    else:
        content = newick(lineage, layout.ids.tolist()).encode()
    write_file(path, content)


def _size(layout: TreeLayout) -> QSize:
    columns = layout.columns.max(initial=0) + 1
    frames = layout.last.max(initial=0) - layout.first.min(initial=0) + 1
    width, height = np.clip(
        [80 + _COLUMN * columns, 60 + _FRAME * frames], _LEAST, _MOST
    )
    return QSize(int(width), int(height))


def _paint(
    painter: QPainter, layout: TreeLayout, colours: npt.NDArray[np.floating]
) -> None:
    """Draw the whole tree, as large as its size says."""
    plot = LineagePlot()
    size = _size(layout)
    plot.resize(size)
    plot.show_colours(QColor("black"), QColor("white"), QColor(0, 0, 0, 0))
    plot.show_tree(layout, colours)
    plot.fit()
    area = QRectF(0, 0, size.width(), size.height())
    # Places its parts without ever being on the screen.
    plot.getPlotItem().setGeometry(area)
    plot.getPlotItem().layout.activate()
    plot.scene().prepareForPaint()
    plot.scene().render(painter, area, area)
    painter.end()
    plot.close()


def _drawing(layout: TreeLayout, colours: npt.NDArray[np.floating]) -> bytes:
    size, buffer = _size(layout), QBuffer()
    drawing = QSvgGenerator()
    drawing.setOutputDevice(buffer)
    drawing.setSize(size)
    drawing.setViewBox(QRectF(0, 0, size.width(), size.height()))
    drawing.setTitle("Lineage")
    _paint(QPainter(drawing), layout, colours)
    return bytes(buffer.data())


def _picture(layout: TreeLayout, colours: npt.NDArray[np.floating]) -> bytes:
    size, buffer = _size(layout), QBuffer()
    sharpness = min(_SHARPNESS, _MOST / max(size.width(), size.height()))
    image = QImage(size * sharpness, QImage.Format.Format_RGB32)
    image.fill(QColor("white"))
    painter = QPainter(image)
    painter.scale(sharpness, sharpness)
    _paint(painter, layout, colours)
    image.save(buffer, "PNG")
    return bytes(buffer.data())
