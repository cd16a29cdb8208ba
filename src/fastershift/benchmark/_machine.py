"""The conditions of a measurement: machine, device, versions."""

import os
import platform
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil
import torch

from fastershift._devices import choose_device

__all__ = ["describe_machine"]

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
        Processor, cores, memory in GB, device, threads, load before the start, and
        versions.
    """
    chosen = choose_device(device)
    name = torch.cuda.get_device_name(chosen) if chosen.type == "cuda" else chosen.type
    return {
        "processor": _processor(),
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


def _processor() -> str:
    listing = Path("/proc/cpuinfo")
    if listing.is_file():
        for line in listing.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
