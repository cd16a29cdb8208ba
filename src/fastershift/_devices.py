"""Where to compute, and how much memory is left there."""

import os

import psutil
import torch

from fastershift.errors import InputError

__all__ = ["choose_device", "free_memory"]

# The threads that torch has begun are not copied by a fork, and a copy of the process
# that waits for them never ends. With one thread there is nothing to wait for.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=lambda: torch.set_num_threads(1))


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


def free_memory(device: torch.device) -> int:
    """Ask how many bytes the device has left."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    return int(psutil.virtual_memory().available)
