"""How loops over pixels and vectors are compiled."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

__all__ = ["compiled", "compiled_as_written"]

_Function = TypeVar("_Function", bound=Callable[..., Any])


def compiled(function: _Function) -> _Function:
    """Compile a function to machine code when it is first called.

    The code is kept beside the module, or where that cannot be written in the cache
    folder of the user, as Python keeps its own. While it runs other threads go on: a
    window stays alive beside it. What is kept is renewed when its own module changes,
    so it calls compiled functions of its own module only.

    Parameters
    ----------
    function : callable
        Plain loops over numpy arrays and numbers. Sums may be taken in another order;
        NaN and infinity keep their meaning.

    Returns
    -------
    callable
        The same function.
    """
    return _compile(function, {"reassoc", "contract", "nsz"})


def compiled_as_written(function: _Function) -> _Function:
    """Compile a function as `compiled` does, and keep the order of its sums.

    Parameters
    ----------
    function : callable
        Plain loops over numpy arrays and numbers, where the last bit of a sum decides.

    Returns
    -------
    callable
        The same function.
    """
    return _compile(function, False)


def _compile(function: _Function, fastmath: set[str] | bool) -> _Function:
    made = numba.njit(cache=True, nogil=True, fastmath=fastmath)(function)
    return cast("_Function", made)
