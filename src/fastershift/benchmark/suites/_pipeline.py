"""Suite ``pipeline``: a whole run as published, against the default one."""

import time
from collections.abc import Callable

import numpy as np
import torch

from fastershift._devices import choose_device
from fastershift.benchmark._runs import (
    OF_CLUSTERS,
    STAGES,
    TimedRun,
    TrueMovie,
    movies_at_hand,
    timed_run,
    warm_up,
)
from fastershift.benchmark._suite import (
    BenchmarkOptions,
    Cell,
    Plot,
    Series,
    SuiteResult,
    Table,
)
from fastershift.errors import InputError
from fastershift.rshn import StreamingNetwork, choose_precision, load_model
from fastershift.rshn._strips import Kernel, convolve, cut
from fastershift.simulate import simulate_movie

__all__ = ["run"]

# One block of the default profile; the published one has eight passes a frame after
# its first window.
_FRAMES = 17
_WINDOW = 8

# The movie of the quick form where it is at hand: its truth is complete.
_QUICK = "Fluo-N2DH-SIM+"

# Phase contrast whose cells are small and many.
_PSC_SHAPE, _PSC_DIAMETER, _PSC_CELLS, _PSC_FRAMES = (576, 720), 13.2, 300, 4

_SIDE = 512
_REPEATS = 9


def run(options: BenchmarkOptions) -> SuiteResult:
    """Time both profiles with the same weights, and the network by itself.

    Parameters
    ----------
    options : BenchmarkOptions
        In the quick form a single movie is run.

    Returns
    -------
    SuiteResult

    Raises
    ------
    InputError
        Where all movies are shorter than what is timed.
    """
    movies = _movies(options)
    warm_up(options.device)
    network_seconds, convolution_seconds = _network_pass(options.device)
    small = _small_cells(options)
    rows: list[tuple[Cell, ...]] = []
    ratios, differences = [], []
    stages: dict[str, dict[str, float]] = {}
    for movie in movies:
        embed = movie.decided(options.device)
        ours = timed_run(movie, {"embed": embed}, options.device)
        published = timed_run(
            movie, {"profile": "published", "embed": embed}, options.device
        )
        times = {"default": ours.stages(), "published": published.stages(_WINDOW)}
        for profile, one in (("default", ours), ("published", published)):
            rows.append(_row(movie.name, embed["model"], profile, one, times[profile]))
            stages[f"{movie.name}, {profile}"] = times[profile]
        ratios.append(sum(times["published"].values()) / sum(times["default"].values()))
        if ours.tra is not None and published.tra is not None:
            differences.append(ours.tra - published.tra)
    summary = {
        "published_ratio": round(min(ratios), 1),
        "tra_difference": round(min(differences), 4) if differences else None,
        "network_seconds_512": round(network_seconds, 4),
        "convolution_share": round(convolution_seconds / network_seconds, 3),
        "psc_seconds": round(small, 3),
    }
    columns = (
        *("movie", "model", "profile", "frames", "network size", "TRA", "s a frame"),
        *(f"{one}, s" for one in STAGES),
    )
    whole = Table("Whole runs", columns, tuple(rows))
    alone = Table(
        "One pass of the network",
        ("size", "seconds", "its convolutions alone, seconds"),
        ((f"{_SIDE} × {_SIDE}", network_seconds, convolution_seconds),),
    )
    notes = [
        "Published: windows of 8 frames, tiles of 256 with step 128, float32, "
        "clustered tile by tile, in the same kernels and with the same weights. Its "
        "time for a frame is that of the frames after the first window, each of which "
        "takes eight passes of the network; movies without such frames are left out.",
        "Default: one block of 16 frames and its 3 frames of warm-up.",
        OF_CLUSTERS,
    ]
    notes.append(
        f"psc_seconds: a frame of {_PSC_SHAPE[1]} × {_PSC_SHAPE[0]} pixels whose cells "
        f"are {_PSC_DIAMETER:g} pixels wide, as in PhC-C2DL-PSC, simulated."
    )
    if options.quick:
        notes.append("Cut down to one movie.")
    return SuiteResult(summary, (whole, alone), (_plot(stages),), tuple(notes))


