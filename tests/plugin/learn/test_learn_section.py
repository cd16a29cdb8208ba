"""Marks made with the mouse, and the model that follows from them."""

import threading
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("napari")
pytestmark = pytest.mark.gui

SHAPE = (2, 40, 40)


@pytest.fixture
def preview():
    """Two cells side by side in the first frame."""
    labels = np.zeros(SHAPE, np.int32)
    labels[0, 5:15, 5:15], labels[0, 5:15, 15:25] = 1, 2
    return labels


@pytest.fixture
def marks(qtbot):
    """A layer of marks over a movie, in a viewer without a window."""
    from napari.components import ViewerModel
    from napari.layers import Image
    from qtpy.QtCore import QObject

    from fastershift.plugin.layers._input import InputChoice
    from fastershift.plugin.learn._annotation_layer import AnnotationLayer

    viewer, parent = ViewerModel(), QObject()
    layer = Image(np.zeros(SHAPE, np.float32), name="movie")
    viewer.add_layer(layer)
    made = AnnotationLayer(viewer, parent)
    made.show(InputChoice(layer, "image", "TYX"), SHAPE, {})
    yield made
    parent.deleteLater()


def stroke(*path, frame=0):
    from fastershift.plugin.learn._annotation_layer import Stroke

    return Stroke(frame, path)


def circle(row, column, radius):
    turn = np.linspace(0, 2 * np.pi, 30)
    return [
        (round(row + radius * np.sin(a)), round(column + radius * np.cos(a)))
        for a in turn
    ]


def test_a_stroke_around_a_cell_marks_all_of_it(marks):
    assert marks.mark_cell(stroke(*circle(20, 20, 8)), None, 16.0)
    area = np.count_nonzero(marks.annotated()[0] > 0)
    assert area == pytest.approx(np.pi * 64, rel=0.15)


def test_a_click_accepts_a_previewed_cell(marks, preview):
    assert marks.mark_cell(stroke((7, 7)), preview[0], 16.0)
    np.testing.assert_array_equal(marks.annotated()[0] > 0, preview[0] == 1)
    assert not marks.mark_cell(stroke((30, 30)), preview[0], 16.0)


def test_a_stroke_through_two_previewed_cells_makes_them_one(marks, preview):
    marks.mark_cell(stroke((10, 6), (10, 24)), preview[0], 16.0)
    marks.mark_cell(stroke(*((10, x) for x in range(6, 25))), preview[0], 16.0)
    found = marks.annotated()[0]
    assert len(np.unique(found[found > 0])) == 1
    np.testing.assert_array_equal(found > 0, preview[0] > 0)


def test_a_click_with_background_refuses_a_cell(marks, preview):
    marks.mark_background(stroke((7, 7)), preview[0], 16.0)
    np.testing.assert_array_equal(marks.annotated()[0] == 0, preview[0] == 1)


def test_forgotten_marks_are_unknown_again(marks, preview):
    marks.mark_cell(stroke((7, 7)), preview[0], 16.0)
    marks.mark_cell(stroke((7, 20)), preview[0], 16.0)
    marks.forget(stroke((8, 8)))
    assert marks.n_cells == 1
    marks.forget(stroke((8, 20)))
    assert marks.annotated() == {}


def test_a_drag_of_the_mouse_is_a_stroke(marks):
    drawn = []
    marks.drawn.connect(drawn.append)
    event = SimpleNamespace(button=1, type="mouse_press", position=(1, 4, 4))
    marks.listen(True)
    steps = marks._drag(None, event)
    next(steps)
    for column in (5, 6, 6):
        event.type, event.position = "mouse_move", (1, 4, column)
        next(steps)
    event.type, event.position = "mouse_release", (1, 5, 6)
    assert next(steps, None) is None
    assert [(one.frame, one.path) for one in drawn] == [
        (1, [(4, 4), (4, 5), (4, 6), (5, 6)])
    ]


def test_a_cell_that_is_marked_again_leaves_no_rim(marks):
    marks.mark_cell(stroke(*circle(20, 20, 10)), None, 16.0)
    marks.mark_cell(stroke(*circle(30, 10, 4)), None, 16.0)
    marks.mark_cell(stroke(*circle(20, 21, 8)), None, 16.0)
    assert marks.n_cells == 2
    # One that is hardly touched stays.
    marks.mark_cell(stroke(*circle(20, 34, 7)), None, 16.0)
    assert marks.n_cells == 3


@pytest.mark.parametrize("seen", [True, False])
def test_a_stroke_through_a_cell_has_a_width_without_a_diameter(marks, seen):
    shown = np.zeros(SHAPE[1:], np.int32)
    if seen:
        shown[30:34, 30:34] = 1
    marks.mark_cell(stroke((10, 6), (10, 24)), shown, None)
    rows = np.flatnonzero((marks.annotated()[0] > 0).any(axis=1))
    assert len(rows) == (1 if seen else 7), "0.15 diameters to each side"


