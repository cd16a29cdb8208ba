"""Linkers of other programs, on masks; each is skipped where it cannot run."""

from fastershift.benchmark.linkers._btrack import link_by_btrack, load_btrack
from fastershift.benchmark.linkers._hoct import COMMAND, link_by_hoct, load_hoct
from fastershift.benchmark.linkers._laptrack import by_distance, by_overlap
from fastershift.benchmark.linkers._nearest import nearest_overlap
from fastershift.benchmark.linkers._peer import Linked, PeerLinker
from fastershift.benchmark.linkers._trackastra import (
    link_by_trackastra,
    load_trackastra,
)
from fastershift.benchmark.linkers._ultrack import (
    choose_by_ultrack,
    link_by_ultrack,
    load_ultrack,
)

__all__ = ["LINKERS", "ULTRACK", "Linked", "PeerLinker", "choose_by_ultrack"]

#: Chooses among alternatives, too.
ULTRACK = PeerLinker("ultrack", "ultrack", link_by_ultrack, load_ultrack)

LINKERS: tuple[PeerLinker, ...] = (
    PeerLinker("nearest overlap", "", nearest_overlap),
    PeerLinker("laptrack, distance", "laptrack", by_distance),
    PeerLinker("laptrack, overlap", "laptrack", by_overlap),
    PeerLinker("btrack", "btrack", link_by_btrack, load_btrack),
    ULTRACK,
    PeerLinker("trackastra", "trackastra", link_by_trackastra, load_trackastra),
    PeerLinker("HOCT", "hoct", link_by_hoct, load_hoct, command=COMMAND),
)