def _movies(options: BenchmarkOptions) -> list[TrueMovie]:
    """Return the movies that have frames after the first window; if quick, one."""
    movies = [
        movie
        for movie in movies_at_hand(options, _FRAMES)
        if len(movie.frames) > _WINDOW
    ]
    if not movies:
        raise InputError(
            f"No movie in {options.data} has more than {_WINDOW} frames; give a folder "
            "with a longer one."
        )
    if options.quick:
        return [one for one in movies if one.name == _QUICK] or movies[:1]
    return movies


def _row(
    movie: str, model: str, profile: str, one: TimedRun, stages: dict[str, float]
) -> tuple[Cell, ...]:
    height, width = one.network_shape
    return (
        movie,
        model,
        profile,
        len(one.result.labels),
        f"{width} × {height}",
        None if one.tra is None else round(one.tra, 4),
        round(sum(stages.values()), 3),
        *(round(stages[stage], 4) for stage in STAGES),
    )


def _plot(stages: dict[str, dict[str, float]]) -> Plot:
    runs = tuple(stages)
    series = tuple(
        Series(stage, runs, tuple(stages[run][stage] for run in runs))
        for stage in STAGES
    )
    return Plot("Where the time goes", "run", "seconds a frame", series, kind="bars")


def _small_cells(options: BenchmarkOptions) -> float:
    """Return the seconds of a frame of small cells, which the network sees enlarged."""
    made = simulate_movie(
        _PSC_FRAMES,
        _PSC_SHAPE,
        _PSC_CELLS,
        diameter=_PSC_DIAMETER,
        kind="phase",
        seed=options.seed,
    )
    movie = TrueMovie("small cells", made.frames, None)
    embed = {"model": "generalist", "diameter": _PSC_DIAMETER}
    return sum(timed_run(movie, {"embed": embed}, options.device).stages().values())


def _seconds(call: Callable[[], torch.Tensor]) -> float:
    """Return the median time of a call, the device waited for."""
    times = []
    for _ in range(_REPEATS + 1):
        started = time.perf_counter()
        call().flatten()[0].item()
        times.append(time.perf_counter() - started)
    return float(np.median(times[1:]))


def _network_pass(device_name: str) -> tuple[float, float]:
    """Time a pass of the default model, and its convolutions with nothing between."""
    device = choose_device(device_name)
    dtype = choose_precision("auto", device)
    network = StreamingNetwork(load_model("auto").network, device, dtype)
    stream = network.start(1, (_SIDE, _SIDE), at_once=1)
    frame = torch.randn(1, _SIDE, _SIDE, device=device)
    whole = _seconds(lambda: stream.embed(frame))
    kernels = [
        (side, kernel)
        for hourglass in network.hourglasses
        for side, kernel in hourglass.convolutions(_SIDE // network.block)
    ]
    inputs = [_padded(side, kernel, dtype, device) for side, kernel in kernels]

    @torch.inference_mode()
    def convolve_all() -> torch.Tensor:
        result = inputs[0]
        for image, (side, kernel) in zip(inputs, kernels, strict=True):
            rim = kernel.weight.shape[-1] // 2
            # In strips, as the network does: whole images can take many times as long.
            like = image[..., :1].expand(-1, -1, -1, max(kernel.weight.shape[:2]))
            for strip in cut(like, side):
                rows = image[:, strip.start : strip.stop + 2 * rim]
                result = convolve(rows, kernel, rim)
        return result

    return whole, _seconds(convolve_all)


def _padded(
    side: int, kernel: Kernel, dtype: torch.dtype, device: torch.device
) -> torch.Tensor:
    """Draw an image (1, Y, X, C) that a convolution reads, with rows around it."""
    _, channels, size, _ = kernel.weight.shape
    shape = (1, side + size - 1, side, channels)
    return torch.randn(shape, dtype=dtype, device=device)
