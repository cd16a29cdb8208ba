"""Numbers, curves and table of the read-out, with real clicks and keys."""

import csv

import numpy as np
import pytest

pytest.importorskip("napari")
pytestmark = pytest.mark.gui


def report(frame, **changes):
    values = {
        "frame": frame,
        "cells": 20 + frame,
        "clusters": 9,
        "seeds": 128,
        "n_min": 40 + frame,
        "rounds": 1,
        "iterations": 39,
        "converged": 0.94,
        "foreground": 0.21,
        "network_ms": 100.0,
        "clustering_ms": 30.0 - frame,
        "linking_ms": 3.0,
        "stopped_by": "all reached",
        "coverage": 0.62,
        "coverage_equal": 0.99999,
    }
    return values | changes


ROWS = [report(frame) for frame in range(12)]


@pytest.fixture
def readout(qtbot):
    from qtpy.QtWidgets import QWidget

    from fastershift.plugin.readout._section import ReadOut

    window = QWidget()
    qtbot.addWidget(window)
    made = ReadOut(window)
    made.resize(340, 900)
    window.resize(360, 900)
    window.show()
    # The window lives as long as the test.
    yield made
    window.close()


def text(readout, name):
    from qtpy.QtWidgets import QLabel

    return readout.findChild(QLabel, f"readout_{name}").text()


def press(qtbot, readout, name):
    from qtpy.QtCore import Qt
    from qtpy.QtWidgets import QAbstractButton

    qtbot.mouseClick(
        readout.findChild(QAbstractButton, name), Qt.MouseButton.LeftButton
    )


def test_every_number_is_told(readout):
    readout.show_frame(3, ROWS[3], time="15 min")
    assert text(readout, "frame") == "3 · 15 min"
    assert text(readout, "seeds_n") == "128 (N_min 43)"
    assert text(readout, "rounds") == "1, every cell reached"
    assert text(readout, "coverage") == "62% (Eq 14: 99.99%)"
    assert text(readout, "iterations") == "39"
    assert text(readout, "converged") == "94%"
    assert text(readout, "clusters") == "9"
    assert text(readout, "cells") == "23"
    assert text(readout, "foreground") == "21.0%"
    assert text(readout, "time") == "network 100, clustering 27, linking 3 ms"
    assert text(readout, "change") == "–"
    readout.show_frame(3, None)
    assert text(readout, "cells") == "–"


def test_what_changed_since_the_last_preview_of_the_frame(readout):
    readout.show_frame(3, ROWS[3], previewed=True)
    assert text(readout, "change") == "–"
    fewer = report(3, cells=21, clusters=10, network_ms=0.0)
    readout.show_frame(3, fewer, previewed=True)
    assert text(readout, "change") == "−2 cells, +1 cluster, −100 ms"
    # Shown again for another reason, it is still the same change.
    readout.show_frame(3, dict(fewer), previewed=True)
    assert text(readout, "change") == "−2 cells, +1 cluster, −100 ms"
    readout.show_frame(4, ROWS[4], previewed=True)
    assert text(readout, "change") == "–"


def test_reports_of_earlier_versions_are_shown(readout):
    old = {k: v for k, v in ROWS[0].items() if k not in ("coverage", "stopped_by")}
    readout.show_frame(0, old)
    assert text(readout, "coverage") == "–"
    assert text(readout, "rounds") == "1"


def test_parts_fold_and_nothing_is_wider_than_the_panel(readout, qtbot):
    assert not readout.plot.isVisible()
    readout.show_rows(ROWS)
    assert not readout.plot.isVisible()
    press(qtbot, readout, "show_plot")
    press(qtbot, readout, "show_table")
    assert readout.plot.isVisible()
    assert readout.table.isVisible()
    assert readout.minimumSizeHint().width() <= 320
    press(qtbot, readout, "show_plot")
    assert not readout.plot.isVisible()


def test_a_click_on_the_plot_goes_to_the_frame_under_it(readout, qtbot):
    from qtpy.QtCore import QPointF, Qt

    readout.show_rows(ROWS)
    press(qtbot, readout, "show_plot")
    boxes = [plot.vb for plot in readout.plot._plots]
    qtbot.waitUntil(lambda: min(box.height() for box in boxes) > 20)
    went = []
    readout.frame_chosen.connect(went.append)
    for number, plot in enumerate(readout.plot._plots):
        frame = 2 + 3 * number
        middle = plot.vb.viewRect().center().y()
        place = plot.vb.mapViewToScene(QPointF(frame + 0.3, middle))
        qtbot.mouseClick(
            readout.plot.viewport(),
            Qt.MouseButton.LeftButton,
            pos=readout.plot.mapFromScene(place),
        )
        qtbot.waitUntil(lambda n=number: len(went) == n + 1)
        assert went[-1] == frame
    readout.show_frame(5, ROWS[5])
    assert [cursor.value() for cursor in readout.plot._cursors] == [5, 5, 5]
    readout.plot.setFocus()
    qtbot.keyClick(readout.plot, Qt.Key.Key_Right)
    assert went[-1] == 6
    qtbot.keyClick(readout.plot, Qt.Key.Key_Left)
    assert went[-1] == 4


