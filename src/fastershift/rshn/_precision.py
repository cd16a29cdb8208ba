"""The number format of the network."""

from collections.abc import Callable, Mapping
from typing import Any

import torch

from fastershift.config import Precision

__all__ = ["choose_precision"]


def choose_precision(name: Precision, device: torch.device) -> torch.dtype:
    """Decide which numbers the network computes with.

    Parameters
    ----------
    name : {"auto", "float32", "bfloat16"}
        ``"auto"`` takes bfloat16 where the device multiplies it in hardware of its own:
        CPUs with AMX or AVX-512 BF16, and CUDA devices that do not emulate it.
    device : torch.device
        Where the network runs.

    Returns
    -------
    torch.dtype
    """
    if name == "auto":
        fast = _multiplies_bfloat16(device)
        return torch.bfloat16 if fast else torch.float32
    return torch.bfloat16 if name == "bfloat16" else torch.float32


def _multiplies_bfloat16(device: torch.device) -> bool:
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type != "cpu" or not torch.backends.mkldnn.enabled:
        return False
    # Versions of torch that cannot tell what the processor has get float32.
    ask: Callable[[], Mapping[str, Any]] = getattr(torch.cpu, "get_capabilities", dict)
    return any(ask().get(name) for name in ("amx_bf16", "avx512_bf16"))