def test_strokes_are_taken_on_the_marks_alone(marks, qtbot):
    viewer, left = marks._viewer, []
    marks.left.connect(lambda: left.append(1))
    event = SimpleNamespace(button=1, type="mouse_press", position=(1, 4, 4))

    def takes():
        return next(marks._drag(None, event), "nothing") is None

    marks.listen(True)
    assert takes()
    marks.layer.mode = "paint"
    assert not takes()
    qtbot.waitUntil(lambda: bool(left))
    marks.listen(True)
    assert takes()
    left.clear()
    viewer.layers.selection = {viewer.layers["movie"]}
    assert not takes()
    qtbot.waitUntil(lambda: bool(left))
    marks.listen(False)
    assert viewer.scene.camera.mouse_pan
    left.clear()
    # A layer that is added, and is not selected any more, disturbs nothing.
    marks.listen(True)
    viewer.add_image(np.zeros(SHAPE))
    viewer.layers.selection = {marks.layer}
    qtbot.wait(50)
    assert not left
    assert not viewer.scene.camera.mouse_pan
    assert takes()


def test_marks_follow_an_image_that_is_calibrated_or_moved(marks):
    from fastershift.plugin.layers._input import InputChoice

    image, layer, point = marks._viewer.layers["movie"], marks.layer, (0, 30, 10)
    image.scale, image.translate = (1, 0.5, 0.5), (0, 7, 8)
    assert marks._place(image.data_to_world(point)) == point
    image.affine = np.diag([1.0, 2.0, 2.0, 1.0])
    assert marks._place(image.data_to_world(point)) == point
    image.rotate, image.shear = (0, 0, 30), (0, 0, 0.1)
    image.units = ("s", "um", "um")
    assert marks._place(image.data_to_world(point)) == point
    assert layer.units == image.units
    marks.show(InputChoice(image, "image", "TYX"), SHAPE, {})
    assert marks.layer is layer


def test_without_a_tool_the_mouse_moves_the_view(marks):
    event = SimpleNamespace(button=1, type="mouse_press", position=(1, 4, 4))
    marks.listen(True)
    assert not marks._viewer.scene.camera.mouse_pan
    marks.listen(False)
    assert marks._viewer.scene.camera.mouse_pan
    assert next(marks._drag(None, event), "nothing") == "nothing"


def frames_told(marks):
    """Collect which frames have marks, each time that it is told."""
    told = []
    marks.changed.connect(lambda own: told.append(sorted(own.annotated())))
    return told


def test_marks_of_any_tool_are_noticed_and_so_is_undo(marks):
    layer, told = marks.layer, frames_told(marks)
    layer.mode = "polygon"
    polygon = layer._overlays["polygon"]
    polygon.points = [[1, 6, 6], [1, 6, 12], [1, 12, 12], [1, 12, 6]]
    polygon.add_polygon_to_labels(layer)
    assert told == [[1]]
    layer.mode, layer.brush_size = "paint", 5
    with layer.block_history():
        layer._draw(6, (0, 20, 20), (0, 20, 20))
        layer._draw(6, (0, 20, 20), (0, 20, 26))
    assert told == [[1], [0, 1]], "once for a stroke"
    layer.undo()
    layer.undo()
    layer.redo()
    assert told[2:] == [[1], [], [1]]
    layer.n_edit_dimensions = 3
    layer.paint((0, 30, 30), 7)
    assert told[5:] == [[0, 1]]
    layer.refresh()
    marks._viewer.dims.set_current_step(0, 1)
    assert len(told) == 6, "there is nothing new"


@pytest.mark.parametrize("axes", ["TYX", "YXT", "TCYX"])
def test_the_undo_of_napari_takes_back_strokes(qtbot, parent, axes):
    from napari.components import ViewerModel
    from napari.layers import Image

    from fastershift.plugin.layers._input import InputChoice
    from fastershift.plugin.learn._annotation_layer import AnnotationLayer

    sizes = {"T": 2, "C": 3, "Y": 40, "X": 40}
    viewer = ViewerModel()
    image = viewer.add_layer(Image(np.zeros([sizes[axis] for axis in axes])))
    marks = AnnotationLayer(viewer, parent)
    marks.show(InputChoice(image, "image", axes), SHAPE, {})
    layer, seen, told = marks.layer, [], frames_told(marks)
    for make in (
        lambda: marks.mark_cell(stroke(*circle(20, 20, 8), frame=1), None, 16.0),
        # In place of the one before.
        lambda: marks.mark_cell(stroke(*circle(20, 21, 7), frame=1), None, 16.0),
        lambda: marks.mark_background(stroke((4, 4), (4, 30)), None, 16.0),
        lambda: marks.forget(stroke((20, 20), frame=1)),
    ):
        seen.append(layer.data.copy())
        make()
        assert (layer.data != seen[-1]).any()
    assert told == [[1], [1], [0, 1], [0]]
    last = layer.data.copy()
    for before in reversed(seen):
        layer.undo()
        np.testing.assert_array_equal(layer.data, before)
    assert told[4:] == [[0, 1], [1], [1], []]
    for _ in seen:
        layer.redo()
    np.testing.assert_array_equal(layer.data, last)
    assert told[-1] == [0]


