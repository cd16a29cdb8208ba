"""The catalogue, second part: any byte may be wrong, in any file that is read.

Never a traceback, never a hang, and never more than twice the memory that the whole
file needs.
"""

import shutil
import tracemalloc

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fastershift.config import load_settings, resolve_settings, save_settings
from fastershift.errors import FastershiftError
from fastershift.io import SavedResult, read_movie, read_saved, write_saved
from fastershift.rshn import load_model
from helpers.faulty_files import MOVIE

pytest.importorskip("geff")

#: What reading needs beside the file: modules, caches, and what errors hold.
_BESIDE = 2**24

# Damages of each kind of file in the long part.
_MANY = 300

_LABELS = np.zeros((4, 24, 28), np.int32)
_LABELS[:, 6:14, 8:16] = 1


def _movie_zarr(folder, _):
    import zarr

    array = zarr.create_array(
        folder / "m.zarr", shape=MOVIE.shape, dtype=MOVIE.dtype, chunks=(1, 24, 28)
    )
    array[:] = MOVIE
    return folder / "m.zarr"


def _saved(format):
    def write(folder, _):
        result = SavedResult(_LABELS, [(1, 0, 3, 0)], settings=resolve_settings())
        return write_saved(folder / "result", result, format=format)

    return write


def _toml(folder, _):
    save_settings(resolve_settings(), folder / "s.toml")
    return folder / "s.toml"


def _model(folder, model):
    return shutil.copy(model, folder / "m.safetensors")


#: How a file is written, and how it is read.
KINDS = {
    "Zarr": (_movie_zarr, lambda path: np.stack(list(read_movie(path)))),
    "settings": (_toml, load_settings),
    "model": (_model, lambda path: load_model(str(path))),
    "CTC": (_saved("ctc"), read_saved),
    "TIFF": (_saved("tiff"), lambda path: read_saved(path).stack()),
    "OME-Zarr": (_saved("zarr"), lambda path: read_saved(path).stack()),
    "GEFF": (_saved("geff"), lambda path: read_saved(path).stack()),
}


def _peak(read, path):
    said = ""
    tracemalloc.start()
    try:
        read(path)
    except FastershiftError as error:
        said = str(error)
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert "\n" not in said.strip()
    return peak


def _damage(folder, path, which, place, mask, length, cut):
    """Change some bytes of one of the files, or cut it off there."""
    files = (
        [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
    )
    file = files[int(which * (len(files) - 1))]
    data = bytearray(file.read_bytes())
    start = int(place * len(data))
    if cut:
        del data[start:]
    for number in range(start, min(start + length, len(data))):
        data[number] ^= mask
    file.write_bytes(bytes(data))


_LONG = [
    pytest.mark.faults,
    pytest.mark.slow,  # hundreds of files
]


@pytest.mark.parametrize("examples", [8, pytest.param(_MANY, marks=_LONG)])
@pytest.mark.parametrize("kind", KINDS)
def test_changed_bytes(tmp_path, tiny_model, kind, examples):
    write, read = KINDS[kind]
    whole = tmp_path / "whole"
    whole.mkdir()
    name = write(whole, tiny_model)
    read(name)
    most = 2 * _peak(read, name) + _BESIDE
    broken = tmp_path / "broken"

    # The few of every run are always the same; the long part draws new ones.
    @settings(
        max_examples=examples,
        deadline=None,
        derandomize=examples < _MANY,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(
        st.floats(0, 1),
        st.floats(0, 1),
        st.integers(1, 255),
        st.integers(1, 16),
        st.booleans(),
    )
    def meet(which, place, mask, length, cut):
        shutil.rmtree(broken, ignore_errors=True)
        shutil.copytree(whole, broken)
        path = broken / name.name
        _damage(broken, path, which, place, mask, length, cut)
        assert _peak(read, path) <= most

    meet()
