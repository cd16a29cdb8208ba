"""What can be learned from: movies with labels, stills with masks; what is kept out."""

import numpy as np
import pytest
import tifffile

from fastershift.errors import InputError
from fastershift.io import as_movie
from fastershift.training import (
    LabelledMovie,
    TruthOptions,
    load_pair_truth,
    read_training_data,
)
from helpers.movies import TWO_CELLS_TOUCH_THEN_ONE_LEAVES as TOUCH

RNG = np.random.default_rng(0)


def discs(*places, shape=(64, 72), radius=7):
    """Label image with a disc around each place."""
    rows, columns = np.indices(shape)
    labels = np.zeros(shape, np.uint16)
    for number, (row, column) in enumerate(places, 1):
        labels[np.hypot(rows - row, columns - column) <= radius] = number
    return labels


def seen(labels):
    """Image of cells: brighter than the background, and noisy."""
    noise = RNG.integers(0, 60, labels.shape)
    return (800 * (labels > 0) + noise).astype(np.uint16)


MOVING = np.stack([discs((20, 15 + 3 * t), (45, 50 - 2 * t)) for t in range(10)])


def labelled(labels, name="movie"):
    return LabelledMovie(
        name, as_movie(seen(labels), "TYX"), as_movie(labels, "TYX", name="truth")
    )


def truth_of(movie, **options):
    return load_pair_truth(movie.images, movie.labels, **options)


def test_cells_are_numbered_from_one_and_unknown_stays_unknown():
    labels = TOUCH.labels.astype(np.int32) * 70
    labels[1, 4] = -5
    truth = truth_of(labelled(labels))
    np.testing.assert_array_equal(
        np.stack(truth.labels), np.where(labels > 0, labels // 70, labels.clip(-1))
    )
    # Outlines hold cells alone.
    np.testing.assert_array_equal(np.stack(truth.outlines), labels.clip(0) // 70)
    assert truth.known == (0, 1, 2, 3, 4)


def test_the_diameter_is_that_of_the_typical_cell_or_what_was_given():
    movie = labelled(TOUCH.labels)
    # All cells have nine pixels.
    assert truth_of(movie).diameter == pytest.approx(2 * np.sqrt(9 / np.pi))
    assert truth_of(movie, diameter=5.5).diameter == 5.5


def test_frames_of_which_nothing_is_known_are_counted():
    labels = MOVING.astype(np.int32)
    labels[[0, 4]] = -1
    truth = truth_of(labelled(labels))
    assert truth.known == (1, 2, 3, 5, 6, 7, 8, 9)
    assert truth.source.endswith("8 of 10 frames labelled")
    assert truth_of(labelled(MOVING)).source.endswith(": 10 frames labelled")
    only = truth.only([2, 3])
    assert only.known == (2, 3)
    assert len(only.frames) == 10
    assert not any(one.any() for t, one in enumerate(only.markers) if t not in (2, 3))
    assert truth.cut(1, 4).known == (0, 1, 2)


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        (MOVING.astype(np.float32), "labels are whole numbers"),
        (MOVING[:9], "must be the same"),
        (MOVING[:, :-1], "must be the same"),
        (np.zeros_like(MOVING), "no labelled cell"),
        (seen(MOVING), "holds no labels"),
        ((MOVING > 0).astype(np.uint8), "have the number 1, as in a mask"),
    ],
)
def test_labels_that_do_not_belong_to_a_movie_are_a_sentence(labels, sentence):
    movie = as_movie(seen(MOVING), "TYX")
    with pytest.raises(InputError, match=sentence):
        load_pair_truth(movie, as_movie(labels, "TYX"))


@pytest.mark.parametrize(
    "options",
    [{"border": -1}, {"reach": -0.5}, {"reach": np.nan}, {"diameter": 0.5}],
)
def test_options_that_mean_nothing_are_a_sentence(options):
    with pytest.raises(InputError):
        TruthOptions(**options)


@pytest.mark.parametrize(("count", "learned"), [(10, 8), (5, 3), (4, 2), (3, 3)])
def test_the_last_fifth_is_kept_out_and_two_frames_at_least(count, learned):
    data = read_training_data([labelled(MOVING[:count])], 16.0)
    (movie,) = data.movies
    assert len(movie.frames) == learned
    assert len(data.parts) == (learned < count)
    told = "too short for validation"
    if learned < count:
        told = f"frames {learned}:{count} are kept out"
    assert told in data.sources[0]


def test_each_thing_that_was_named_has_the_same_weight():
    far = np.full((40, 64, 72), -1, np.int32)
    far[[0, 1, 30]] = MOVING[[0, 1, 2]]
    data = read_training_data([labelled(MOVING), labelled(far, "far")], 16.0)
    assert data.names == ("movie", "far")
    # Of three known frames one is kept out; the others lie side by side.
    weights = [movie.weight for movie in data.movies]
    assert weights == [1.0, 1.0]
    assert not data.simulated