class Read:
    """Marks that tell which of their frames are read."""

    def __init__(self, stack, reads):
        self.stack, self.reads, self.shape = stack, reads, stack.shape

    def __len__(self):
        return len(self.stack)

    def __getitem__(self, frame):
        self.reads.add(frame)
        return self.stack[frame]

    def max(self):
        self.reads.update(range(len(self)))
        return self.stack.max()


def test_a_stroke_reads_the_frames_that_it_may_have_changed(qtbot, parent, monkeypatch):
    from napari.components import ViewerModel
    from napari.layers import Image

    from fastershift.plugin.layers._input import InputChoice
    from fastershift.plugin.learn import _marks
    from fastershift.plugin.learn._annotation_layer import AnnotationLayer

    viewer, reads, stack_of = ViewerModel(), set(), _marks.as_stack
    monkeypatch.setattr(
        _marks, "as_stack", lambda *given: Read(stack_of(*given), reads)
    )
    image = viewer.add_layer(Image(np.zeros((9, 40, 40))))
    viewer.dims.set_current_step(0, 3)
    marks = AnnotationLayer(viewer, parent)
    marks.show(InputChoice(image, "image", "TYX"), (9, 40, 40), {})
    layer, told = marks.layer, frames_told(marks)
    marks.mark_cell(stroke(*circle(20, 20, 8), frame=1), None, 16.0)
    marks.mark_cell(stroke(*circle(20, 20, 8), frame=5), None, 16.0)
    layer.mode = "paint"
    layer.paint((3, 20, 20), 7)
    layer.visible = False
    layer.visible = True
    assert told == [[1], [1, 5], [1, 3, 5]]
    assert reads == {1, 3, 5}
    # What is undone, and made again, may lie in any frame.
    viewer.dims.set_current_step(0, 8)
    for _ in range(3):
        layer.undo()
    for _ in range(3):
        layer.redo()
    assert told[3:] == [[1, 5], [1], [], [1], [1, 5], [1, 3, 5]]
    other = layer.data.copy()
    other[7, 4:8, 4:8] = 9
    layer.data = other
    assert told[-1] == [1, 3, 5, 7]


def test_a_deleted_layer_of_marks_comes_back_with_them(marks):
    from fastershift.plugin.layers._input import InputChoice

    viewer, image = marks._viewer, marks._viewer.layers["movie"]
    marks.mark_cell(stroke(*circle(20, 20, 8), frame=1), None, 16.0)
    deleted, before = marks.layer, marks.annotated()
    viewer.layers.remove(deleted)
    marks.show(InputChoice(image, "image", "TYX"), SHAPE, {})
    assert marks.layer in viewer.layers
    np.testing.assert_array_equal(marks.annotated()[1], before[1])
    told = frames_told(marks)
    deleted.undo()
    assert not told
    marks.mark_background(stroke((4, 4), (4, 30)), None, 16.0)
    assert told == [[0, 1]]


def test_marks_in_another_type_of_numbers_mean_the_same(marks):
    marks.mark_cell(stroke(*circle(20, 20, 8)), None, 16.0)
    before = marks.annotated()[0]
    marks.layer.data = marks.layer.data.astype(np.uint8)
    np.testing.assert_array_equal(marks.annotated()[0], before)
    assert marks.annotated()[0].min() == -1, "unknown"
    marks.mark_cell(stroke(*circle(32, 6, 4)), None, 16.0)
    assert marks.n_cells == 2
    marks.layer.undo()
    np.testing.assert_array_equal(marks.annotated()[0], before)


@pytest.mark.parametrize("three", [False, True])
def test_strokes_are_refused_where_the_picture_shows_several_frames(marks, three):
    dims, said = marks._viewer.dims, []
    marks.refused.connect(said.append)
    event = SimpleNamespace(button=1, type="mouse_press", position=(1, 4, 4))
    marks.listen(True)
    if three:
        dims.ndisplay = 3
    else:
        dims.order = (2, 0, 1)
        assert dims.displayed == (0, 1)
    assert next(marks._drag(None, event), "nothing") == "nothing"
    assert "one frame at a time" in said[0]
    dims.ndisplay, dims.order = 2, (0, 2, 1)
    assert next(marks._drag(None, event), "nothing") is None
    assert len(said) == 1


def test_what_is_marked_is_seen_also_in_a_hidden_layer(marks):
    marks.layer.visible = False
    marks.listen(True)
    assert marks.layer.visible
    marks.layer.visible = False
    marks._viewer.dims.set_current_step(0, 1)
    marks.mark_cell(stroke(*circle(20, 20, 8), frame=1), None, 16.0)
    assert marks.layer.visible
    assert marks.layer._slice.image.raw[20, 20] == 2, "in the frame in view"


