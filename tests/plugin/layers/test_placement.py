"""Labels lie over the pixels they were made from, whatever axes the layer has."""

import numpy as np
import pytest

pytest.importorskip("napari")

from napari.components import ViewerModel
from napari.layers import Image

from fastershift.plugin.layers._outputs import Outputs
from fastershift.plugin.layers._placement import as_stack, result_axes

SIZES = {"T": 3, "P": 2, "C": 4, "Z": 5, "Y": 6, "X": 7}


def image(axes: str, **options) -> Image:
    return Image(np.zeros([SIZES[axis] for axis in axes], np.uint8), **options)


@pytest.mark.parametrize(
    ("axes", "expected"),
    [
        ("YX", "YX"),
        ("TYX", "TYX"),
        ("CYX", "YX"),
        ("CTYX", "TYX"),
        ("ZCTYX", "TYX"),
        ("TCYX", "TCYX"),
        ("TZCYX", "TZCYX"),
        ("PTYX", "PTYX"),
        ("TYXC", "TYXC"),
        ("YXT", "YXT"),
    ],
)
def test_axes_of_the_labels(axes, expected):
    assert result_axes(axes) == expected


def value_at(layer, world):
    """The value under a point in space, as the canvas shows it; None outside."""
    index = np.round(np.asarray(layer.world_to_data(world)) + 1e-9).astype(int)
    inside = ((index >= 0) & (index < layer.data.shape)).all()
    return layer.data[tuple(index)] if inside else None


ROTATED = {
    "scale": (2, 3, 5, 0.5),
    "translate": (1, 2, 3, 4),
    "rotate": np.eye(4)[[0, 1, 3, 2]] * [[1], [1], [-1], [1]],
    "shear": [0, 0, 0, 0, 0, 0.3],
    "affine": np.diag([1, 1, 2, 3, 1]),
}


@pytest.mark.parametrize("placed", [{}, ROTATED], ids=["plain", "rotated"])
@pytest.mark.parametrize("axes", ["TCYX", "TZYX", "CTYX", "PTYX", "TYXC", "TPYX"])
def test_every_pixel_meets_its_label(axes, placed):
    viewer = ViewerModel()
    layer = viewer.add_layer(image(axes, **placed))
    outputs = Outputs(viewer)
    outputs.work_on(layer, 1 if "P" in axes else None)
    labels = 1 + np.arange(3 * 6 * 7, dtype=np.int32).reshape(3, 6, 7)
    cells = outputs.show_labels(layer, axes, "cells", labels)
    assert np.shares_memory(outputs.stack(cells), cells.data)
    np.testing.assert_array_equal(outputs.stack(cells), labels)
    for t, y, x in ((0, 0, 0), (2, 5, 6), (1, 2, 4)):
        for other in range(SIZES[(set(axes) - set("TYX")).pop()]):
            place = {"T": t, "Y": y, "X": x}
            world = layer.data_to_world([place.get(axis, other) for axis in axes])
            expected = labels[t, y, x]
            if "P" in axes and other != 1:
                expected = None
            assert value_at(cells, world) == expected


def test_a_coarser_level_is_laid_over_the_full_one():
    viewer = ViewerModel()
    full = np.zeros((3, 64, 48), np.uint8)
    pyramid = [full, full[:, ::2, ::2], full[:, ::4, ::4]]
    layer = viewer.add_image(pyramid, multiscale=True, scale=(1, 0.5, 0.5))
    labels = np.arange(3 * 16 * 12, dtype=np.int32).reshape(3, 16, 12)
    cells = Outputs(viewer).show_labels(layer, "TYX", "cells", labels)
    for point in ((0, 0, 0), (2, 63, 47), (1, 4, 7), (1, 3, 8)):
        value = value_at(cells, layer.data_to_world(point))
        assert value == labels[point[0], point[1] // 4, point[2] // 4]


def test_tracks_lie_where_the_labels_do():
    viewer = ViewerModel()
    layer = viewer.add_layer(image("TCYX", **ROTATED))
    outputs = Outputs(viewer)
    labels = np.zeros((3, 6, 7), np.int32)
    cells = outputs.show_labels(layer, "TCYX", "cells", labels)
    positions = np.array([[1, 0, 2, 3], [1, 1, 2, 4], [2, 2, 5, 6]], float)
    tracks = outputs.show_tracks(layer, "TCYX", positions, {})
    for _track, t, y, x in positions:
        np.testing.assert_allclose(
            tracks.data_to_world((t, 0, y, x)), cells.data_to_world((t, 0, y, x))
        )
    np.testing.assert_array_equal(tracks.data[:, [0, 1, 3, 4]], positions)


def test_positions_have_layers_of_their_own():
    viewer = ViewerModel()
    layer = viewer.add_layer(image("PTYX", name="plate"))
    outputs = Outputs(viewer)
    made = []
    for position in (0, 1, 0):
        outputs.work_on(layer, position)
        labels = np.full((3, 6, 7), 1 + position, np.int32)
        made.append(outputs.show_labels(layer, "PTYX", "cells", labels))
    assert made[0] is made[2]
    assert [each.name for each in made[:2]] == [
        "plate [cells]",
        "plate position 1 [cells]",
    ]
    assert (outputs.stack(made[1]) == 2).all()


@pytest.mark.parametrize("shape", [(3, 6, 7), (3, 1, 6, 7), (1, 3, 6, 7), (3, 6, 7, 1)])
def test_labels_of_files_are_read_by_their_sizes(shape):
    assert as_stack(np.zeros(shape)).shape == (3, 6, 7)
    assert as_stack(np.zeros((6, 7))).shape == (1, 6, 7)
