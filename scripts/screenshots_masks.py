"""Make the pictures of the tutorial "Track my masks".

Run it on a machine without a display as

    xvfb-run -a -s "-screen 0 1366x768x24" python scripts/screenshots_masks.py

and look at what it writes to docs/images. With ``--theme light`` the same in napari's
light theme, as files named ``*-light.png``.
"""

import numpy as np
from qtpy.QtWidgets import QComboBox, QWidget
from screenshots import Tour, rest, take_pictures, wait

from fastershift.simulate import simulate_movie

SIZE = (1366, 768)


class MasksTour(Tour):
    """Someone who tracks masks of another program."""

    def start(self) -> None:
        """Open a movie and masks that are numbered anew in every frame."""
        self._window.resize(*SIZE)
        made = simulate_movie(12, (256, 256), 30, diameter=28, kind="nuclei", seed=3)
        rng = np.random.default_rng(0)
        masks = [np.r_[0, 1 + rng.permutation(999)][frame] for frame in made.labels]
        self._viewer.add_image(made.frames, name="movie")
        self._viewer.add_labels(np.stack(masks), name="masks")
        self.dock()
        self.choose("layer", "movie")
        self.choose("input_kind", "labels")
        rest(1.5)
        self.part("layer", "masks-input")

    def choose(self, name: str, text: str) -> None:
        """Choose from a list."""
        self.find(QComboBox, name).setCurrentText(text)

    def links(self) -> None:
        """See the links of a frame, as they are and where cells must not move."""
        self._viewer.layers["masks"].visible = False
        self._viewer.layers.selection = {self._viewer.layers["movie"]}
        self.press("show_advanced")
        self.press("live_preview")
        self._viewer.dims.set_current_step(0, 8)
        self._viewer.camera.zoom *= 1.4
        status = self.find(QWidget, "status")
        wait(lambda: "Frame 8:" in status.text())
        self.scroll_to("mend_masks")
        self.picture("masks-links")
        self.find(QWidget, "farthest_move").setValue(0.2)
        wait(lambda: "begin," in status.text() and ", 0 begin" not in status.text())
        self.picture("masks-links-cut")
        self.press("reset_farthest_move")
        self.press("live_preview")
        self.press("show_advanced")
        self.scroll_to("status")
        self._viewer.reset_view()

    def track(self) -> None:
        """Track them."""
        self.press("run")
        self.wait_idle()
        self._viewer.layers["masks"].visible = False
        self._viewer.dims.set_current_step(0, 8)
        rest(1.0)
        self.picture("masks-result")


if __name__ == "__main__":
    take_pictures(__doc__, MasksTour, "start", "links", "track")
