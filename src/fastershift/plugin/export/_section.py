"""The last part of the widget: results and settings to files."""

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from napari.layers import Labels
from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QApplication,
    QComboBox,
    QFileDialog,
    QGridLayout,
    QGroupBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QWidget,
)

from fastershift.errors import InputError
from fastershift.io import (
    WHOLE_FORMATS,
    ResultFormat,
    describe_lost_settings,
    lost_parents,
    result_place,
    write_saved,
)
from fastershift.plugin.files._layer_files import describe_lost_parents, saved_result
from fastershift.plugin.files._open_result import result_layers
from fastershift.plugin.files._readers import LayerData
from fastershift.plugin.layers._record import ResultRecord
from fastershift.plugin.layers._snapshot import LayerSnapshot
from fastershift.plugin.layers._tracks_of import describe_undrawn
from fastershift.plugin.qt import Task, TaskRunner, choice, make_button, may_replace
from fastershift.session import describe_error, describe_methods

__all__ = ["ExportSection"]

_FORMATS = {
    "CTC folder": "ctc",
    "TIFF": "tiff",
    "Zarr": "zarr",
    "GEFF": "geff",
    "TrackMate": "trackmate",
    "CSV tables": "csv",
    "Cell-ACDC folder": "acdc",
    "ImageJ ROIs": "rois",
    "Newick tree": "newick",
}
#: What a dialog calls the files of a format; those of others are folders.
_FILES = {
    "tiff": "TIFF (*.tif *.tiff)",
    "trackmate": "TrackMate (*.xml)",
    "csv": "Tables (*.csv)",
    "rois": "ImageJ ROIs (*.zip)",
    "newick": "Newick (*.nwk *.newick)",
}
#: Packages that a format cannot do without.
_NEEDS = {"zarr": "zarr", "geff": "geff", "rois": "roifile"}