@pytest.fixture
def teacher(qtbot, tmp_path, monkeypatch):
    """Learns in a folder of its own, and lets the network alone."""
    from qtpy.QtCore import QObject

    from fastershift.plugin.learn import _teacher

    monkeypatch.setattr(_teacher, "user_models_folder", lambda: tmp_path)
    monkeypatch.setattr(_teacher, "_MINUTES", 0.0)
    parent = QObject()
    yield _teacher.Teacher(parent)
    parent.deleteLater()


def keep(teacher, mark):
    """Keep marks of the first frame, as is done before anything is learned."""
    from fastershift.plugin.learn._teacher import _keep_marks

    _keep_marks(teacher._lesson.folder, {0: mark})


def start_model(folder, diameter, name="start"):
    """Write a model that votes at random."""
    import torch

    from fastershift.rshn import ModelCard, save_model

    card = ModelCard(
        name=name,
        filters=4,
        levels=2,
        channels=8,
        embedding="votes",
        diameter=diameter,
    )
    path = folder / f"{name}.safetensors"
    with torch.random.fork_rng():
        torch.manual_seed(5)
        save_model(card.network(), card, path)
    return str(path)


def test_marks_and_models_are_kept(teacher, qtbot, tmp_path, monkeypatch):
    from fastershift.io import as_movie
    from fastershift.rshn import Observer, load_model

    start = start_model(tmp_path, diameter=10.0)
    labels = np.full((1, 48, 48), 0, np.int32)
    for number, (row, column) in enumerate(
        [(4, 4), (4, 20), (4, 36), (20, 4), (20, 20)], start=1
    ):
        labels[0, row : row + 9, column : column + 9] = number
    noise = np.random.default_rng(0).normal(0, 0.05, labels.shape)
    movie = as_movie(((labels > 0) + noise).astype(np.float32))
    assert teacher.open(movie, "my/movie", start) == {}
    looks, see = [], Observer.see
    monkeypatch.setattr(
        Observer, "see", lambda *given: looks.append(given[2]) or see(*given)
    )
    # Marks come sooner than frames are looked at: nothing is begun anew.
    for cells in (1, 2):
        first = np.where((labels[0] > 0) & (labels[0] <= cells), labels[0], -1)
        teacher.keep({0: first}, teacher.folder)
        teacher.learn({0: first}, 9.0, learning=False)
    qtbot.waitUntil(lambda: not teacher.busy, timeout=120_000)
    assert looks == [0, 0, 0], "the frame, and at two other diameters"
    assert teacher.states == []
    np.testing.assert_array_equal(teacher.open(movie, "my/movie", start)[0], first + 1)
    with qtbot.waitSignal(teacher.taught, timeout=120_000) as taught:
        teacher.keep({0: labels[0]}, teacher.folder)
        teacher.learn({0: labels[0]}, 9.0)
    state = taught.args[0]
    assert load_model(state.path).card.training_data.startswith("5 cells marked")
    known = teacher.open(movie, "my/movie", start)
    np.testing.assert_array_equal(known[0], labels[0] + 1)
    assert [one.path for one in teacher.states] == [state.path]


def test_movies_of_one_name_keep_marks_of_their_own(teacher, tmp_path):
    from fastershift.io import as_movie

    draw = np.random.default_rng(0)
    movies = [as_movie(draw.random(shape)) for shape in (SHAPE, SHAPE, (2, 20, 30))]
    marks = [np.full(movie.shape[1:], n, np.int32) for n, movie in enumerate(movies)]
    for movie, mark in zip(movies, marks, strict=True):
        assert teacher.open(movie, "01", "auto") == {}
        keep(teacher, mark)
    for movie, mark in zip(movies, marks, strict=True):
        np.testing.assert_array_equal(teacher.open(movie, "01", "auto")[0], mark + 1)


def test_channels_that_begin_black_keep_marks_of_their_own(teacher):
    from fastershift.io import as_movie

    draw = np.random.default_rng(0).random((2, 3, 40, 40))
    draw[:, 0] = 0
    for number, channel in enumerate(draw, start=1):
        assert teacher.open(as_movie(channel), "01", "auto") == {}
        keep(teacher, np.full(SHAPE[1:], number, np.int32))


def test_what_a_movie_has_taught_is_not_what_it_is_learned_from(teacher, tmp_path):
    """A head that knows the marks would be as good as any on those kept out."""
    from fastershift.io import as_movie, write_file

    draw = np.random.default_rng(0)
    one, two = (as_movie(draw.random(SHAPE)) for _ in range(2))
    teacher.open(one, "one", "phase")
    folder = teacher._lesson.folder
    write_file(folder / "start.txt", b"phase")
    learned = folder / "0001.safetensors"
    learned.write_bytes(b"")
    teacher.open(one, "one", str(learned))
    assert teacher._lesson.start == "phase"
    teacher.open(one, "one", "generalist")
    assert teacher._lesson.start == "generalist", "another one was chosen"
    teacher.open(two, "two", str(learned))
    assert teacher._lesson.start == str(learned), "it goes on with another movie"


