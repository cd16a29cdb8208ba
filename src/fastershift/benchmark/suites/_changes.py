"""Changes of light, noise, focus, scale, dirt and bit depth that a movie may suffer."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from fastershift.simulate import Stamp

__all__ = ["CHANGES", "Scene"]


class Scene(NamedTuple):
    """A movie whose cells are known, as floats between 0 and 1.

    Attributes
    ----------
    frames : (T, Y, X) float32
        Most pixels lie between 0 and 1.
    labels : (T, Y, X) int32
        Cells.
    diameter : float
        Of the median cell, in pixels.
    """

    frames: NDArray[np.float32]
    labels: NDArray[np.int32]
    diameter: float


_Change = Callable[[Scene, np.random.Generator], Scene]


def _of_pixels(
    change: Callable[[NDArray[np.float32]], NDArray[np.floating]],
) -> _Change:
    """Make a change of what changes intensities alone."""

    def changed(scene: Scene, _: np.random.Generator) -> Scene:
        return scene._replace(frames=change(scene.frames).astype(np.float32))

    return changed


def _noise(amount: float, grain: float = 0.0) -> _Change:
    """Add noise of a deviation, in contrasts, and a width, in diameters."""

    def changed(scene: Scene, chance: np.random.Generator) -> Scene:
        noise = chance.normal(size=scene.frames.shape)
        width = grain * scene.diameter
        if width:
            noise = ndimage.gaussian_filter(noise, (0, width, width))
            noise /= noise.std()
        return scene._replace(frames=_single(scene.frames + amount * noise))

    return changed


def _shot(photons: float) -> _Change:
    def changed(scene: Scene, chance: np.random.Generator) -> Scene:
        light = np.clip(scene.frames, 0, None) * photons
        return scene._replace(frames=_single(chance.poisson(light) / photons))

    return changed


def _blur(width: float) -> _Change:
    """Blur by a width in cell diameters."""

    def changed(scene: Scene, _: np.random.Generator) -> Scene:
        sigma = width * scene.diameter
        blurred = ndimage.gaussian_filter(scene.frames, (0, sigma, sigma))
        return scene._replace(frames=_single(blurred))

    return changed


def _scale(factor: float) -> _Change:
    def changed(scene: Scene, _: np.random.Generator) -> Scene:
        zoom = (1, factor, factor)
        if factor < 1:
            sigma = 0.4 / factor
            frames = ndimage.gaussian_filter(scene.frames, (0, sigma, sigma))
        else:
            frames = scene.frames
        return Scene(
            _single(
                ndimage.zoom(frames, zoom, order=1, grid_mode=True, mode="nearest")
            ),
            ndimage.zoom(scene.labels, zoom, order=0, grid_mode=True, mode="nearest"),
            scene.diameter * factor,
        )

    return changed


def _quarter_turn(scene: Scene, _: np.random.Generator) -> Scene:
    frames, labels = (
        np.rot90(scene.frames, axes=(1, 2)),
        np.rot90(scene.labels, axes=(1, 2)),
    )
    return Scene(frames, labels, scene.diameter)


def _half(scene: Scene, _: np.random.Generator) -> Scene:
    """Keep the half of the frame with more cells."""
    width = scene.labels.shape[2]
    left = np.count_nonzero(scene.labels[..., : width // 2])
    more = slice(0, width // 2)
    if 2 * left < np.count_nonzero(scene.labels):
        more = slice(width // 2, width)
    return Scene(scene.frames[..., more], scene.labels[..., more], scene.diameter)


def _light(height: float, *, spot: bool) -> _Change:
    """Shade by a spot in the middle, or add a ramp, of so many contrasts."""

    def changed(scene: Scene, _: np.random.Generator) -> Scene:
        rows, columns = (np.linspace(-1, 1, side) for side in scene.frames.shape[1:])
        if spot:
            away = np.hypot(rows[:, None], columns) / np.sqrt(2)
            return scene._replace(frames=_single(scene.frames * (1 - height * away**2)))
        ramp = height * (rows[:, None] + columns) / 4
        return scene._replace(frames=_single(scene.frames + ramp))

    return changed


def _clouds(scene: Scene, chance: np.random.Generator) -> Scene:
    """Add an uneven background, coarser than cells."""
    width = 3 * scene.diameter
    clouds = ndimage.gaussian_filter(
        chance.normal(size=scene.frames.shape[1:]), width, mode="wrap"
    )
    clouds *= 0.25 / clouds.std()
    return scene._replace(frames=_single(scene.frames + clouds))


def _dirt(brightness: float) -> _Change:
    """Lay five specks as large as half a cell on it, brighter or darker than all."""

    def changed(scene: Scene, chance: np.random.Generator) -> Scene:
        frames = scene.frames.copy()
        rows, columns = np.indices(frames.shape[1:])
        for _ in range(5):
            row, column = (chance.uniform(0, side) for side in frames.shape[1:])
            near = np.hypot(rows - row, columns - column) < scene.diameter / 4
            frames[:, near] = brightness
        return scene._replace(frames=frames)

    return changed


def _hot_pixels(scene: Scene, chance: np.random.Generator) -> Scene:
    frames = scene.frames.copy()
    frames[:, chance.random(frames.shape[1:]) < 0.0005] = 8.0
    return scene._replace(frames=frames)


def _text(scene: Scene, chance: np.random.Generator) -> Scene:
    frames = scene.frames.astype(np.float64)
    stamp = Stamp(chance)
    for t, frame in enumerate(frames):
        stamp.press(frame, t, 1.5)
    return scene._replace(frames=_single(frames))


def _stripes(scene: Scene, chance: np.random.Generator) -> Scene:
    """Give each row of the camera an offset of its own."""
    rows = 0.1 * chance.normal(size=(*scene.frames.shape[:2], 1))
    return scene._replace(frames=_single(scene.frames + rows))


def _flicker(scene: Scene, chance: np.random.Generator) -> Scene:
    gain = np.exp(0.3 * chance.normal(size=(len(scene.frames), 1, 1)))
    return scene._replace(frames=_single(scene.frames * gain))


def _lost(scene: Scene, _: np.random.Generator) -> Scene:
    """Leave every second frame out."""
    return Scene(scene.frames[::2], scene.labels[::2], scene.diameter)


def _bad_frame(place: int, what: float) -> _Change:
    """Add a frame of nothing but noise, of so much, which shows no cell."""

    def changed(scene: Scene, chance: np.random.Generator) -> Scene:
        at = place % (len(scene.frames) + 1)
        bad = what * chance.normal(size=scene.frames.shape[1:])
        frames = np.insert(scene.frames, at, bad, axis=0)
        labels = np.insert(scene.labels, at, 0, axis=0)
        return Scene(_single(frames), labels, scene.diameter)

    return changed


def _single(values: NDArray[np.floating]) -> NDArray[np.float32]:
    return values.astype(np.float32)


#: Each by its name.
CHANGES: Mapping[str, _Change] = {
    "offset": _of_pixels(lambda x: x + 3),
    "contrast / 10": _of_pixels(lambda x: x / 10 + 0.5),
    "gamma 0.6": _of_pixels(lambda x: np.clip(x, 0, None) ** 0.6),
    "gamma 1.6": _of_pixels(lambda x: np.clip(x, 0, None) ** 1.6),
    "saturated": _of_pixels(lambda x: np.clip(x, 0.05, 0.6)),
    "16 grey values": _of_pixels(lambda x: np.round(np.clip(x, 0, 1) * 15)),
    "64 grey values": _of_pixels(lambda x: np.round(np.clip(x, 0, 1) * 63)),
    "noise 0.05": _noise(0.05),
    "noise 0.15": _noise(0.15),
    "noise 0.3": _noise(0.3),
    "grainy noise 0.15": _noise(0.15, 0.05),
    "photons 100": _shot(100),
    "photons 20": _shot(20),
    "blur 0.05": _blur(0.05),
    "blur 0.1": _blur(0.1),
    "blur 0.15": _blur(0.15),
    "scale 0.5": _scale(0.5),
    "scale 0.7": _scale(0.7),
    "scale 1.4": _scale(1.4),
    "scale 2": _scale(2.0),
    "quarter turn": _quarter_turn,
    "half of it": _half,
    "vignetting": _light(0.5, spot=True),
    "ramp": _light(1.0, spot=False),
    "clouds": _clouds,
    "bright dirt": _dirt(3.0),
    "dark dirt": _dirt(-0.5),
    "hot pixels": _hot_pixels,
    "text": _text,
    "stripes": _stripes,
    "flicker": _flicker,
    "every second frame": _lost,
    "black frame first": _bad_frame(0, 0.0),
    "noise frame last": _bad_frame(-1, 1.0),
}
