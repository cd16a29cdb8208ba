"""What can be looked at of an embedding, without a window."""

from dataclasses import replace

import numpy as np
import pytest

from fastershift.errors import InputError
from fastershift.rshn import RSHN, ModelCard, save_model
from fastershift.session import Pixel, Session, SessionInput
from fastershift.simulate import simulate_movie

H = 0.2


@pytest.fixture(scope="module")
def movie():
    return simulate_movie(5, (60, 72), 5, diameter=16, seed=3, cell_cycle=float("inf"))


def embed(labels, channels=12, noise=0.02):
    """Give every track an axis of its own, and background the first."""
    rng = np.random.default_rng(0)
    codes = np.where(labels == 0, 0, 1 + (labels - 1) % (channels - 1))
    vectors = np.eye(channels)[codes]
    vectors = vectors + rng.normal(0, noise, (*labels.shape, channels))
    return np.moveaxis(vectors, -1, 1).astype(np.float32)


@pytest.fixture(scope="module")
def embeddings(movie):
    return embed(movie.labels)


@pytest.fixture
def session(embeddings):
    opened = Session()
    opened.open(SessionInput(embeddings=embeddings))
    return opened


SETTINGS = {"cluster": {"bandwidth": H}, "track": {"smallest_cell": 0}}


def last(steps):
    return [step for step in steps if step is not None][-1]


def inside(labels, frame, cell):
    """A pixel in the middle of a cell."""
    places = np.argwhere(labels[frame] == cell)
    middle = places[np.abs(places - places.mean(axis=0)).sum(axis=1).argmin()]
    return Pixel(frame, *map(int, middle))


def cells_of(labels, frame):
    return [int(one) for one in np.unique(labels[frame]) if one]


def test_similarity_to_a_pixel_is_the_cosine_in_its_frame_and_those_after(
    session, movie, embeddings
):
    cell = cells_of(movie.labels, 1)[0]
    pixel = inside(movie.labels, 1, cell)
    found = [one for one in session.views.similarity(pixel, SETTINGS) if one]
    assert [one.frame for one in found] == [1, 2, 3, 4]
    unit = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
    target = unit[1, :, pixel.row, pixel.column]
    for one in found:
        expected = np.einsum("c,cyx->yx", target, unit[one.frame])
        np.testing.assert_allclose(one.similarity, expected, atol=2e-3)
        np.testing.assert_array_equal(one.within(H), movie.labels[one.frame] == cell)
        assert not one.within(0).all()
    assert not found[0].foreground[movie.labels[1] == 0].any()


def test_a_pixel_of_the_last_frame_is_like_no_frame_before_it(session, movie):
    pixel = inside(movie.labels, 4, cells_of(movie.labels, 4)[0])
    found = [one for one in session.views.similarity(pixel, SETTINGS) if one]
    assert [one.frame for one in found] == [4]


def test_coordinates_count_in_the_similarity_where_they_count_in_the_clustering(
    session, movie
):
    pixel = inside(movie.labels, 0, cells_of(movie.labels, 0)[0])
    chosen = {"cluster": {**SETTINGS["cluster"], "coordinate_weight": 0.05}}
    plain = last(session.views.similarity(pixel, SETTINGS)).similarity
    near = last(session.views.similarity(pixel, chosen)).similarity
    assert np.abs(plain - near).max() > 0.05


def test_a_cell_keeps_its_colour_through_the_movie(session, movie):
    shown = [last(session.views.colours(t, SETTINGS)).colours for t in range(5)]
    for cell in cells_of(movie.labels, 0):
        colours = [
            np.median(shown[t][movie.labels[t] == cell], axis=0)
            for t in range(5)
            if (movie.labels[t] == cell).any()
        ]
        assert np.ptp(colours, axis=0).max() <= 12
    middle = {
        cell: np.median(shown[0][movie.labels[0] == cell], axis=0)
        for cell in cells_of(movie.labels, 0)
    }
    apart = [np.abs(middle[a] - middle[b]).max() for a in middle for b in middle]
    assert max(apart) > 100
    # What is shown first settles the axes: another order, another session, the same.
    other = Session()
    other.open(session.input)
    for t in (0, 4):
        again = last(other.views.colours(t, SETTINGS)).colours
        np.testing.assert_array_equal(again, shown[t])


