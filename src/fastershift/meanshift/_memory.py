"""Blocks that fit the memory at hand."""

from collections.abc import Callable

import torch

from fastershift.errors import is_shortage

__all__ = ["for_blocks"]

# Similarities computed at once. On a CPU they should stay in the cache (measured best
# between 2**17 and 2**19); a GPU wants large products.
_CPU_BLOCK = 2**18
_GPU_BLOCK = 2**25

# Of the free memory of a GPU, the share that one block of similarities may take. There
# are two such blocks at a time, and other programs on the device need some, too.
_SHARE = 0.2


def _block_size(device: torch.device) -> int:
    """How many similarities to compute at once."""
    if device.type == "cpu":
        return _CPU_BLOCK
    if device.type == "cuda":
        free = torch.cuda.mem_get_info(device)[0]
        return max(1, min(_GPU_BLOCK, int(free * _SHARE) // 4))
    return _GPU_BLOCK


def for_blocks(
    n: int, n_columns: int, device: torch.device, body: Callable[[slice], None]
) -> None:
    """Go through n rows in blocks whose products with the columns fit the memory.

    A block that runs out of memory is tried again at half its length, and so are all
    after it.

    Parameters
    ----------
    n : int
        Rows.
    n_columns : int
        Similarities of each row.
    device : torch.device
        Where they are computed; its free memory is asked.
    body : callable
        Takes a slice of the rows; it changes nothing before its last allocation.
    """
    length = max(1, _block_size(device) // max(1, n_columns))
    start = 0
    while start < n:
        try:
            body(slice(start, min(n, start + length)))
        except (RuntimeError, MemoryError) as error:
            if not is_shortage(error) or length == 1:
                raise
            length = max(1, min(length, n - start) // 2)
            continue
        start += length
