"""The lineage alone, as trees in the Newick format; it is written, not read."""

import re
from pathlib import Path

from fastershift.errors import InputError
from fastershift.io._atomic import replacing_files
from fastershift.io._saved_result import SavedResult
from fastershift.io.formats._format import Format
from fastershift.tracking import Lineage, Track, newick

__all__ = ["NewickFormat"]

#: A line as it is written here: nodes are tracks, branches are whole frames.
_TREE = re.compile(r"[(),]*\d+:\d+([(),]+\d+:\d+)*[(),]*;")


class NewickFormat(Format):
    """``NAME.nwk``, a line for each tree."""

    suffixes = (".nwk", ".newick")

    def is_result(self, path: Path) -> bool:
        """Tell trees of tracks from those of others, whose nodes have names."""
        if not self.recognises(path):
            return False
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        return all(map(_TREE.fullmatch, lines))

    def write(self, path: Path, result: SavedResult, *, overwrite: bool) -> None:
        """Write the trees; see `Format.write`."""
        lineage = Lineage(tuple(Track(*row) for row in result.tracks))
        with replacing_files([path], overwrite, self.is_result) as folder:
            (folder / path.name).write_text(newick(lineage), encoding="ascii")

    def read(self, path: Path) -> SavedResult:
        """Say that there are no cells to read.

        Raises
        ------
        InputError
            Always.
        """
        raise InputError(
            f"{path} holds the tree alone, not where cells are, so it cannot be "
            "opened; give the result that it was written from."
        )
