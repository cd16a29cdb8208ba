"""The conditions of a measurement: machine, device, versions."""

import os
import platform
from collections.abc import Callable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil

__all__ = ["describe_machine"]

# What processors multiply numbers with that decides how fast a network is.
_UNITS = ("avx2", "avx512_vnni", "avx512_bf16", "amx_int8", "amx_bf16")

# What holds a process back from units that its machine has.
_LIMITS = ("ATEN_CPU_CAPABILITY", "ONEDNN_MAX_CPU_ISA")

_PACKAGES = ("fastershift", "torch", "numpy", "scipy", "scikit-learn", "scikit-image")


def describe_machine(device: str = "auto") -> dict[str, Any]:
    """Describe what a measurement runs on.

    Parameters
    ----------
    device : str
        As asked for.

    Returns
    -------
    dict
        Processor and its units for numbers, cores, memory in GB, device, threads, load
        before the start, and versions.
    """
    # Here, because a window that is timed must not find torch loaded.
    import torch

    from fastershift._devices import choose_device

    chosen = choose_device(device)
    name = torch.cuda.get_device_name(chosen) if chosen.type == "cuda" else chosen.type
    return {
        "processor": _processor(),
        "units": _units(),
        "cores": psutil.cpu_count(logical=False) or os.cpu_count(),
        "logical_cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "device": name,
        "threads": torch.get_num_threads(),
        "load_before": round(psutil.getloadavg()[0], 2),
        "system": platform.platform(),
        "python": platform.python_version(),
        **{package: metadata.version(package) for package in _PACKAGES},
    }


def _units() -> str:
    """Name the units that multiply, and what keeps this process from using them."""
    import torch

    # Versions of torch that cannot tell say how they were compiled instead.
    ask: Callable[[], Mapping[str, Any]] = getattr(torch.cpu, "get_capabilities", dict)
    known = ask()
    found = [name for name in _UNITS if known.get(name)]
    found = found or [torch.backends.cpu.get_cpu_capability().lower()]
    held = [f"{name}={os.environ[name]}" for name in _LIMITS if name in os.environ]
    return ", ".join(found) + (f" (held to {', '.join(held)})" if held else "")


def _processor() -> str:
    listing = Path("/proc/cpuinfo")
    if listing.is_file():
        for line in listing.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
