"""From clusters to cells, from cells to tracks: the settings of tracking."""

from typing import Literal

from fastershift.config._field import Stage, Usual, setting

__all__ = ["TrackSettings"]


class TrackSettings(Stage):
    """From clusters to cells, from cells to tracks."""

    foreground: float = setting(
        0.5,
        "A pixel is foreground when the squared cosine of its embedding with the "
        "background axis is below this.",
        label="Foreground",
        by_model=True,
        step=0.01,
        gt=0,
        lt=1,
        usual=Usual(
            0.1,
            0.9,
            "Only the most certain pixels of each cell remain.",
            "Background will be segmented as cells.",
        ),
    )
    smallest_cell: float = setting(
        0.1,
        "Smallest cell, as a share of the area of a disc of the "
        "cell diameter; smaller pieces are removed.",
        label="Smallest cell",
        by_model=True,
        step=0.01,
        ge=0,
        le=10,
        usual=Usual(
            0.01,
            0.5,
            "Small objects that are not cells will be kept.",
            "Cells of half the usual area are removed, including daughters.",
        ),
    )
    smallest_cell_pixels: int | None = setting(
        None,
        "Smallest cell in network pixels, summed over both frames "
        "of a pair; overrides the share. Set by the presets of the "
        "published data sets.",
        label="Smallest cell in pixels",
        unit="px",
        ge=0,
    )
    least_certainty: float = setting(
        0.0,
        "Removes cells of which the model is much less certain than of the others, "
        "such as dirt and dead cells: below this share of the mean certainty in the "
        "frame. Only for models that vote.",
        label="Least certainty",
        by_model=True,
        step=0.05,
        ge=0,
        lt=1,
        usual=Usual(
            0.0,
            0.6,
            above="Cells that look unlike the others are removed.",
        ),
    )
    linker: Literal["auto", "overlap", "costs"] = setting(
        "auto",
        "How the cells of two frames are linked. 'overlap': as published, cells of two "
        "pairs that overlap in the frame they share. 'costs': all links of a frame "
        "together, so that they cost least, which is better where cells move far. "
        "'auto': 'costs' for given masks, otherwise 'overlap'.",
        label="Linker",
    )
    linking_overlap: float = setting(
        0.25,
        "Smallest overlap (intersection over union) in the shared "
        "frame at which two cells are the same cell.",
        label="Linking overlap",
        step=0.05,
        ge=0,
        le=1,
        usual=Usual(
            0.05,
            0.7,
            "Cells that barely touch will be linked.",
            "A cell that moves or changes its shape loses its track.",
        ),
    )
    division_search: int = setting(
        2,
        "Number of frames in which the parent of a new cell is searched.",
        label="Division search",
        unit="frames",
        ge=0,
        le=100,
        usual=Usual(
            1,
            10,
            "Divisions are not detected.",
            "Cells that only pass by will be taken as parents.",
        ),
    )
    parent_reach: float = setting(
        0.6,
        "Diameter of the disc by which a new cell is grown for the "
        "parent search, as a share of the cell diameter: daughters "
        "move apart quickly.",
        label="Parent reach",
        step=0.1,
        ge=0,
        le=5,
        usual=Usual(
            0.2,
            1.5,
            "Only daughters that overlap their parent are found.",
            "Parents may be cells that are not neighbours.",
        ),
    )
    parent_dilation: int | None = setting(
        None,
        "The same in pixels; overrides the share. 0 does not grow. Set by the "
        "presets of the published data sets.",
        label="Parent dilation",
        unit="px",
        ge=0,
        le=99,
    )
    merge_search: int = setting(
        10,
        "A part that separates from a cell is rejoined if it is at "
        "most this many frames old.",
        label="Merge search",
        unit="frames",
        ge=0,
        le=1000,
    )
    shortest_track: int = setting(
        2,
        "Tracks that are shorter than this and have no parent are removed, unless they "
        "begin in the first frame or end in the last one (in the profile 'published' "
        "also there).",
        label="Shortest track",
        unit="frames",
        ge=1,
        le=1000,
        usual=Usual(
            1,
            20,
            above="Cells that are in view only for a short time are removed.",
        ),
    )
    border: int = setting(
        0,
        "Cells that lie completely within this many pixels of the edge are removed.",
        label="Border",
        unit="px",
        ge=0,
    )
    farthest_move: float = setting(
        3.0,
        "Cells are not linked if the cell moves farther than this between two frames; "
        "drift of the stage does not count. Where cells move little, the limit is "
        "three times their usual move, but not less than one cell diameter, or half "
        "the way to the nearest neighbour.",
        label="Farthest move",
        unit="cell diameters",
        step=0.1,
        gt=0,
        le=20,
        usual=Usual(
            0.3,
            5,
            "Cells that move lose their tracks.",
            "Where a mask is missing, its neighbours take its place.",
        ),
    )
    remove_drift: bool = setting(
        True,
        "Remove the drift of the stage, which is the move that most cells share, "
        "before cells are linked by costs. Switch it off if the cells themselves move "
        "together.",
        label="Remove drift",
    )
    size_cost: float = setting(
        0.5,
        "A cell that is twice or half as large in the next frame costs as much as a "
        "move this far.",
        label="Cost of a change of size",
        unit="cell diameters",
        step=0.1,
        ge=0,
        le=20,
    )
    overlap_cost: float = setting(
        1.0,
        "A cell that shares no pixel with itself in the frame before costs as much as "
        "a move this far.",
        label="Cost of no overlap",
        unit="cell diameters",
        step=0.1,
        ge=0,
        le=20,
    )
    vote_weight: float = setting(
        0.0,
        "How much the place where the network sees the cell in the frame before counts "
        "against the place where the cell was last. It counts only where the network "
        "is certain; with 0 the network is not used.",
        label="Weight of the votes",
        step=0.1,
        ge=0,
        le=1,
    )
    division_cost: float = setting(
        0.2,
        "A division costs as much as a move this far, in addition to the link to one "
        "daughter.",
        label="Cost of a division",
        unit="cell diameters",
        step=0.1,
        ge=0,
        le=20,
        usual=Usual(
            0.1,
            1,
            "Cells that pass by will be taken as daughters.",
            "Divisions are not detected.",
        ),
    )
    longest_gap: int = setting(
        2,
        "A cell may be missing in this many frames in a row and be found again.",
        label="Longest gap",
        unit="frames",
        ge=0,
        le=100,
    )
    mend_masks: bool = setting(
        True,
        "Mend given masks that are wrong for a few frames. If one is missing, the one "
        "before the gap is added, on free background. One that covers two cells is "
        "divided between them. The parts of one that is cut in two become one cell.",
        label="Mend masks",
    )
    gap_cost: float = setting(
        0.5,
        "Each frame in which a cell is missing costs as much as a move this far.",
        label="Cost of a gap",
        unit="cell diameters",
        step=0.1,
        ge=0,
        le=20,
    )
    merge_tiles: bool = setting(
        False,
        "Cluster every tile separately and merge the labels, as "
        "published, instead of clustering the whole frame.",
        label="Merge tiles",
    )
