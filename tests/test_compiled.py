"""Compiled code where it cannot be kept, and where what was kept is damaged."""

import importlib
import sys
import warnings

import pytest
from numba import config
from numba.core.caching import CacheImpl

from fastershift import _compiled

KERNEL = """
from fastershift._compiled import compiled

@compiled
def added(a, b):
    return a + b

@compiled
def taken(a, b):
    return a - b
"""


@pytest.fixture
def use(tmp_path, monkeypatch):
    """Import two functions as a new process does, use them, return the warnings."""
    (tmp_path / "kernel_of_test.py").write_text(KERNEL)
    monkeypatch.syspath_prepend(tmp_path)

    def used(kept):
        monkeypatch.setattr(config, "CACHE_DIR", str(kept))
        monkeypatch.setattr(_compiled, "_told", [])
        sys.modules.pop("kernel_of_test", None)
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            kernel = importlib.import_module("kernel_of_test")
            assert kernel.added(1, 2) == 3
            assert kernel.taken(5, 1) == 4
        return [str(one.message) for one in told if "NUMBA_CACHE" in str(one.message)]

    yield used
    sys.modules.pop("kernel_of_test", None)


def _cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _empty(path):
    path.write_bytes(b"")


def _fill(path):
    path.write_bytes(b"\x80\x04 no code" * 20)


def test_damaged_code_is_compiled_anew_and_heals(tmp_path, use):
    kept = tmp_path / "kept"
    assert use(kept) == []
    for kind in ("*.nbi", "*.nbc"):
        for damage in (_cut, _empty, _fill):
            found = list(kept.rglob(kind))
            assert len(found) == 2
            for path in found:
                damage(path)
            assert len(use(kept)) == 1, (kind, damage)
            assert use(kept) == [], (kind, damage)


def test_without_a_folder_to_keep_it_in_code_runs(tmp_path, use, monkeypatch):
    """As in a container that is read-only, for a user without a home."""
    monkeypatch.setattr(CacheImpl, "_locator_classes", [])
    assert len(use(tmp_path / "kept")) == 1


def test_where_compiling_is_switched_off_loops_run_as_python(monkeypatch):
    def doubled(a):
        return 2 * a

    assert not _compiled.is_switched_off()
    monkeypatch.setattr(config, "DISABLE_JIT", 1)
    assert _compiled.is_switched_off()
    assert _compiled.compiled(doubled) is doubled