def test_it_learns_on_the_device_until_it_has_begun(monkeypatch):
    from fastershift.io import as_movie
    from fastershift.plugin.learn import _teacher

    monkeypatch.setattr(_teacher, "load_model", lambda name: name)
    monkeypatch.setattr(
        "fastershift.training.Learner",
        lambda *_, device, **__: SimpleNamespace(on=device),
    )
    movie = as_movie(np.zeros(SHAPE))
    lesson = _teacher._Lesson(movie, "m", None, "auto")
    for device in ("cpu", "cuda"):
        learner = _teacher._learner_at(lesson, 9.0, device, False)
        assert learner.on == device
    assert _teacher._learner_at(lesson, 9.0, "cuda", True) is learner
    assert _teacher._learner_at(lesson, 9.0, "cpu", True) is learner


def test_a_sentence_that_says_why_nothing_is_learned_stays(teacher, qtbot):
    from fastershift.io import as_movie

    said = []
    teacher.message.connect(said.append)
    teacher.open(as_movie(np.random.default_rng(0).random(SHAPE)), "m", "cosine")
    mark = np.full(SHAPE[1:], -1, np.int32)
    mark[2:8, 2:8], mark[12:18, 2:8], mark[22:28, 2:8] = 1, 2, 3
    teacher.learn({0: mark}, 9.0)
    qtbot.waitUntil(lambda: not teacher.busy)
    assert "does not vote" in said[-1]


def test_learning_is_told_while_it_waits_for_a_look(teacher, qtbot, monkeypatch):
    from contextlib import contextmanager

    from fastershift.io import as_movie

    go_on, said = threading.Event(), []

    @contextmanager
    def held():
        assert go_on.wait(60)
        yield

    monkeypatch.setattr("fastershift.plugin.qt._tasks.spare_core", held)
    teacher.open(as_movie(np.random.default_rng(0).random(SHAPE)), "m", "auto")
    marked = {0: np.ones(SHAPE[1:], np.int32)}
    teacher.message.connect(said.append)
    teacher.learn(marked, 9.0, learning=False)
    assert "Learning …" not in said
    teacher.learn(marked, 9.0)
    assert said[-1] == "Learning …"
    teacher.stop()
    go_on.set()
    qtbot.waitUntil(lambda: not teacher.ending)


def test_marks_that_cannot_be_kept_are_told_until_they_are(teacher, qtbot, monkeypatch):
    from fastershift.io import as_movie
    from fastershift.plugin.learn import _teacher

    said, keep_marks = [], _teacher._keep_marks

    def full(*_):
        raise OSError(28, "No space left on device")

    teacher.unkept.connect(said.append)
    movie = as_movie(np.random.default_rng(0).random(SHAPE))
    teacher.open(movie, "m", "auto")
    monkeypatch.setattr(_teacher, "_keep_marks", full)
    teacher.keep({0: np.ones(SHAPE[1:], np.int32)}, teacher.folder)
    qtbot.waitUntil(lambda: bool(said))
    assert "space" in said[-1]
    monkeypatch.setattr(_teacher, "_keep_marks", keep_marks)
    teacher.keep({0: np.ones(SHAPE[1:], np.int32)}, teacher.folder)
    qtbot.waitUntil(lambda: said[-1] == "")
    assert list(teacher.open(movie, "m", "auto")) == [0]


def test_marks_of_one_movie_are_kept_where_those_of_another_cannot_be(tmp_path):
    from fastershift.plugin.learn._teacher import _Unkept

    marks, unkept = {0: np.ones(SHAPE[1:], np.int32)}, _Unkept()
    (tmp_path / "one").touch()
    for name in ("one", "two"):
        unkept.put(tmp_path / name, marks)
    with pytest.raises(OSError, match="one"):
        list(unkept.write())
    assert (tmp_path / "two" / "marks.npz").exists()
    assert list(unkept.of(tmp_path / "one")) == [0]
    assert unkept.of(tmp_path / "two") is None


def test_newer_marks_that_come_while_older_are_written_are_kept(tmp_path, monkeypatch):
    from fastershift.plugin.learn import _teacher

    class Slow(dict):
        """Lets newer marks come just when the older ones are compared with them."""

        def __getitem__(self, folder):
            found = super().__getitem__(folder)
            newer.start()
            newer.join(0.3)
            return found

    unkept = _teacher._Unkept()
    unkept._marks = Slow({tmp_path: {0: np.ones(SHAPE[1:], np.int32)}})
    two = {1: np.ones(SHAPE[1:], np.int32)}
    newer = threading.Thread(target=unkept.put, args=(tmp_path, two))
    list(unkept.write())
    newer.join(60)
    assert list(unkept.of(tmp_path)) == [1]


