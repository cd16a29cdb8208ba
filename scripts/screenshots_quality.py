"""Make the pictures of what is said before a run: of bacteria, and of mere noise.

Run it on a machine without a display as

    xvfb-run -a -s "-screen 0 1366x768x24" python scripts/screenshots_quality.py

and look at what it writes to docs/images. With ``--theme light`` the same in napari's
light theme, as files named ``*-light.png``.
"""

import numpy as np
from qtpy.QtWidgets import QLabel
from scipy.ndimage import gaussian_filter
from screenshots import Tour, rest, take_pictures, wait

from fastershift.simulate import simulate_movie

SIZE = (1366, 768)


class QualityTour(Tour):
    """Someone who wants to know beforehand how good the cells will be."""

    def bacteria(self) -> None:
        """Open bacteria, and look at the preview."""
        self._window.resize(*SIZE)
        made = simulate_movie(8, (256, 256), 60, kind="rods", diameter=20, seed=5)
        self._look_at("bacteria", made.frames)

    def noise(self) -> None:
        """Open noise that is as coarse as cells."""
        chance = np.random.default_rng(0)
        noise = [gaussian_filter(chance.normal(size=(256, 256)), 4) for _ in range(8)]
        frames = np.stack(noise)
        self._look_at("noise", (1000 + 4000 * frames).clip(0).astype(np.uint16))

    def _look_at(self, name: str, frames: np.ndarray) -> None:
        self._viewer.layers.clear()
        self._viewer.add_image(frames, name=name)
        if self._widget is None:
            self.dock()
        rest(1)
        wait(lambda: bool(self.find(QLabel, "quality").text()))
        self.press("preview")
        self.wait_idle()
        self.picture(f"quality-{name}")


if __name__ == "__main__":
    take_pictures(__doc__, QualityTour, "bacteria", "noise")