class ExportSection(QGroupBox):
    """Format, place, save; save and load settings.

    Parameters
    ----------
    cells : callable
        Gives the labels layer to save, or None.
    snapshot : callable
        Prepares to take what a layer holds at one moment, in another thread.
    parent : QWidget
        The widget this is a part of.
    """

    message = Signal(str)
    #: The layer, and the moment of it that was saved.
    saved = Signal(object, object)
    #: The layers of a saved result.
    opened = Signal(object)
    save_settings_asked = Signal(str)
    load_settings_asked = Signal(str)
    many_asked = Signal()

    def __init__(
        self,
        cells: Callable[[], Labels | None],
        snapshot: Callable[[Labels], Callable[[], LayerSnapshot]],
        parent: QWidget,
    ) -> None:
        super().__init__("Export", parent)
        self._cells = cells
        self._snapshot = snapshot
        self._reads = TaskRunner(self)
        # Another runner, so that it is heard of to its end.
        self._writes = TaskRunner(self)
        self._writes.changed.connect(self._show_state)
        names = [(text, value) for text, value in _FORMATS.items() if _available(value)]
        self._format = choice(names)
        box = self._format.widget
        assert isinstance(box, QComboBox)  # noqa: S101 (made as one)
        box.setObjectName("format")
        box.setAccessibleName("Format")
        box.setToolTip(
            "CTC folder: masks and res_track.txt of the Cell Tracking Challenge.\n"
            "TIFF: one file with axes and voxel size, tracks beside it.\n"
            "Zarr: OME-Zarr, for very long movies.\n"
            "GEFF: a graph of cells and links, for other tracking tools.\n"
            "TrackMate: outlines and links, to be loaded in Fiji.\n"
            "CSV tables: places of cells, and links between them.\n"
            "Cell-ACDC folder: masks and lineage of a position.\n"
            "ImageJ ROIs: outlines for the ROI Manager.\n"
            "Newick tree: the lineage alone."
        )
        self._folder = QLineEdit()
        self._folder.setObjectName("folder")
        self._folder.setAccessibleName("Folder or file")
        self._folder.setPlaceholderText("folder or file")
        self._folder.setToolTip(
            "Where to write the result; missing folders are created."
        )
        browse = make_button("browse", "Browse…", "Choose where to write the result.")
        self._save = make_button("save", "Save result", "Write cells and tracks.")
        reopen = make_button(
            "open_result",
            "Open result…",
            "Open a saved result in this format, with cells, tracks, "
            "settings and corrections.",
        )
        store = make_button(
            "save_settings", "Save settings…", "Write all settings to a TOML file."
        )
        load = make_button(
            "load_settings", "Load settings…", "Use the settings of a TOML file."
        )
        grid = QGridLayout(self)
        for row, (text, editor) in enumerate((("Format", box), ("To", self._folder))):
            label = QLabel(text)
            label.setBuddy(editor)
            grid.addWidget(label, row, 0)
            grid.addWidget(editor, row, 1)
        grid.addWidget(browse, 1, 2)
        many = make_button(
            "run_many", "Run on many…", "Run many movies with the current settings."
        )
        methods = make_button(
            "copy_methods",
            "Copy methods text",
            "Copy sentences for a paper: version, model, settings and citations.",
        )
        lines = ((self._save, reopen), (store, load), (many, methods))
        for row, buttons in enumerate(lines, 2):
            line = QHBoxLayout()
            for button in buttons:
                line.addWidget(button)
            grid.addLayout(line, row, 0, 1, 3)
        grid.setColumnStretch(1, 1)
        browse.clicked.connect(self._browse)
        self._save.clicked.connect(self.save)
        reopen.clicked.connect(self._choose_result)
        store.clicked.connect(self._choose_store)
        load.clicked.connect(self._choose_load)
        many.clicked.connect(self.many_asked)
        methods.clicked.connect(self._copy_methods)

    @property
    def path(self) -> Path | None:
        """Where the result goes, with the suffix of its format."""
        text = self._folder.text().strip()
        if not text:
            return None
        return result_place(Path(os.path.expanduser(text)), self._format.get())

    def _result(self) -> Labels | None:
        """Return the result; say why where there is none yet."""
        cells = self._cells()
        if cells is None:
            self.message.emit("There is no result yet; run the stack first.")
        elif not cells.editable:
            # A run fills it, and what belongs to it comes at the end.
            self.message.emit("The run is not finished; wait, or cancel it first.")
            return None
        return cells

    def save(self) -> None:
        """Write the result in another thread, after asking before replacing one."""
        cells = self._result()
        if cells is None:
            return
        try:
            path = self.path
        except InputError as error:
            self.message.emit(describe_error(error))
            return
        if path is None:
            self.message.emit("Choose first where to write the result.")
            return
        # False where nobody may look: what is wrong there is told by the writing.
        taken = os.path.exists(path)
        question = f"{path} exists already. Replace it with {cells.name}?"
        if not taken or may_replace(self, question):
            self._write(cells, path, overwrite=taken)

    def _write(self, cells: Labels, path: Path, *, overwrite: bool) -> None:
        form, take = self._format.get(), self._snapshot(cells)

        def steps() -> Iterator[tuple[LayerSnapshot, str]]:
            taken = take()
            result = saved_result(taken.data, taken.attributes)
            write_saved(path, result, format=form, overwrite=overwrite)
            yield taken, describe_lost_parents(result, taken.attributes)

        self.message.emit(f"Saving {cells.name} to {path} …")
        self._writes.start(
            Task(
                steps,
                partial(self._tell_written, cells, path, form),
                lambda error: self.message.emit(describe_error(error)),
            )
        )

    def _tell_written(
        self,
        cells: Labels,
        path: Path,
        form: ResultFormat,
        written: tuple[LayerSnapshot, str],
    ) -> None:
        taken, lost = written
        self.message.emit(f"Saved {cells.name} to {path}. {lost}".rstrip())
        # Other formats do not bring back what was corrected.
        if form in WHOLE_FORMATS:
            self.saved.emit(cells, taken)

    def _copy_methods(self) -> None:
        cells = self._result()
        if cells is None:
            return
        record = ResultRecord.of(cells)
        text = describe_methods(record.settings, record.provenance, record.corrections)
        QApplication.clipboard().setText(text)
        self.message.emit("Copied sentences for a paper; paste them where you write.")

    def _choose_result(self) -> None:
        form = self._format.get()
        if form in _FILES:
            path, _ = QFileDialog.getOpenFileName(
                self, "Open a result", "", _FILES[form]
            )
        else:
            path = QFileDialog.getExistingDirectory(self, "Open a result")
        if path:
            self.message.emit(f"Opening {path} …")
            self._reads.start(
                Task(
                    lambda: iter([result_layers(Path(path))]),
                    partial(self._tell_opened, path),
                    lambda error: self.message.emit(describe_error(error)),
                )
            )

    def _tell_opened(self, path: str, layers: list[LayerData]) -> None:
        self.opened.emit(layers)
        record = ResultRecord.within(layers[0][1].get("metadata"))
        lacks = (
            lost_parents(Path(path)) or "",
            describe_undrawn(record.tracks or ()),
            describe_lost_settings(record.lost_settings),
        )
        told = " ".join(filter(None, (f"Opened {path}.", *lacks)))
        self.message.emit(told)

    def _show_state(self) -> None:
        self._save.setEnabled(not self._writes.busy)

    def _browse(self) -> None:
        form = self._format.get()
        if form in _FILES:
            path, _ = QFileDialog.getSaveFileName(self, "Save as", "", _FILES[form])
        else:
            path = QFileDialog.getExistingDirectory(self, "Choose a folder")
            # Where nobody may look is told when it is written.
            with suppress(OSError):
                if path and any(Path(path).iterdir()):
                    # A result has a folder to itself.
                    path = str(Path(path) / "tracked")
        if path:
            self._folder.setText(path)

    def _choose_store(self) -> None:
        path, _ = QFileDialog.getSaveFileName(
            self, "Save settings", "settings.toml", "Settings (*.toml)"
        )
        if path:
            self.save_settings_asked.emit(path)

    def _choose_load(self) -> None:
        path, _ = QFileDialog.getOpenFileName(
            self, "Load settings", "", "Settings (*.toml)"
        )
        if path:
            self.load_settings_asked.emit(path)


def _available(form: Any) -> bool:
    return form not in _NEEDS or find_spec(_NEEDS[form]) is not None