def test_marks_that_wait_are_kept_when_the_window_is_closed(teacher, monkeypatch):
    from fastershift.io import as_movie

    movie = as_movie(np.random.default_rng(0).random(SHAPE))
    teacher.open(movie, "m", "auto")
    monkeypatch.setattr(teacher._keeping, "follow", lambda _task: None)
    teacher.keep({1: np.ones(SHAPE[1:], np.int32)}, teacher.folder)
    teacher._unkept.write_last()
    assert teacher._unkept.of(teacher._lesson.folder) is None
    assert list(teacher.open(movie, "m", "auto")) == [1]


def test_marks_stay_with_their_movie_when_another_is_opened_at_once(
    teacher, qtbot, monkeypatch
):
    from contextlib import contextmanager

    from fastershift.io import as_movie

    draw = np.random.default_rng(0)
    one, two = as_movie(draw.random(SHAPE)), as_movie(draw.random(SHAPE))
    ones, fives = np.ones(SHAPE[1:], np.int32), np.full(SHAPE[1:], 5, np.int32)
    teacher.open(two, "two", "auto")
    keep(teacher, fives)
    begun, go_on = threading.Event(), threading.Event()

    @contextmanager
    def held():
        begun.set()
        assert go_on.wait(60)
        yield

    monkeypatch.setattr("fastershift.plugin.qt._tasks.spare_core", held)
    teacher.open(one, "one", "auto")
    teacher.keep({0: ones}, teacher.folder)
    assert begun.wait(60)
    teacher.open(two, "two", "auto")
    go_on.set()
    qtbot.waitUntil(lambda: not teacher._keeping.busy)
    np.testing.assert_array_equal(teacher.open(two, "two", "auto")[0], fives + 1)
    np.testing.assert_array_equal(teacher.open(one, "one", "auto")[0], ones + 1)


def test_marks_are_found_when_the_movie_is_called_otherwise(teacher):
    from fastershift.io import as_movie

    drawn = np.random.default_rng(0).random(SHAPE)
    black = drawn.copy()
    black[0] = 0
    mark = np.full(SHAPE[1:], 3, np.int32)
    # Movies of one grey value are not told from one another.
    for pixels, found in ((drawn, [0]), (black, [0]), (0 * drawn, [])):
        movie = as_movie(pixels)
        assert teacher.open(movie, "Monday", "auto") == {}
        keep(teacher, mark)
        assert list(teacher.open(movie, "Tuesday", "auto")) == found
        assert list(teacher.open(movie, "Monday", "auto")) == [0]


def test_a_damaged_model_among_those_learned_is_left_out(teacher):
    from fastershift.io import as_movie

    movie = as_movie(np.ones(SHAPE))
    teacher.open(movie, "m", "auto")
    keep(teacher, np.ones(SHAPE[1:], np.int32))
    (teacher._lesson.folder / "0001.safetensors").write_bytes(b"no model")
    assert len(teacher.open(movie, "m", "auto")) == 1
    assert teacher.states == []


def test_from_three_marks_on_the_preview_follows(user, tmp_path, monkeypatch):
    """Cells are marked in the docked widget until a learned model is in use."""
    from fastershift.plugin.learn import _teacher
    from fastershift.rshn import _registry, load_model

    for module in (_teacher, _registry):
        monkeypatch.setattr(module, "user_models_folder", lambda: tmp_path)
    monkeypatch.setattr(_teacher, "_MINUTES", 0.0)
    rows, columns = np.indices((64, 64))
    places = [(r, c) for r in (10, 30, 52) for c in (10, 30, 52)]
    frame = np.random.default_rng(0).normal(0, 0.05, (64, 64)).astype(np.float32)
    for row, column in places:
        frame += np.hypot(rows - row, columns - column) <= 6
    user.viewer.add_image(np.stack([frame, frame]), name="discs")
    widget = user.widget
    widget._input.model.touch(start_model(tmp_path, diameter=12.0))
    section = widget._learn
    user.click("learn_cell")
    assert "discs marks" in user.names
    for row, column in places[:5]:
        section._on_drawn(stroke(*circle(row, column, 6)))
    user.wait(lambda: bool(section._teacher.states))
    user.wait_threads()
    learned = section._teacher.states[-1]
    assert widget._input.model.value == str(learned.path)
    drawn = [curve.getData()[1][-1] for curve in section.agreement._curves]
    assert drawn == [learned.quality, learned.shown]
    user.click("preview")
    user.wait_idle()
    found = user.stack("discs [preview]")[0]
    assert len(np.unique(found)) - 1 == len(places)
    section.keep("mine")
    kept = (tmp_path / "mine.safetensors").read_bytes()
    for name in ("mine", "generalist", "../mine", "a/b", "n" * 300, ".hidden"):
        section.keep(name)
    assert (tmp_path / "mine.safetensors").read_bytes() == kept
    assert sorted(one.name for one in tmp_path.glob("*.safetensors")) == [
        "mine.safetensors",
        "start.safetensors",
    ]
    user.click("learn_cell")
    assert user.viewer.scene.camera.mouse_pan

    start_model(tmp_path, diameter=12.0, name="other")
    section._list_starts()
    offered = [action.text() for action in section.starts.actions()]
    assert {"mine", "other", "generalist"} <= set(offered)
    section.start_from("other")
    user.wait(lambda: len(section._teacher.states) > 1)
    user.wait_threads()
    newest = load_model(section._teacher.states[-1].path)
    assert "begun from the model other" in newest.card.training_data
    section._go_back(0)
    assert section.pause.isChecked()
    assert widget._input.model.value == str(learned.path)


