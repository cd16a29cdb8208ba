"""Where the network runs, with which numbers, and in how much memory."""

from collections.abc import Callable, Mapping
from typing import Any

import psutil
import torch

from fastershift.config import Precision
from fastershift.errors import InputError

__all__ = ["choose_device", "choose_precision", "free_memory"]


def choose_device(name: str = "auto") -> torch.device:
    """Decide where to compute.

    Parameters
    ----------
    name : str
        ``"auto"`` takes a CUDA device, then Apple's GPU, then the CPU; otherwise a name
        that torch knows, such as ``"cpu"``, ``"cuda"`` or ``"cuda:1"``.

    Returns
    -------
    torch.device

    Raises
    ------
    InputError
        For an unknown device, or one that this machine does not have.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise InputError(
            f"There is no device '{name}'; choose auto, cpu, cuda or mps."
        ) from error
    available = {
        "cpu": True,
        "cuda": torch.cuda.is_available()
        and (device.index or 0) < torch.cuda.device_count(),
        "mps": torch.backends.mps.is_available(),
    }
    if not available.get(device.type, False):
        raise InputError(
            f"The device '{name}' is not available on this machine; choose auto or cpu."
        )
    return device


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


def free_memory(device: torch.device) -> int:
    """Ask how many bytes the device has left."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    return int(psutil.virtual_memory().available)
