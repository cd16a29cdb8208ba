"""Videos, files of microscopes, and what is said where their readers are missing."""

import sys
from datetime import timedelta
from fractions import Fraction
from importlib.machinery import ModuleSpec
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from fastershift.errors import FastershiftError, InputError
from fastershift.io import read_movie
from fastershift.io.movies._video import _breaks_off


@pytest.fixture
def stack():
    """Every frame has a brightness of its own, since videos lose detail."""
    levels = np.arange(20, 220, 20, dtype=np.uint8)
    return np.broadcast_to(levels[:, None, None], (10, 32, 48)).copy()


def write(path, stack, codec, pixels, **options):
    av = pytest.importorskip("av")
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=5)
        stream.height, stream.width = stack.shape[1:3]
        stream.pix_fmt = pixels
        for frame in stack:
            form = "gray" if frame.ndim == 2 else "rgb24"
            picture = av.VideoFrame.from_ndarray(frame, format=form)
            container.mux(stream.encode(picture.reformat(format=pixels)))
        container.mux(stream.encode())
    return path


def test_a_grey_video_without_loss(tmp_path, stack):
    movie = read_movie(write(tmp_path / "m.avi", stack, "ffv1", "gray"))
    np.testing.assert_array_equal(np.stack(list(movie)), stack)
    # In any order, too.
    for t in (7, 2, 2, 9, 0):
        np.testing.assert_array_equal(movie[t], stack[t])


@pytest.mark.parametrize(
    ("name", "codec", "pixels"),
    [("m.avi", "mjpeg", "yuvj420p"), ("m.mp4", "mpeg4", "yuv420p")],
)
def test_a_video_with_colours(tmp_path, stack, name, codec, pixels):
    path = write(tmp_path / name, np.stack([stack] * 3, axis=-1), codec, pixels)
    with pytest.raises(InputError, match="RGB image; choose one channel"):
        read_movie(path)
    movie = read_movie(path, channel="grey", frames=(2, 10))
    assert movie.shape == (8, 32, 48)
    np.testing.assert_allclose(np.stack(list(movie)), stack[2:], atol=6)


@pytest.mark.parametrize(
    ("name", "codec", "share"),
    [
        ("m.avi", "rawvideo", 0.6),
        ("m.avi", "mjpeg", 0.8),
        ("m.mkv", "ffv1", 0.6),
    ],
)
def test_a_video_that_breaks_off(tmp_path, stack, name, codec, share):
    pixels = "yuvj420p" if codec == "mjpeg" else "gray"
    path = write(tmp_path / name, stack, codec, pixels)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    reading = {"channel": "grey"} if codec == "mjpeg" else {}
    with pytest.raises(InputError, match="breaks off after frame"):
        read_movie(path, **reading)
    assert len(read_movie(path, frames=(0, 2), **reading)) == 2


@pytest.mark.parametrize(("streams", "broken"), [(1, True), (2, False)])
def test_sound_may_last_longer_than_the_pictures(streams, broken):
    packets = [SimpleNamespace(pts=t, duration=1) for t in range(10)]
    container = SimpleNamespace(streams=[None] * streams, duration=4e6)
    stream = SimpleNamespace(frames=0, start_time=0, time_base=Fraction(1, 10))
    assert _breaks_off(container, stream, packets) == broken


def test_what_is_no_video(tmp_path, stack):
    pytest.importorskip("av")
    (tmp_path / "m.avi").write_bytes(b"no video at all" * 50)
    with pytest.raises(InputError, match="cannot be read as a video"):
        read_movie(tmp_path / "m.avi")
    path = write(tmp_path / "n.avi", stack, "ffv1", "gray")
    with pytest.raises(InputError, match="no level 2"):
        read_movie(path, level=2)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    try:
        np.testing.assert_array_equal(next(iter(read_movie(path))), stack[0])
    except FastershiftError:
        return  # told in a sentence


@pytest.mark.parametrize(
    ("name", "module", "extra"),
    [
        ("m.avi", "av", "video"),
        ("m.mp4", "av", "video"),
        ("m.nd2", "bioio", "bioio"),
        ("m.CZI", "bioio", "bioio"),
        ("m.lif", "bioio", "bioio"),
    ],
)
def test_a_missing_reader_is_named(tmp_path, monkeypatch, name, module, extra):
    (tmp_path / name).write_bytes(b"\0")
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(InputError, match=rf"{name}.*fastershift\[{extra}\]"):
        read_movie(tmp_path / name)


