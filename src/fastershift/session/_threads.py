"""How many cores the work of a window takes."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import torch
from threadpoolctl import ThreadpoolController

__all__ = ["spare_core"]


@cache
def _pools() -> tuple[ThreadpoolController, int]:
    """Find the thread pools, and how many threads torch takes by itself."""
    return ThreadpoolController(), torch.get_num_threads()


@contextmanager
def spare_core() -> Iterator[None]:
    """Leave one core to the window while this thread computes.

    Threads that share their work wait for each other. Where the window is being drawn
    on a core that one of them needs, all of them stand still, and so does the window.
    The limit is that of the calling thread alone; results do not depend on it.
    """
    pools, threads = _pools()
    with pools.limit(limits=max(1, threads - 1), user_api="openmp"):
        yield