@pytest.mark.parametrize(("factor", "alike"), [(1, True), (2, False)])
def test_movies_of_one_scale_have_one_diameter(factor, alike):
    larger = MOVING.repeat(factor, axis=1).repeat(factor, axis=2)
    data = read_training_data([labelled(MOVING), labelled(larger)], 16.0)
    own = truth_of(labelled(MOVING)).diameter
    assert data.diameter == (round(own, 1) if alike else None)


def stills(folder, count=6, *, shape=(64, 72)):
    """Folders of images and their masks; the last image has most cells."""
    for name in ("images", "masks"):
        (folder / name).mkdir()
    for number in range(count):
        places = [(15 + 20 * n, 12 + 9 * number) for n in range(1 + number % 3)]
        labels = discs(*places, shape=shape)
        tifffile.imwrite(folder / "images" / f"{number}.tif", seen(labels))
        tifffile.imwrite(folder / "masks" / f"{number}.tif", labels)
    return f"stills:{folder / 'images'}={folder / 'masks'}"


def test_stills_are_movies_of_one_frame(tmp_path):
    data = read_training_data([stills(tmp_path)], 16.0)
    assert len(data.movies) == 5
    assert all(movie.still and len(movie.frames) == 1 for movie in data.movies)
    assert sum(movie.weight for movie in data.movies) == pytest.approx(1)
    assert len(data.parts) == 1
    assert data.names == (tmp_path.name,)
    assert data.sources[0].endswith("6 stills; the last 1 kept out")


@pytest.mark.parametrize(("radius", "alike"), [(7, True), (14, False)])
def test_stills_of_one_scale_have_one_diameter(tmp_path, radius, alike):
    argument = stills(tmp_path)
    larger = discs((30, 30), radius=radius)
    tifffile.imwrite(tmp_path / "masks" / "3.tif", larger)
    data = read_training_data([argument], 16.0)
    assert (data.diameter is not None) == alike


def test_what_is_called_simulated_need_not_be(tmp_path):
    folder = tmp_path / "simulated not at all"
    folder.mkdir()
    data = read_training_data([stills(folder)], 16.0)
    assert not data.simulated
    assert data.diameter is not None


def test_stills_without_a_cell_are_left_out(tmp_path):
    argument = stills(tmp_path, 3)
    empty = np.zeros((64, 72), np.uint16)
    tifffile.imwrite(tmp_path / "masks" / "1.tif", empty)
    assert len(read_training_data([argument], 16.0).movies) == 1
    tifffile.imwrite(tmp_path / "masks" / "2.tif", empty)
    with pytest.raises(InputError, match="needs 2 images with cells"):
        read_training_data([argument], 16.0)


def test_stills_need_a_mask_each_and_one_frame(tmp_path):
    argument = stills(tmp_path, 3)
    (tmp_path / "masks" / "1.tif").rename(tmp_path / "masks" / "other.tif")
    with pytest.raises(InputError, match="no mask for 1"):
        read_training_data([argument], 16.0)
    for name in ("images", "masks"):
        tifffile.imwrite(tmp_path / name / "1.tif", MOVING[:2])
    with pytest.raises(InputError, match="stills are single images"):
        read_training_data([argument], 16.0)


@pytest.mark.parametrize(
    ("argument", "sentence"),
    [
        ("stills:images", "must be stills:IMAGES=MASKS"),
        ("stills:{0}/nowhere={0}", "no folder"),
        ("stills:{0}={0}", "the movie itself"),
        ("stills:{0}={0}/..", "no image in"),
        ("{0}/movie.tif={0}/../{0.name}/movie.tif", "the movie itself"),
        ("{0}/movie.tif", "is not training data"),
        ("{0}", "no frames"),
    ],
)
def test_what_is_not_training_data_is_a_sentence(tmp_path, argument, sentence):
    with pytest.raises(InputError, match=sentence):
        read_training_data([argument.format(tmp_path)], 16.0)


def test_a_jpeg_holds_no_masks(tmp_path):
    argument = stills(tmp_path, 3)
    (tmp_path / "masks" / "1.tif").rename(tmp_path / "masks" / "1.jpg")
    pair = f"{tmp_path / 'images' / '0.tif'}={tmp_path / 'masks' / '1.jpg'}"
    for one in (argument, pair):
        with pytest.raises(InputError, match="is a JPEG"):
            read_training_data([one], 16.0)


def test_files_of_a_movie_and_its_labels_are_read(tmp_path):
    tifffile.imwrite(tmp_path / "images.tif", seen(MOVING))
    tifffile.imwrite(tmp_path / "labels.tif", MOVING)
    argument = f"{tmp_path / 'images.tif'}={tmp_path / 'labels.tif'}"
    data = read_training_data([argument], 16.0)
    assert data.names == ("images",)
    assert len(data.movies[0].frames) == 8
    with pytest.raises(InputError, match="nothing to train on"):
        read_training_data([], 16.0)
