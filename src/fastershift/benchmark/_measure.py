"""Time in this process, memory in a fresh one."""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import torch
from torch import Tensor

from fastershift.errors import FastershiftError

__all__ = ["least_seconds", "peak_over_points", "seconds_of"]


def seconds_of(call: Callable[[], Any], device: torch.device) -> tuple[Any, float]:
    """Time one call; give its answer, too."""
    _finish(device)
    started = time.perf_counter()
    answer = call()
    _finish(device)
    return answer, time.perf_counter() - started


def least_seconds(call: Callable[[], Any], device: torch.device, repeats: int) -> float:
    """Time a call several times, the first of which warms up and does not count.

    The least time is taken: other programs on the machine can only add to it.
    """
    call()
    return min(seconds_of(call, device)[1] for _ in range(repeats))


def _finish(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def peak_over_points(points: Tensor, method: str, bandwidth: float) -> float:
    """Measure what a fresh process needs to cluster points, in units of their bytes.

    Parameters
    ----------
    points : (n, d) Tensor
        Handed over in a file.
    method : str
        One of `PEERS`.
    bandwidth : float
        Cosine distance h.

    Returns
    -------
    float
        Peak resident memory during the clustering, less what was resident before it,
        over the bytes of the points.

    Raises
    ------
    FastershiftError
        When the process fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "points.npy"
        np.save(path, points.cpu().numpy())
        order = json.dumps(
            {"points": str(path), "method": method, "bandwidth": bandwidth}
        )
        run = subprocess.run(  # noqa: S603 (our own interpreter and module)
            [sys.executable, "-m", "fastershift.benchmark._measure", order],
            capture_output=True,
            text=True,
            check=False,
        )
    if run.returncode:
        raise FastershiftError(
            f"The process that measures memory failed: {run.stderr.strip()[-300:]}"
        )
    grown: int = json.loads(run.stdout)
    return grown / points.nbytes


def _peak_resident() -> int:
    """Peak resident memory of this process in bytes."""
    status = Path("/proc/self/status")
    if status.is_file():
        # Other than ru_maxrss, this does not count what the parent held.
        for line in status.read_text(encoding="utf-8").splitlines():
            if line.startswith("VmHWM"):
                return 1024 * int(line.split()[1])
    if sys.platform == "win32":
        return int(psutil.Process().memory_info().peak_wset)
    import resource

    return int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def _grown(points: str, method: str, bandwidth: float) -> int:
    from fastershift.benchmark._peers import PEERS

    loaded = torch.from_numpy(np.load(points, allow_pickle=False))
    before = psutil.Process().memory_info().rss
    PEERS[method](loaded, bandwidth, 0, 128)
    return max(0, _peak_resident() - before)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_grown(**json.loads(sys.argv[1]))))
