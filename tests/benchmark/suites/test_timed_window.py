"""Changes that are timed in a window: as a person makes them, and none twice."""

import pytest

pytest.importorskip("napari")

from fastershift.benchmark.suites._timed_window import _changes
from fastershift.config import find_setting


@pytest.mark.parametrize("count", [12, 60])
def test_no_value_comes_twice(count):
    changes = list(_changes(count))
    assert len(set(changes)) == len(changes) == count


def test_values_lie_within_the_range_of_their_setting():
    for name, value in _changes(60):
        info = find_setting(name)
        assert info.low <= value <= info.high


def test_most_changes_are_of_the_bandwidth():
    names = [name for name, _ in _changes(60)]
    assert names.count("bandwidth") == 40
    assert names.count("gamma") == names.count("n_initial") == 10


@pytest.mark.gui
class TestLife:
    def test_what_does_not_come_ends_the_waiting(self, qtbot):
        from fastershift.benchmark.suites._living import wait

        looked = []
        wait(lambda: looked.append(1) or len(looked) == 3)
        assert len(looked) == 3
        with pytest.raises(TimeoutError, match="did not come to rest"):
            wait(lambda: False, 0.02)

    def test_the_longest_gap_of_each_second_is_told(self, qtbot):
        import time

        from fastershift.benchmark.suites._living import Heart, rest

        heart = Heart()
        idle = heart.listen(lambda: rest(0.3))
        assert len(idle) == 1

        def busy():
            rest(0.1)
            time.sleep(0.25)  # the window is held
            rest(0.1)

        assert max(heart.listen(busy)) >= 250