class Scenes:
    """As bioio shows a file with two scenes."""

    scenes = ("A", "B")
    dims = SimpleNamespace(order="TCZYX")
    physical_pixel_sizes = SimpleNamespace(Z=None, Y=0.5, X=0.25)
    time_interval = timedelta(minutes=5)

    def __init__(self, path):
        self.scene = 0

    def set_scene(self, scene):
        self.scene = self.scenes.index(scene) if isinstance(scene, str) else scene

    @property
    def dask_data(self):
        shape = (3, 2, 1, 6, 7)
        return np.arange(np.prod(shape)).reshape(shape) + 1000 * self.scene


@pytest.fixture
def bioio(monkeypatch):
    module = ModuleType("bioio")
    module.BioImage = Scenes
    monkeypatch.setitem(sys.modules, "bioio", module)
    return module


def test_scenes_of_a_microscope_are_positions(tmp_path, bioio):
    path = tmp_path / "m.nd2"
    path.write_bytes(b"\0")
    with pytest.raises(InputError, match="2 positions"):
        read_movie(path, channel=0)
    movie = read_movie(path, channel=1, position=1)
    expected = Scenes(path).dask_data[:, 1, 0] + 1000
    np.testing.assert_array_equal(np.stack(list(movie)), expected)
    assert movie.scale == (300.0, 0.5, 0.25)
    assert movie.units == ("second", "micrometer", "micrometer")
    with pytest.raises(InputError, match="2 channels"):
        read_movie(path, position=0)
    with pytest.raises(InputError, match="no level 1"):
        read_movie(path, level=1)


def test_a_microscope_that_knows_no_sizes(tmp_path, bioio, monkeypatch):
    path = tmp_path / "m.lif"
    path.write_bytes(b"\0")
    monkeypatch.setattr(Scenes, "physical_pixel_sizes", None)
    assert read_movie(path, channel=0, position=0).scale is None
    monkeypatch.setattr(Scenes, "physical_pixel_sizes", SimpleNamespace(Y=2, X=2))
    monkeypatch.setattr(Scenes, "time_interval", None)
    movie = read_movie(path, channel=0, position=0)
    assert movie.units == ("pixel", "micrometer", "micrometer")


def test_positions_of_one_name_are_told_apart(tmp_path, bioio, monkeypatch):
    """As the points of a plate may be called, two by two, like their well."""
    path = tmp_path / "m.nd2"
    path.write_bytes(b"\0")
    monkeypatch.setattr(Scenes, "scenes", ("A1", "A1"))
    first, second = (read_movie(path, channel=0, position=p) for p in (0, 1))
    np.testing.assert_array_equal(second[0], first[0] + 1000)


def test_a_size_that_makes_no_sense_is_not_known(tmp_path, bioio, monkeypatch):
    """Leica writes lengths below 0 where the stage runs backwards."""
    path = tmp_path / "m.lif"
    path.write_bytes(b"\0")
    monkeypatch.setattr(Scenes, "physical_pixel_sizes", SimpleNamespace(Y=-2, X=0.5))
    movie = read_movie(path, channel=0, position=0)
    assert movie.scale == (300.0, 1.0, 0.5)
    assert movie.units == ("second", "pixel", "micrometer")


@pytest.mark.parametrize("part", ["scenes", "dask_data", "physical_pixel_sizes"])
def test_a_file_that_bioio_cannot_read(tmp_path, bioio, monkeypatch, part):
    def refuse(image):
        raise RuntimeError("unsupported")

    monkeypatch.setattr(Scenes, part, property(refuse))
    (tmp_path / "m.czi").write_bytes(b"\0")
    monkeypatch.setitem(sys.modules, "bioio_czi", None)
    with pytest.raises(InputError, match="needs one more package: pip install bioio-c"):
        read_movie(tmp_path / "m.czi", channel=0, position=0)
    reader = ModuleType("bioio_czi")
    reader.__spec__ = ModuleSpec("bioio_czi", None)
    monkeypatch.setitem(sys.modules, "bioio_czi", reader)
    with pytest.raises(InputError, match="is damaged, not whole, or of a kind that"):
        read_movie(tmp_path / "m.czi", channel=0, position=0)
