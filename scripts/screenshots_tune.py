"""Make the pictures of the tutorial "Tune by eye".

Run it on a machine without a display as

    xvfb-run -a -s "-screen 0 1366x768x24" python scripts/screenshots_tune.py

and look at what it writes to docs/images. With ``--theme light`` the same in napari's
light theme, as files named ``*-light.png``.
"""

import numpy as np
from qtpy.QtWidgets import QComboBox, QLabel, QLineEdit, QWidget
from screenshots import Tour, rest, take_pictures, wait

SIZE = (1366, 768)


class TuneTour(Tour):
    """Someone who tunes by eye, with a picture at each step."""

    def start(self) -> None:
        """Open a sample and the widget on a small screen."""
        self._window.resize(*SIZE)
        self._viewer.open_sample("fastershift", "nuclei")
        self.dock()
        self.picture("tune-open")

    def channels(self) -> None:
        """Show the input of a movie with channels and depth."""
        shape = (6, 5, 2, 128, 128)
        pixels = np.random.default_rng(0).integers(0, 255, shape, dtype=np.uint8)
        layer = self._viewer.add_image(
            pixels, name="two channels, five planes", axis_labels=tuple("tzcyx")
        )
        self.choose("layer", layer.name)
        rest(1.5)
        self.choose("channel", "1")
        self.choose("plane", "max projection")
        self.wait_needs()
        self.part("layer", "tune-channels")
        self._viewer.layers.remove(layer)
        self._viewer.dims.set_current_step(0, 9)

    def live(self) -> None:
        """Preview while a slider moves."""
        self.find(QWidget, "live_preview").setChecked(True)
        self.wait_preview()
        slider = self.find(QWidget, "bandwidth")
        self._tuned = round(slider.value() * 0.8, 3)
        slider.setValue(self._tuned)
        self.wait_preview(self._tuned)
        self.wait_needs()
        self.picture("tune-live")

    def notes(self) -> None:
        """Show a value outside the usual range."""
        self.find(QWidget, "live_preview").setChecked(False)
        self.find(QWidget, "bandwidth").setValue(0.7)
        self.part("bandwidth", "tune-notes")
        self.find(QWidget, "bandwidth").setValue(self._tuned)

    def colours(self) -> None:
        """Show the embedding as colours."""
        for layer in list(self._viewer.layers):
            if layer.name.endswith(("[preview]", "[clusters]")):
                self._viewer.layers.remove(layer)
        names = {layer.name for layer in self._viewer.layers}
        self.press("embedding_as_colours")
        shown = f"{self.find(QComboBox, 'layer').currentText()} [embedding]"
        wait(lambda: shown in self._viewer.layers)
        # Black until the embedding is computed.
        wait(lambda: self._viewer.layers[shown].thumbnail[..., :3].any())
        rest(2)
        self.scroll_to("view_answer")
        self.picture("tune-colours")
        self.press("embedding_as_colours")
        for layer in list(self._viewer.layers):
            if layer.name not in names:
                self._viewer.layers.remove(layer)

    def run(self) -> None:
        """Run the movie and look at the plot."""
        self.scroll_to("run")
        self.press("run")
        wait(lambda: not self.busy())
        self.press("show_plot")
        rest(1)
        self.scroll_to("save_plot")
        self.picture("tune-result")
        self.find(QLineEdit, "folder").setText("results/movie-1")
        self.part("folder", "tune-export")

    def wait_needs(self) -> None:
        """Wait until it is known what a run needs."""
        rest(1.5)
        wait(lambda: "pixels" in self.find(QLabel, "needs").text())

    def wait_preview(self, bandwidth: float | None = None) -> None:
        """Wait for a preview of the frame in view, made with a bandwidth."""
        name = f"{self.find(QComboBox, 'layer').currentText()} [preview]"

        def shown() -> bool:
            if name not in self._viewer.layers:
                return False
            record = self._viewer.layers[name].metadata.get("fastershift", {})
            if "settings" not in record:
                return False
            found = record["settings"]["cluster"]["bandwidth"]
            return bandwidth is None or abs(found - bandwidth) < 1e-6

        wait(shown)

    def choose(self, name: str, text: str) -> None:
        """Choose from a list."""
        self.find(QComboBox, name).setCurrentText(text)


if __name__ == "__main__":
    take_pictures(
        __doc__, TuneTour, "start", "channels", "live", "notes", "colours", "run"
    )
