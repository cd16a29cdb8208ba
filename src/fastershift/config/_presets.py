"""Where the published method and its data sets differ from the defaults."""

from collections.abc import Mapping
from typing import Any

__all__ = ["PRESETS", "PUBLISHED"]

#: What the published method does otherwise.
PUBLISHED: dict[str, Any] = {
    "profile": "published",
    "embed": {
        "window": 8,
        "tile": 256,
        "tile_overlap": 128,
        "precision": "float32",
    },
    "cluster": {
        "bandwidth": 0.1,
        "mean": "raw",
        "reseed": False,
        "min_cluster_size": 1,
        "coordinate_weight": 0.005,
        "local_modes": False,
        "join_alike": False,
        "split_large": False,
        "carry_seeds": True,
    },
    "track": {"merge_tiles": True},
}


def _preset(
    size: tuple[int, int],
    smallest: int,
    border: int,
    dilation: int,
    search: int,
    shortest: int = 2,
    zoom: float = 1.0,
) -> dict[str, Any]:
    return {
        "embed": {"network_size": size, "zoom": zoom},
        "track": {
            "smallest_cell_pixels": smallest,
            "border": border,
            "parent_dilation": dilation,
            "division_search": search,
            "shortest_track": shortest,
        },
    }


#: Constants the RSHN authors used per data set (network width × height first).
PRESETS: Mapping[str, dict[str, Any]] = {
    "DIC-C2DH-HeLa": _preset((256, 256), 500, 50, 0, 8),
    "Fluo-C2DL-MSC": _preset((256, 256), 100, 50, 0, 8, zoom=0.95),
    "Fluo-N2DH-GOWT1": _preset((512, 512), 100, 50, 5, 2),
    "Fluo-N2DH-SIM+": _preset((512, 512), 100, 0, 5, 2),
    "Fluo-N2DL-HeLa": _preset((1100, 700), 50, 25, 3, 2),
    "PhC-C2DH-U373": _preset((512, 384), 500, 50, 0, 8),
    "PhC-C2DL-PSC": _preset((720, 576), 50, 25, 0, 2, shortest=5),
}
