"""What every format of a result can do."""

from pathlib import Path
from typing import ClassVar, Protocol, runtime_checkable

from fastershift.io._saved_result import SavedResult

__all__ = ["Format", "Openable", "Readable"]


class Readable(Protocol):
    """A way in which cells are stored, here or by others."""

    def recognises(self, path: Path) -> bool:
        """Tell whether `read` is the one to read ``path``."""

    def read(self, path: Path) -> SavedResult:
        """Read a result.

        Raises
        ------
        InputError
            When there is no result at ``path``, or it is damaged.
        """


@runtime_checkable
class Openable(Readable, Protocol):
    """A way in which frames are stored so that each can be read alone."""

    def open(self, path: Path) -> SavedResult:
        """Read a result, but for its labels: each frame when it is asked for.

        Raises
        ------
        InputError
            As `read`.
        """


class Format(Readable, Protocol):
    """A way to store a result."""

    #: Of its files, the usual one first; folders have none.
    suffixes: ClassVar[tuple[str, ...]] = ()

    def target(self, path: Path) -> Path:
        """Add the suffix of the format where it is missing.

        Raises
        ------
        InputError
            When a package is missing that the format needs.
        """
        if not self.suffixes or path.suffix.lower() in self.suffixes:
            return path
        return path.with_name(path.name + self.suffixes[0])

    def files(self, path: Path) -> list[Path]:
        """List all that `write` may replace: ``path``, and what lies beside it."""
        return [path]

    def recognises(self, path: Path) -> bool:
        """Tell any file of the suffix."""
        return path.is_file() and path.suffix.lower() in self.suffixes

    def is_result(self, path: Path) -> bool:
        """Tell a former result, by what stands in it, from anything else.

        Parameters
        ----------
        path : Path
            One of the `files`.
        """

    def write(self, path: Path, result: SavedResult, *, overwrite: bool) -> None:
        """Write a result to its `target`, whole or not at all.

        Raises
        ------
        InputError
            When ``path`` is taken, or the format cannot hold the result.
        FastershiftError
            When writing fails; ``path`` is then as before.
        """