@pytest.mark.parametrize("n_pixels", [0, 20])
def test_a_first_frame_of_almost_no_cells_does_not_settle_the_colours(
    movie, embeddings, n_pixels
):
    opened, other = Session(), Session()
    mask = movie.labels > 0
    mask[:2] = False
    mask[0].flat[np.flatnonzero(movie.labels[0])[:n_pixels]] = True
    for one in (opened, other):
        given = SessionInput(embeddings=embeddings, background="mask", mask=mask)
        one.open(given)
    last(opened.views.colours(0, SETTINGS))
    shown = last(opened.views.colours(3, SETTINGS))
    expected = last(other.views.colours(3, SETTINGS))
    np.testing.assert_array_equal(shown.colours, expected.colours)
    assert np.ptp(shown.colours[mask[3]], axis=0).max() > 100
    kept = last(opened.views.colours(0, SETTINGS)).axes
    np.testing.assert_array_equal(kept.axes, shown.axes.axes)


def test_background_is_dimmed(session, movie):
    shown = last(session.views.colours(2, SETTINGS)).colours
    assert shown[movie.labels[2] == 0].mean() < shown[movie.labels[2] > 0].mean()


def test_seeds_lie_on_cells_and_end_in_the_mode_of_their_cell(session, movie):
    found = last(session.views.seeds(2, SETTINGS))
    preview = last(session.preview(2, SETTINGS))
    assert len(found.seeds) == preview.report.seeds
    assert set(np.unique(found.seeds[:, 0])) == {1, 2}
    cell_of = {}
    for (frame, row, column), cluster in zip(found.seeds, found.clusters, strict=True):
        cell = movie.labels[int(frame), int(row), int(column)]
        assert cell
        if cluster:
            assert cell_of.setdefault(int(cluster), cell) == cell
    assert (found.clusters > 0).mean() > 0.8
    for (frame, row, column), cluster in zip(
        found.modes, found.mode_clusters, strict=True
    ):
        assert frame == 2
        assert preview.clusters[int(row), int(column)] == cluster
        assert movie.labels[2, int(row), int(column)] == cell_of[int(cluster)]


def test_seeds_are_those_of_the_preview_and_cost_no_further_clustering(
    session, monkeypatch
):
    from fastershift.session import _preview

    last(session.preview(3, SETTINGS))
    monkeypatch.setattr(_preview, "cluster_pair", None)
    found = last(session.views.seeds(3, SETTINGS))
    assert len(found.seeds)


def explain(session, first, second, settings=SETTINGS):
    return last(session.views.explain(first, second, settings))


def test_why_not_one_cell(session, movie, embeddings):
    labels = movie.labels
    one, two, *_ = cells_of(labels, 2)
    first, second = inside(labels, 2, one), inside(labels, 2, two)
    nearby = Pixel(2, first.row + 1, first.column)
    assert explain(session, first, nearby).startswith("They are one cell")
    assert explain(session, first, inside(labels, 1, one)).startswith("They are one")
    said = explain(session, first, second)
    unit = embeddings[2] / np.linalg.norm(embeddings[2], axis=0)
    cosine = unit[:, first.row, first.column] @ unit[:, second.row, second.column]
    assert "two cells because their vectors are too different" in said
    assert f"similarity {cosine:.3f}, 1 − h = {1 - H:.3f}" in said
    empty = Pixel(2, *map(int, np.argwhere(labels[2] == 0)[0]))
    assert explain(session, first, empty).startswith("The second pixel is background")
    assert explain(session, empty, empty).startswith("Both pixels are background")


def two_squares(*, touching, first=0.0, second=0.0):
    """Two squares whose vectors turn away from one axis by two angles."""
    vectors = np.zeros((2, 4, 24, 24), dtype=np.float32)
    vectors[:, 0] = 1
    left, right = slice(2, 10), slice(10 if touching else 14, 22)
    for columns, angle in ((left, first), (right, second)):
        vectors[:, :, 4:16, columns] = 0
        vectors[:, 1, 4:16, columns] = np.cos(angle)
        vectors[:, 2, 4:16, columns] = np.sin(angle)
    opened = Session()
    opened.open(SessionInput(embeddings=vectors))
    return opened


def test_why_not_one_cell_where_parts_of_a_cluster_do_not_touch():
    said = explain(two_squares(touching=False), Pixel(0, 8, 4), Pixel(0, 8, 18))
    assert "one cluster" in said
    assert "do not touch" in said


def test_why_not_one_cell_of_a_piece_that_was_too_small():
    settings = {"cluster": {"bandwidth": H, "min_cluster_size": 500}}
    opened = two_squares(touching=True, second=1.0)
    said = explain(opened, Pixel(0, 8, 4), Pixel(0, 8, 12), settings)
    assert "too small for a cell" in said