def test_marks_are_kept_in_a_pause_and_the_diameter_may_be_auto(
    user, tmp_path, monkeypatch
):
    from fastershift.plugin.learn import _teacher

    monkeypatch.setattr(_teacher, "user_models_folder", lambda: tmp_path)
    user.viewer.add_image(np.random.default_rng(0).random(SHAPE), name="movie")
    section, asked = user.widget._learn, []
    monkeypatch.setattr(
        section._teacher, "learn", lambda *given, **how: asked.append((given[1:], how))
    )
    user.choose("device", "cpu")
    user.click("learn_cell")
    user.click("learn_pause")
    section._on_drawn(stroke(*circle(20, 20, 6)))
    user.wait(lambda: not section._teacher._keeping.busy)
    (file,) = (tmp_path / "learning").glob("*/marks.npz")
    with np.load(file) as kept:
        assert (kept["0"] > 1).any()
    assert not asked
    user.click("learn_pause")
    assert asked == [((None, "cpu"), {"learning": False})]
    # Nothing is learned from marks that are gone.
    stopped = []
    monkeypatch.setattr(section._teacher, "stop", lambda: stopped.append(1))
    section._marks.forget(stroke((20, 20)))
    assert stopped
    user.wait(lambda: not section._teacher._keeping.busy)
    with np.load(file) as kept:
        assert not kept.files


@pytest.fixture
def two_movies(user, tmp_path, monkeypatch):
    """Layers called one and two, and a folder of their own for what is learned."""
    from fastershift.plugin.learn import _teacher

    monkeypatch.setattr(_teacher, "user_models_folder", lambda: tmp_path)
    draw = np.random.default_rng(0)
    for name in ("one", "two"):
        user.viewer.add_image(draw.random(SHAPE), name=name)


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_the_plot_can_be_read_in_every_theme(user, theme):
    from napari.utils.theme import get_theme

    user.viewer.theme = theme
    axis = user.find("agreement").getAxis("left")
    text = get_theme(theme).text.as_hex(format="long")
    assert axis.textPen().color().name() == axis.pen().color().name() == text


def test_who_has_not_chosen_a_channel_is_asked_to(user):
    user.viewer.add_image(np.zeros((2, 2, 40, 40)), name="movie")
    user.click("learn_cell")
    assert user.status == (
        "movie has 2 channels; choose one channel, from 0 to 1 (see Channel)."
    )
    assert not user.find("learn_cell").isChecked()
    user.choose("input_kind", "embedding")
    user.click("learn_cell")
    assert user.status == "Choose an image layer first: cells are marked in it."


@pytest.mark.usefixtures("two_movies")
def test_a_movie_that_cannot_be_opened_leaves_the_marks_of_the_former(
    user, monkeypatch
):
    section = user.widget._learn
    user.choose("layer", "one")
    user.click("learn_cell")
    one = section._teacher._lesson.folder
    opened = section._teacher.open

    def fail(*_):
        raise OSError("The disk is gone.")

    monkeypatch.setattr(section._teacher, "open", fail)
    user.choose("layer", "two")
    user.click("learn_cell")
    assert not user.find("learn_cell").isChecked()
    monkeypatch.setattr(section._teacher, "open", opened)
    user.click("learn_cell")
    assert section._teacher._lesson.folder != one


def test_the_tool_is_put_away_when_another_movie_is_chosen(user, tmp_path, monkeypatch):
    from fastershift.plugin.learn import _teacher

    monkeypatch.setattr(_teacher, "user_models_folder", lambda: tmp_path)
    draw = np.random.default_rng(0)
    for name, shape in (("one", SHAPE), ("two", (2, *SHAPE))):
        user.viewer.add_image(draw.random(shape, np.float32), name=name)
    user.choose("layer", "one")
    user.click("learn_cell")
    assert user.find("learn_cell").isChecked()
    layer = user.viewer.layers["one marks"]
    layer.data_setitem(np.nonzero(np.eye(*SHAPE[1:])[None][[0, 0]]), 2)
    user.wait(lambda: "marked" in user.find("learn_words").text())
    told = user.find("learn_words").text()
    user.choose("layer", "two")
    assert not user.find("learn_cell").isChecked()
    assert user.viewer.scene.camera.mouse_pan
    assert user.find("learn_words").text().startswith("Mark 3 cells")
    user.choose("layer", "one")
    assert user.find("learn_words").text() == told
    user.choose("layer", "two")
    # The other channel of a layer is another movie, too.
    for channel in "01":
        user.choose("channel", channel)
        assert not user.find("learn_cell").isChecked()
        user.click("learn_cell")
        assert user.find("learn_cell").isChecked()
    marks = user.viewer.layers["one marks"]
    marks.data[0, 2:6, 2:6] = 2
    user.choose("layer", "one")
    user.click("learn_cell")
    # The layer that was made is gone on with.
    assert user.widget._learn._marks.layer is marks
    assert [name for name in user.names if "marks" in name] == [
        "one marks",
        "two marks",
        "two marks [1]",
    ]