def test_the_wheel_scrolls_the_panel_and_not_the_plot(readout, qtbot):
    from qtpy.QtCore import QPoint, QPointF, Qt
    from qtpy.QtGui import QWheelEvent
    from qtpy.QtWidgets import QApplication

    readout.show_rows(ROWS)
    press(qtbot, readout, "show_plot")
    before = readout.plot._plots[0].viewRange()
    centre = QPointF(readout.plot.viewport().rect().center())
    event = QWheelEvent(
        centre,
        QPointF(readout.plot.viewport().mapToGlobal(centre.toPoint())),
        QPoint(0, 0),
        QPoint(0, -240),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(readout.plot.viewport(), event)
    assert readout.plot._plots[0].viewRange() == before
    assert not event.isAccepted()


def test_the_table_sorts_and_a_double_click_goes_to_the_frame(readout, qtbot):
    from qtpy.QtCore import Qt

    from fastershift.plugin.readout._table import COLUMNS

    readout.show_rows(ROWS)
    press(qtbot, readout, "show_table")
    table = readout.table
    titles = table.horizontalHeader()
    column = COLUMNS.index("clustering_ms")
    table.scrollTo(table.model().index(0, column))
    place = titles.sectionViewportPosition(column) + titles.sectionSize(column) // 2
    from qtpy.QtCore import QPoint

    click = QPoint(place, titles.height() // 2)
    qtbot.mouseClick(titles.viewport(), Qt.MouseButton.LeftButton, pos=click)
    shown = [row["clustering_ms"] for row in table.rows()]
    assert shown == sorted(shown, reverse=shown[0] > shown[-1])
    assert shown != [row["clustering_ms"] for row in ROWS] or shown[0] > shown[-1]
    went = []
    readout.frame_chosen.connect(went.append)
    index = table.model().index(2, column)
    table.scrollTo(index)
    position = table.visualRect(index).center()
    viewport = table.viewport()
    qtbot.mouseClick(viewport, Qt.MouseButton.LeftButton, pos=position)
    assert not went
    qtbot.mouseDClick(viewport, Qt.MouseButton.LeftButton, pos=position)
    assert went
    assert set(went) == {table.rows()[2]["frame"]}
    readout.show_frame(7, ROWS[7])
    row = table.currentIndex().row()
    assert table.rows()[row]["frame"] == 7


def test_rows_that_arrive_leave_the_table_in_its_order(readout, qtbot):
    readout.show_rows(ROWS[:4])
    press(qtbot, readout, "show_table")
    readout.table.sortByColumn(1, readout.table.model().sortOrder().DescendingOrder)
    readout.show_rows(ROWS)
    qtbot.waitUntil(lambda: len(readout.table.rows()) == 12)
    assert [row["frame"] for row in readout.table.rows()] == list(range(11, -1, -1))
    readout.show_rows([])
    assert not readout.table.isVisible()


def test_plot_and_table_are_saved(readout, qtbot, tmp_path, monkeypatch):
    from qtpy.QtGui import QImage
    from qtpy.QtWidgets import QFileDialog

    from fastershift.plugin.readout._plot import PLOTTED

    said = []
    readout.message.connect(said.append)
    readout.show_rows(ROWS)
    press(qtbot, readout, "show_plot")
    press(qtbot, readout, "show_table")

    def save(button, name):
        target = tmp_path / name
        monkeypatch.setattr(
            QFileDialog, "getSaveFileName", lambda *_: (str(target), "")
        )
        press(qtbot, readout, button)
        assert said[-1] == f"Saved to {target}."
        return target

    picture = QImage(str(save("save_plot", "plot.png")))
    assert picture.width() == 1600
    colours = {
        picture.pixelColor(x, y).name()
        for x in range(0, picture.width(), 3)
        for y in range(0, picture.height(), 3)
    }
    assert {"#ffffff", "#3d9be0", "#1fa77a"} <= colours, "curves on white"
    assert "<svg" in save("save_plot", "plot.svg").read_text()
    with save("save_plot_numbers", "plot.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == PLOTTED
    assert [int(row["n_min"]) for row in rows] == [40 + t for t in range(12)]
    readout.table.sortByColumn(0, readout.table.model().sortOrder().DescendingOrder)
    with save("save_table", "frames.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["frame"]) for row in rows] == list(range(11, -1, -1))
    assert float(rows[0]["coverage"]) == 0.62
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "file").write_text("")
    monkeypatch.setattr(
        QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "taken.csv"), "")
    )
    (tmp_path / "taken.csv").mkdir()
    (tmp_path / "taken.csv" / "file").write_text("")
    press(qtbot, readout, "save_table")
    assert "not replaced" in said[-1]


def test_a_file_that_gets_its_suffix_is_replaced_only_if_asked(
    readout, qtbot, tmp_path, monkeypatch
):
    from qtpy.QtWidgets import QFileDialog, QMessageBox

    said, asked, answers = [], [], []
    readout.message.connect(said.append)
    readout.show_rows(ROWS)
    press(qtbot, readout, "show_table")
    mine = tmp_path / "cells.csv"
    mine.write_text("mine")
    # The dialog saw no file of this name, and did not ask.
    chosen = str(tmp_path / "cells")
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (chosen, ""))

    def question(_parent, _title, text):
        asked.append(text)
        return answers.pop()

    monkeypatch.setattr(QMessageBox, "question", question)
    answers.append(QMessageBox.StandardButton.No)
    press(qtbot, readout, "save_table")
    assert asked == [f"{mine} exists already. Replace it?"]
    assert mine.read_text() == "mine"
    assert not said
    answers.append(QMessageBox.StandardButton.Yes)
    press(qtbot, readout, "save_table")
    assert mine.read_text().startswith("frame,")
    mine.unlink()
    press(qtbot, readout, "save_table")
    assert said == [f"Saved to {mine}."] * 2
    assert len(asked) == 2, "nothing is asked where nothing lies"


