"""Plots as SVG files."""

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastershift.benchmark._suite import Plot

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["can_draw", "save_plot"]


def can_draw() -> bool:
    """Tell whether matplotlib, which draws, is installed."""
    return find_spec("matplotlib") is not None


def save_plot(plot: Plot, path: Path) -> None:
    """Draw a plot into an SVG file.

    Parameters
    ----------
    plot : Plot
        What to draw.
    path : Path
        Where to.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    # A fixed salt and no date, so that equal plots are equal files.
    with rc_context({"svg.hashsalt": "fastershift", "svg.fonttype": "none"}):
        figure = Figure(figsize=(6.4, 4.0), layout="constrained")
        axes = figure.add_subplot()
        (_bars if plot.kind == "bars" else _lines)(plot, axes)
        axes.set(title=plot.title, xlabel=plot.x_label, ylabel=plot.y_label)
        axes.grid(visible=True, which="major", axis="y", alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
        if len(plot.series) > 1:
            axes.legend(frameon=False, fontsize="small")
        figure.savefig(path, format="svg", metadata={"Date": None})


def _lines(plot: Plot, axes: "Axes") -> None:
    for series in plot.series:
        y: list[Any] = [float("nan") if value is None else value for value in series.y]
        style = "--" if series.dashed else "-"
        axes.plot(series.x, y, style, marker="o", markersize=3, label=series.name)
    if plot.log_x:
        axes.set_xscale("log")
    if plot.log_y:
        axes.set_yscale("log")


def _bars(plot: Plot, axes: "Axes") -> None:
    below: dict[str, float] = {}
    for series in plot.series:
        names = [str(name) for name in series.x]
        heights = [value or 0.0 for value in series.y]
        bottoms = [below.get(name, 0.0) for name in names]
        axes.bar(names, heights, bottom=bottoms, label=series.name, width=0.6)
        for name, bottom, height in zip(names, bottoms, heights, strict=True):
            below[name] = bottom + height
    if plot.log_y:
        axes.set_yscale("log")
