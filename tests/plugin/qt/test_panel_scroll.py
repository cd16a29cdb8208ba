"""Panels are never cut at their side."""

import pytest
from qtpy.QtWidgets import QHBoxLayout, QLabel, QMainWindow, QPushButton, QWidget

from fastershift.plugin.qt import PanelScroll

pytestmark = pytest.mark.gui


def test_a_button_that_appears_makes_the_panel_wider(qtbot):
    inner = QWidget()
    row = QHBoxLayout(inner)
    row.addWidget(QLabel("Diameter"))
    late = QPushButton("next best: 16 px, which is a long text")
    late.hide()
    row.addWidget(late)
    window = QMainWindow()
    qtbot.addWidget(window)
    scroll = PanelScroll(inner)
    window.setCentralWidget(scroll)
    window.resize(10, 200)
    with qtbot.waitExposed(window, timeout=120_000):
        window.show()
    late.show()
    qtbot.waitUntil(lambda: late.width() >= late.minimumSizeHint().width())
    assert late.geometry().right() < scroll.viewport().width()
