"""What may be learned from corrections."""

import numpy as np
import pytest

from fastershift.editing import Delete, Lock, Unlock
from fastershift.errors import InputError
from fastershift.session import Corrections
from fastershift.tracking import Lineage, Track


@pytest.fixture
def corrections():
    labels = np.zeros((6, 20, 24), np.int32)
    labels[:, 2:8, 2:8] = 1
    labels[:, 12:18, 12:18] = 2
    return Corrections(labels, Lineage((Track(1, 0, 5), Track(2, 0, 5))))


def test_frames_that_nobody_looked_at_are_unknown(corrections):
    with pytest.raises(InputError, match="No frame was checked"):
        corrections.truth()
    corrections.do(Lock(2, 1))
    corrections.do(Delete(4, (2,)))
    assert corrections.looked_at == (2, 4)
    truth = corrections.truth()
    assert (truth.shape, truth.dtype) == (corrections.labels.shape, np.int32)
    assert truth.frames == (2, 4)
    assert all((truth.read(frame) == -1).all() for frame in (0, 1, 3, 5))
    for frame in (2, 4):
        np.testing.assert_array_equal(truth.read(frame), corrections.labels[frame])
        assert not np.shares_memory(truth.read(frame), corrections.labels)
    corrections.undo()
    corrections.do(Unlock(2, 1))
    assert corrections.looked_at == ()


def test_frames_of_places_that_were_ticked_off_are_truth(corrections):
    record = corrections.record()
    place = {"frame": 3, "y": 5.0, "x": 5.0, "tracks": [1], "kind": "area"}
    place |= {"reason": "Cell 1 suddenly grows.", "score": 0.5}
    record["doubts"] = [place | {"key": "a"}, place | {"key": "b", "frame": 1}]
    again = Corrections(corrections.labels, corrections.lineage, record=record)
    again.tick("a")
    assert again.looked_at == (3,)
    assert (again.truth().read(3) >= 0).all()
    again.tick("a", False)
    assert again.looked_at == ()
