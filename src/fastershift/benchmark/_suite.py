"""What a suite is asked and what it answers."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

__all__ = ["BenchmarkOptions", "Cell", "Plot", "Series", "SuiteResult", "Table"]

#: What stands in one field of a table; None is shown as a dash.
Cell: TypeAlias = str | int | float | bool | None


@dataclass(frozen=True)
class BenchmarkOptions:
    """How a suite is to be run.

    Attributes
    ----------
    quick : bool
        Cut down to minutes; headline ratios keep their stated sizes.
    data : Path or None
        Folder with movies laid out as in the Cell Tracking Challenge, with stills of
        kinds of cells, or with both in the folders ``data`` and ``kinds``; without it
        movies are simulated.
    device : str
        As for `track`: "auto", "cpu", "cuda", "mps".
    seed : int
        Of all random draws.
    """

    quick: bool = False
    data: Path | None = None
    device: str = "auto"
    seed: int = 0

    @property
    def movies(self) -> Path | None:
        """Where the movies are."""
        return self._within("data")

    @property
    def kinds(self) -> Path | None:
        """Where the stills are."""
        return self._within("kinds")

    def recorded(self) -> dict[str, Any]:
        """Return what a record tells of them; the folder by its whole path."""
        data = None if self.data is None else str(self.data.resolve())
        return asdict(self) | {"data": data}

    def _within(self, name: str) -> Path | None:
        if self.data is None or not (self.data / name).is_dir():
            return self.data
        return self.data / name


@dataclass(frozen=True)
class Table:
    """Rows as they are printed and written.

    Attributes
    ----------
    title : str
        Unique within a suite; the name of the file follows from it.
    columns : tuple of str
        Headings with units.
    rows : tuple of tuple
        As long as `columns` each.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True)
class Series:
    """One curve, or the bars of one colour.

    Attributes
    ----------
    name : str
        What the legend says.
    x : tuple
        Numbers, or names for bars.
    y : tuple of float or None
        As long as `x`; None leaves a gap.
    dashed : bool
        For what is computed or extrapolated rather than measured.
    """

    name: str
    x: tuple[float, ...] | tuple[str, ...]
    y: tuple[float | None, ...]
    dashed: bool = False


@dataclass(frozen=True)
class Plot:
    """A drawing as data; the frame draws it.

    Attributes
    ----------
    title : str
        Unique within a suite; the name of the file follows from it.
    x_label, y_label : str
        With units.
    series : tuple of Series
        Bars of several series are stacked.
    kind : {"lines", "bars"}
        Bars have names on their x axis.
    log_x, log_y : bool
        Whether an axis is logarithmic.
    """

    title: str
    x_label: str
    y_label: str
    series: tuple[Series, ...]
    kind: Literal["lines", "bars"] = "lines"
    log_x: bool = False
    log_y: bool = False


@dataclass(frozen=True)
class SuiteResult:
    """What a suite measured.

    Attributes
    ----------
    summary : mapping
        The figures a program reads, by name; what JSON can hold.
    tables : tuple of Table
        All that was measured.
    plots : tuple of Plot
        The same to look at.
    notes : tuple of str
        What a reader must know: what was cut down, extrapolated or left out.
    """

    summary: Mapping[str, Any]
    tables: tuple[Table, ...] = ()
    plots: tuple[Plot, ...] = ()
    notes: tuple[str, ...] = ()