def test_a_movie_in_the_widget(user, embeddings, movie):
    user.viewer.add_image(
        embeddings,
        name="movie",
        scale=(300, 1, 0.5, 0.5),
        units=("s", "pixel", "um", "um"),
    )
    user.find("diameter").setValue(18)
    assert user.find("diameter").suffix() == " px = 9 µm"
    user.wait(lambda: "clustering a frame" in user.find("needs").text())
    assert "8 frames (35 min)" in user.find("needs").text()
    assert "18 px (9 µm)" in user.find("needs").text()
    assert " thread" in user.find("needs").text()
    user.run()
    assert user.find("readout_coverage").text() != "–"
    user.click("show_table")
    user.click("show_plot")
    table = user.find("report_table")
    assert [row["frame"] for row in table.rows()] == list(range(8))
    index = table.model().index(6, 1)
    table.scrollTo(index)
    from qtpy.QtCore import Qt

    position = table.visualRect(index).center()
    user.qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=position)
    user.qtbot.mouseDClick(table.viewport(), Qt.MouseButton.LeftButton, pos=position)
    assert user.viewer.dims.current_step[0] == 6
    assert user.find("readout_frame").text() == "6 · 30 min"
    user.viewer.dims.set_current_step(0, 2)
    assert user.find("movie_plot")._cursors[0].value() == 2
    assert np.sum(movie.labels[2] > 0)
    user.viewer.layers.clear()
    assert user.find("readout_frame").text() == "–"
    assert not user.find("report_table").isVisible()


def test_what_a_run_needs_is_told_before_it_starts():
    from dataclasses import replace

    from fastershift.plugin.input._run_estimate import Units, describe_estimate
    from fastershift.session import Estimate

    estimate = Estimate(
        n_frames=20,
        network_shape=(200, 300),
        diameter=24.0,
        scale=0.5,
        memory=400_000_000,
        available=8_000_000_000,
        seconds=120.0,
        network_seconds=0.25,
        clustering_seconds=1.25,
        model="nuclei",
        device="cpu",
        threads=2,
    )
    assert describe_estimate(estimate, Units(0.5, 300)).split("\n") == [
        "20 frames (95 min) · 300 × 200 network pixels · cells of 24 px (12 µm)",
        "about 2 min (250 ms network, 1.2 s clustering a frame) · 400 MB of 8.0 GB "
        "free",
        "model nuclei at scale 0.50 · cpu, 2 threads",
    ]
    short = replace(estimate, available=10**8, notes=("It works in tiles.",))
    *_, note, warning = describe_estimate(short).split("\n")
    assert note == "It works in tiles."
    assert warning.startswith("This does not fit in memory")
    given = replace(estimate, diameter=None, network_seconds=0.0)
    assert "µm" not in describe_estimate(given)
    assert "(1.2 s clustering a frame)" in describe_estimate(given)
