"""How loops over pixels and vectors are compiled."""

import warnings
from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
from numba.core.caching import FunctionCache
from numba.core.dispatcher import Dispatcher

__all__ = ["compiled", "compiled_as_written", "is_switched_off"]

_Function = TypeVar("_Function", bound=Callable[..., Any])

#: Why code was compiled anew; the first reason is told.
_told: list[str] = []


def compiled(function: _Function) -> _Function:
    """Compile a function to machine code when it is first called.

    The code is kept beside the module, or where that cannot be written in the cache
    folder of the user, as Python keeps its own. While it runs other threads go on: a
    window stays alive beside it. What is kept is renewed when its own module changes,
    so it calls compiled functions of its own module only. Where nothing can be kept,
    or what was kept is damaged, the function is compiled anew, with one warning.

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


def is_switched_off() -> bool:
    """Tell whether loops run as Python (NUMBA_DISABLE_JIT), hundreds of times slower.

    Returns
    -------
    bool
    """
    return bool(numba.config.DISABLE_JIT)


def _compile(function: _Function, fastmath: set[str] | bool) -> _Function:
    made = numba.njit(nogil=True, fastmath=fastmath)(function)
    # Where compiling is switched off (NUMBA_DISABLE_JIT) there is nothing to keep.
    if isinstance(made, Dispatcher):
        try:
            # As enable_caching() does.
            cast("Any", made)._cache = _ForgivingCache(function)
        except (RuntimeError, OSError):
            _warn("there is no folder to keep it in")
    return cast("_Function", made)


class _ForgivingCache(FunctionCache):  # type: ignore[misc]
    """What is kept of a function on disk; damage and full disks cost time alone."""

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Return the code that was kept, or None."""
        try:
            return super().load_overload(sig, target_context)
        # Damaged bytes can raise anything when they are unpacked.
        except Exception as error:  # noqa: BLE001
            _warn(f"what was kept in {self.cache_path} cannot be read ({error!r})")
        try:
            self.flush()
        except OSError:
            self.disable()
        return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep code, where the disk takes it."""
        try:
            super().save_overload(sig, data)
        except OSError as error:
            self.disable()
            _warn(f"{self.cache_path} cannot be written ({error.strerror or error})")


def _warn(reason: str) -> None:
    """Tell once that compiling takes time again."""
    if not _told:
        warnings.warn(
            f"Compiled code could not be kept or used: {reason}. It is compiled "
            "again, which takes a minute; the results are the same. The environment "
            "variable NUMBA_CACHE_DIR names another folder to keep it in.",
            stacklevel=2,
        )
    _told.append(reason)
