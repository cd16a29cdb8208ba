"""Where the network runs, and what to say when memory is short."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from fastershift.config import Precision
from fastershift.errors import FastershiftError, InputError

__all__ = ["choose_device", "choose_precision", "memory_sentence"]

_SHORTAGE = ("out of memory", "can't allocate memory", "not enough memory")


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
        return torch.cuda.is_bf16_supported(including_emulation=False)
    # Versions of torch that cannot tell what the processor has get float32.
    ask = getattr(torch.cpu, "get_capabilities", dict)
    known = ask() if device.type == "cpu" and torch.backends.mkldnn.enabled else {}
    return bool(known.get("amx_bf16") or known.get("avx512_bf16"))


@contextmanager
def memory_sentence(device: torch.device) -> Iterator[None]:
    """Turn any shortage of memory within the block into one sentence.

    Raises
    ------
    FastershiftError
        In the place of the many exceptions that torch and numpy know for it.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        text = str(error).lower()
        if isinstance(error, RuntimeError) and not any(
            one in text for one in _SHORTAGE
        ):
            raise
        remedy = "" if device.type == "cpu" else "compute on the cpu, "
        raise FastershiftError(
            f"The memory of the {device.type} is too small for frames of this size; "
            f"{remedy}choose smaller tiles or give a larger cell diameter."
        ) from error
