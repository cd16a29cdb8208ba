"""Memory for large label images, and frames cut into strips."""

import numpy as np

from fastershift.labels import _scratch as scratch
from fastershift.labels import _strips, strips


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
