"""What an unfinished run leaves on disk."""

import pytest

from fastershift.batch._work import WorkFolder
from fastershift.errors import InputError


def test_two_runs_do_not_take_each_others_chunks(tmp_path):
    """Chunks that the other has thrown away would be read as black frames."""
    with WorkFolder(tmp_path / "result").alone():
        other = WorkFolder(tmp_path / "result")
        with pytest.raises(InputError, match="Another run"), other.alone():
            pass
    with WorkFolder(tmp_path / "result").alone():
        pass
    assert not list(tmp_path.iterdir())