def test_why_not_one_cell_of_a_piece_that_the_model_is_not_certain_of(monkeypatch):
    from fastershift.session import _preview

    def with_certainty(*given):
        # Of background, and of the two squares.
        certainty = np.array([0.0, 0.9, 0.3])
        return replace(cluster_pair(*given), certainty=certainty)

    cluster_pair = _preview.cluster_pair
    monkeypatch.setattr(_preview, "cluster_pair", with_certainty)
    opened = two_squares(touching=True, second=1.0)
    places = Pixel(0, 8, 4), Pixel(0, 8, 12)
    assert "two cells" in explain(opened, *places)
    certain = {**SETTINGS, "track": {"smallest_cell": 0, "least_certainty": 0.5}}
    said = explain(opened, *places, certain)
    assert said.startswith("The second pixel belongs to a piece of which the model")
    assert "Least certainty is 0.5" in said
    assert "too small" not in said
    lenient = {**SETTINGS, "track": {"smallest_cell": 0, "least_certainty": 0.2}}
    assert "two cells" in explain(opened, *places, lenient)


def test_why_not_one_cell_where_similar_pixels_belong_to_different_modes():
    # Where the squares touch, each leans towards the other.
    angles = np.repeat([0.0, 0.3, 0.9, 1.2], [7, 1, 1, 7])
    vectors = np.zeros((2, 4, 24, 24), dtype=np.float32)
    vectors[:, 0] = 1
    vectors[:, :, 4:16, 4:20] = 0
    vectors[:, 1, 4:16, 4:20] = np.cos(angles)
    vectors[:, 2, 4:16, 4:20] = np.sin(angles)
    opened = Session()
    opened.open(SessionInput(embeddings=vectors))
    said = explain(opened, Pixel(0, 8, 11), Pixel(0, 8, 12))
    assert f"similarity {np.cos(0.6):.3f}" in said
    assert "each is closer to another mode" in said
    # Modes lie near the directions of most pixels, 1.2 apart.
    apart = float(said.partition("the two modes are ")[2].partition(" ")[0])
    assert apart == pytest.approx(1 - np.cos(1.2), abs=0.1)


def test_a_mask_for_every_frame_says_what_is_foreground():
    mask = np.zeros((2, 24, 24), bool)
    mask[0, 5:9, 5:9] = mask[1, 10:14, 10:14] = True
    vectors = np.ones((2, 4, 24, 24), np.float32)
    opened = Session()
    opened.open(SessionInput(embeddings=vectors, background="mask", mask=mask))
    found = [one for one in opened.views.similarity(Pixel(0, 6, 6), SETTINGS) if one]
    for one in found:
        np.testing.assert_array_equal(one.foreground, mask[one.frame])


def test_pixels_that_cannot_be_compared_are_refused_in_words(session):
    views = session.views
    with pytest.raises(InputError, match="two successive frames"):
        last(views.explain(Pixel(0, 1, 1), Pixel(2, 1, 1), SETTINGS))
    with pytest.raises(InputError, match="inside the image"):
        last(views.similarity(Pixel(0, 1, 500), SETTINGS))
    with pytest.raises(InputError, match="no frame 9"):
        last(views.colours(9, SETTINGS))


def test_the_last_frame_can_be_looked_at(session):
    assert last(session.views.similarity(Pixel(4, 5, 5), SETTINGS)).frame == 4
    assert last(session.views.colours(4, SETTINGS)).frame == 4
    assert set(np.unique(last(session.views.seeds(0, SETTINGS)).seeds[:, 0])) == {0, 1}


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    import torch

    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("models") / "tiny.safetensors"
    card = ModelCard(
        name="tiny", summary="For tests.", filters=2, levels=2, channels=4, diameter=8
    )
    save_model(RSHN(2, 2, 4), card, path)
    return path


def test_views_of_a_network_come_at_the_size_of_the_image(movie, tiny):
    opened = Session()
    opened.open(SessionInput(movie.frames))
    chosen = {"embed": {"model": str(tiny), "diameter": 16.0, "block": 3, "warmup": 1}}
    plan = opened.plan(chosen)
    assert plan.source.shape == (30, 36)
    colours = last(opened.views.colours(1, chosen)).colours
    assert colours.shape == (60, 72, 3)
    # Block 0 embeds the frames 0 to 3, all from one state.
    frames = [
        one.frame for one in opened.views.similarity(Pixel(1, 5, 5), chosen) if one
    ]
    assert frames == [1, 2, 3]
    steps = opened.views.similarity(Pixel(1, 40, 30), chosen)
    same = next(one for one in steps if one)
    assert same.similarity.shape == (60, 72)
    assert same.similarity[40, 30] == pytest.approx(1, abs=1e-3)


def test_tiles_with_embeddings_of_their_own_are_refused_in_words(movie, tiny):
    opened = Session()
    opened.open(SessionInput(movie.frames))
    chosen = {
        "profile": "published",
        "embed": {"model": str(tiny), "diameter": 16.0, "window": 0},
    }
    with pytest.raises(InputError, match="default profile"):
        last(opened.views.colours(1, chosen))