@pytest.mark.usefixtures("two_movies")
def test_what_was_learned_is_listed_for_its_own_movie_alone(user, tmp_path):
    from fastershift.plugin.learn._teacher import State

    section = user.widget._learn
    user.choose("layer", "one")
    user.click("learn_cell")
    state = State(tmp_path / "one 1.safetensors", "3 cells", 0.8, 0.6, 0.9, 20.0)
    section._teacher.states.append(state)
    section._list_states()
    user.choose("layer", "two")
    assert section.states.count() == 0
    user.choose("layer", "one")
    assert section.states.currentText() == "one 1: agreement 0.80, 3 cells"


@pytest.mark.usefixtures("two_movies")
def test_what_is_painted_into_the_marks_of_another_movie_is_kept_there(user, tmp_path):
    section = user.widget._learn
    for name in ("one", "two"):
        user.choose("layer", name)
        user.click("learn_cell")
    layer = user.viewer.layers["one marks"]
    with layer.block_history():  # as a stroke of the mouse does
        layer.paint((1, 10, 10), 2)
    assert section._marks.annotated() == {}
    user.wait(lambda: not section._teacher._keeping.busy)
    (file,) = (tmp_path / "learning").glob("*/marks.npz")
    assert file.parent.name.startswith("one")
    with np.load(file) as kept:
        assert kept.files == ["1"]
    user.choose("layer", "one")
    user.click("learn_cell")
    assert list(section._marks.annotated()) == [1]


def test_marks_that_were_kept_come_back_and_damaged_ones_do_not(
    qtbot, tmp_path, monkeypatch
):
    from qtpy.QtCore import QObject

    from fastershift.io import as_movie
    from fastershift.plugin.learn import _teacher

    monkeypatch.setattr(_teacher, "user_models_folder", lambda: tmp_path)
    movie = as_movie(np.ones(SHAPE))
    folder = f"movie {_teacher._mark_of(movie, movie[0])}"
    file = tmp_path / "learning" / folder / "marks.npz"
    file.parent.mkdir(parents=True)
    kept = {"0": np.full(SHAPE[1:], 2), "1": np.zeros((3, 3)), "7": np.ones(SHAPE[1:])}
    np.savez_compressed(file, **kept)
    whole, parent = file.read_bytes(), QObject()

    def opened():
        return _teacher.Teacher(parent).open(movie, "movie", "generalist")

    # Frames of another movie with this name are left out.
    assert list(opened()) == [0]
    np.testing.assert_array_equal(opened()[0], kept["0"])
    for damaged in (b"", b"no marks", whole[: len(whole) // 2]):
        file.write_bytes(damaged)
        assert opened() == {}
    parent.deleteLater()


def test_corrected_frames_are_learned_from(user, movie, tmp_path, monkeypatch):
    from fastershift.plugin.correct._tools import Pick
    from fastershift.plugin.files._readers import track_layers
    from fastershift.plugin.learn import _teacher

    monkeypatch.setattr(_teacher, "user_models_folder", lambda: tmp_path)
    user.viewer.add_image(np.array(movie.frames), name="movie")
    rows = [tuple(track) for track in movie.tracks]
    for data, attributes, kind in track_layers(movie.labels.copy(), rows, "movie"):
        getattr(user.viewer, f"add_{kind}")(data, **attributes)
    user.wait_threads()
    section = user.widget._learn
    asked = []

    def learn(marked, *_, learning):
        assert learning
        asked.append(marked)

    monkeypatch.setattr(section._teacher, "learn", learn)
    user.click("learn_cell")
    assert not asked
    assert section.words.text().startswith("0 cells marked. Mark 3 more")

    corrector = user.widget._correct.corrector
    cells = user.viewer.layers["movie [cells]"].data
    track = int(cells[2].max())
    row, column = np.argwhere(cells[2] == track)[0]
    corrector.tools.select("grow")
    corrector.tools.click(Pick(2, int(row), int(column), track))
    corrector.tools.accept("frame")
    corrector.tools.select("grow")
    section._on_drawn(stroke(*circle(30, 30, 6), frame=0))
    (marked,) = asked
    assert sorted(marked) == [0, 2]
    assert (marked[0] > 0).any()
    np.testing.assert_array_equal(marked[2] > 0, cells[2] > 0)
    count = 1 + len(np.unique(cells[2])) - 1
    assert section.words.text().startswith(f"{count} cells marked")

    user.viewer.add_image(np.array(movie.frames)[::-1], name="other")
    user.choose("layer", "other")
    user.click("learn_cell")
    assert section.words.text().startswith("0 cells marked")
