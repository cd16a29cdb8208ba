"""Memory for large label images, and frames cut into strips."""

from pathlib import Path

import numpy as np
import pytest

from fastershift.labels import _scratch as scratch
from fastershift.labels import _strips, copy_labels, empty_labels, strips


def test_from_which_size_on_labels_lie_in_a_file(monkeypatch):
    monkeypatch.setattr(scratch, "_LARGE", 2400)
    assert not isinstance(empty_labels((20, 29)), np.memmap)
    large = empty_labels((20, 30))
    assert isinstance(large, np.memmap)
    assert large.dtype == np.int32
    large[:] = 7
    assert (large == 7).all()


@pytest.mark.parametrize("reserves", [True, False])
def test_the_file_is_gone_when_the_labels_are(monkeypatch, tmp_path, reserves):
    monkeypatch.setattr(scratch, "_LARGE", 1)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    if not reserves:
        monkeypatch.delattr("os.posix_fallocate", raising=False)
    made = empty_labels((3, 4, 5))
    assert made.shape == (3, 4, 5)
    made[:] = 1
    del made
    assert list(Path(tmp_path).iterdir()) == []


@pytest.mark.parametrize("kind", [np.uint8, np.int64, ">u2"])
def test_a_copy_holds_the_same_labels_as_int32(kind):
    labels = np.arange(12).reshape(3, 4).astype(kind)
    copied = copy_labels(labels)
    assert copied.dtype == np.int32
    assert np.array_equal(copied, labels)
    copied[:] = 0
    assert labels.any()


def test_a_full_disk_does_not_end_the_work(monkeypatch):
    monkeypatch.setattr(scratch, "_LARGE", 1000)
    assert isinstance(scratch.empty_labels((20, 30)), np.memmap)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.posix_fallocate", full, raising=False)
    made = scratch.empty_labels((20, 30))
    assert not isinstance(made, np.memmap)
    made[:] = 7
    assert made.shape == (20, 30)


def test_strips_cover_all_rows_once(monkeypatch):
    monkeypatch.setattr(_strips, "_AT_ONCE", 100)
    seen = np.zeros((2, 23, 40), int)
    for frame, rows in strips(seen.shape):
        seen[frame, rows] += 1
        assert (rows.stop - rows.start) * 40 <= 100
    assert (seen == 1).all()
