"""Which frame, channel, plane or position each file of a folder is, by its name.

A name is cut into texts and numbers by turns. Numbers that differ from file to file
count something; the word before a number says what. Texts that differ are names of
channels.
"""

import math
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise, product
from pathlib import PurePath
from statistics import median_low
from typing import TypeAlias

from fastershift.errors import InputError

__all__ = ["FileGrid", "are_masks", "natural_order", "sort_files", "without_derived"]

_Row: TypeAlias = tuple[str, ...]

#: What stands before a number, and the letter of the axis that it counts.
_WORDS = {
    **dict.fromkeys(("t", "tp", "time", "timepoint", "frame", "sk", "clock"), "T"),
    **dict.fromkeys(("c", "ch", "channel", "w", "wv", "wavelength"), "C"),
    **dict.fromkeys(("z", "zslice", "slice", "plane"), "Z"),
    **dict.fromkeys(("s", "p", "pos", "position", "xy", "fov", "field", "site"), "P"),
}
_NAMES = {"T": "frame", "C": "channel", "Z": "plane", "P": "position"}
#: Ends of the names of files that other programs have made of a frame.
_MADE_OF_FRAME = re.compile(
    r"_(cp_masks?|masks?|seg|segm|labels?|outlines|flows|prob(abilities)?)$"
)
#: Masks as the Cell Tracking Challenge calls them, and as Cellpose does.
_MASK = re.compile(r"(mask|man_track|man_seg)_?\d+")
_CELLPOSE_MASK = re.compile(r".*_cp_masks")
# Several numbers that are one time: days, hours and minutes; a date.
_ELAPSED = re.compile(r"(\d+)d(\d+)h(\d+)m(?:(\d+)s)?")
_DATE = re.compile(
    r"(?<!\d)((?:19|20)\d\d)[-_.y]?([01]\d)[-_.m]?([0-3]\d)d?[-_ t]*"
    r"([0-2]\d)[-_.:h]?([0-5]\d)m?(?:[-_.:]?([0-5]\d)s?)?(?!\d)"
)
#: A well and a field in it, as incubators (B2_1) and microscopes (B02_s1) name them.
_WELL = re.compile(r"(?<=_)([a-p])(\d{1,2})_(\d+)(?=_|$)")
_WELL_ALONE = re.compile(r"(?<=_)([a-p])(0[1-9]|1\d|2[0-4])(?:_s(\d+))?(?=_)")
#: Frames that the numbers in the names may speak of.
_MOST_FRAMES = 10**6
#: Micro-Manager: img_000000012_Phase_003.
_MICRO_MANAGER = re.compile(r"img_(\d{9})_(.+)_(\d{3})")


@dataclass(frozen=True)
class FileGrid:
    """Files by their places along the axes that their names tell apart.

    Attributes
    ----------
    axes : str
        One letter per axis, such as ``"PT"``.
    shape : tuple of int
        Lengths of the axes.
    files : mapping
        Names by their place along each axis.
    channels : tuple of str
        The first file of each channel; empty where channels are not told apart.
    missing : mapping
        Frames of which there is no file, and the file before each.
    """

    axes: str
    shape: tuple[int, ...]
    files: Mapping[tuple[int, ...], str]
    channels: tuple[str, ...] = ()
    missing: Mapping[int, str] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """All files, in the order of their places."""
        return tuple(self.files[place] for place in sorted(self.files))


def natural_order(name: str) -> tuple[list[tuple[int, str]], str]:
    """Order ``t2`` before ``t10``, whatever the capitals."""
    parts = re.findall(r"(\d+)|(\D+)", PurePath(name).stem.lower())
    return [(int(d) if d else -1, text) for d, text in parts], name


def sort_files(names: Sequence[str], folder: str, *, all_time: bool) -> FileGrid:
    """Decide what the images in a folder are.

    Parameters
    ----------
    names : sequence of str
        Names of all images in it, at least one.
    folder : str
        What it is called in a sentence.
    all_time : bool
        Whether every file is a frame, whatever its name says.

    Returns
    -------
    FileGrid

    Raises
    ------
    InputError
        When the names do not tell; the sentence lists what was found.
    """
    frames = sorted(without_derived(names), key=natural_order)
    if all(_MASK.fullmatch(_stem(name)) for name in frames):
        raise InputError(
            f"{folder} holds masks, not images; give the folder with the images."
        )
    for one, other in pairwise(sorted(frames, key=_stem)):
        if _stem(one) == _stem(other):
            raise InputError(
                f"{folder} holds both {one} and {other}; remove one of them."
            )
    if all_time or len(frames) == 1:
        return FileGrid("T", (len(frames),), {(t,): n for t, n in enumerate(frames)})
    cut = _cut([_stem(name) for name in frames])
    rows = dict(zip(frames, cut, strict=True))
    if len({len(row) for row in rows.values()}) > 1:
        raise _several_kinds(rows, folder)
    return _grid(rows, _find_axes(rows, folder), folder)


def _stem(name: str) -> str:
    return PurePath(name).stem.lower()


def are_masks(names: Sequence[str]) -> bool:
    """Tell masks, as the Challenge and Cellpose name them, from images."""
    return bool(names) and all(
        _MASK.fullmatch(stem) or _CELLPOSE_MASK.fullmatch(stem)
        for stem in map(_stem, names)
    )


def without_derived(names: Sequence[str]) -> list[str]:
    """Leave out the masks that other programs put beside the images."""
    stems = {_stem(name) for name in names}
    return [
        name
        for name in names
        if not _MADE_OF_FRAME.search(_stem(name))
        or _MADE_OF_FRAME.sub("", _stem(name)) not in stems
    ]


def _cut(stems: Sequence[str]) -> list[_Row]:
    """Cut names into texts and numbers by turns; a text, maybe empty, comes first."""
    stems = [_timed(stem) for stem in stems]
    dated = [_DATE.sub(_date, stem) for stem in stems]
    # A counter behind a day looks like minutes, up to 59.
    if all(new != old for new, old in zip(dated, stems, strict=True)):
        stems = dated
    rows = {found[1] for stem in stems for found in _WELL.finditer(stem)}
    # c1_001 is a channel and a counter, where nothing else speaks of a plate.
    if not rows <= _WORDS.keys() or all("clock" in stem for stem in stems):
        stems = [_WELL.sub(_well, stem) for stem in stems]
    return [
        tuple(
            str(int(part)) if part.isdecimal() else part
            for part in re.split(r"(\d+)", _WELL_ALONE.sub(_well, stem))
        )
        for stem in stems
    ]


def _timed(stem: str) -> str:
    """Spell out Micro-Manager's names, and times since the start."""
    found = _MICRO_MANAGER.fullmatch(stem)
    if found:
        time, channel, plane = found.groups()
        stem = f"img_t{time}_{_without_digits(channel)}_z{plane}"
    return _ELAPSED.sub(lambda time: f"clock{_elapsed(*time.groups())}", stem)


def _well(found: re.Match[str]) -> str:
    return f"s{_place_in_plate(*found.groups())}"


def _without_digits(channel: str) -> str:
    return re.sub(r"\d", lambda digit: "abcdefghij"[int(digit[0])], channel)


def _place_in_plate(row: str, column: str, well_field: str | None) -> int:
    return (ord(row) * 100 + int(column)) * 10_000 + int(well_field or 0)


def _elapsed(days: str, hours: str, minutes: str, seconds: str | None) -> int:
    return ((int(days) * 24 + int(hours)) * 60 + int(minutes)) * 60 + int(seconds or 0)


def _date(found: re.Match[str]) -> str:
    year, month, day, hour, minute, second = (int(part or 0) for part in found.groups())
    try:
        when = datetime(year, month, day, hour, minute, second)
    except ValueError:  # these numbers are something else
        return found[0]
    return f"clock{(when - datetime.min) // timedelta(seconds=1)}"


def _several_kinds(rows: Mapping[str, _Row], folder: str) -> InputError:
    kinds: dict[_Row, list[str]] = defaultdict(list)
    for name, row in rows.items():
        kinds[row[::2]].append(name)
    most_first = sorted(kinds.values(), key=len, reverse=True)
    found = [f"{len(alike)} like {alike[0]}" for alike in most_first]
    more = f" and {len(found) - 4} more kinds" if len(found) > 4 else ""
    return InputError(
        f"{folder} holds {len(rows)} images that are not one movie: "
        f"{', '.join(found[:4])}{more}. Leave only the frames in it, named alike."
    )


@dataclass(frozen=True)
class _Axis:
    """Something that the names count: where in the name, and each value's place."""

    letter: str
    column: int
    places: Mapping[str, int]

    @property
    def length(self) -> int:
        return max(self.places.values()) + 1


def _find_axes(rows: Mapping[str, _Row], folder: str) -> list[_Axis]:
    """Find what the names count, and the letters of these axes."""
    columns = list(zip(*rows.values(), strict=True))
    groups: list[list[int]] = []
    for number, column in enumerate(columns):
        if len(set(column)) > 1:
            alike = (one for one in groups if _go_together(columns[one[0]], column))
            group = next(alike, None)
            if group is None:
                groups.append([number])
            else:
                group.append(number)
    letters = [_letter(group, columns) for group in groups]
    if letters.count("") == 1 and "T" not in letters:
        letters = [letter or "T" for letter in letters]
    if "" in letters or len(set(letters)) < len(letters):
        raise _unclear(rows, [columns[group[0]] for group in groups], folder)
    return [
        _axis(letter, _counter(group), columns, folder)
        for letter, group in zip(letters, groups, strict=True)
    ]


def _go_together(one: Sequence[str], other: Sequence[str]) -> bool:
    """Tell whether two columns count the same thing, in the same order."""
    pairs = set(zip(one, other, strict=True))
    if not len(pairs) == len(set(one)) == len(set(other)):
        return False
    numbers = sorted((int(a), int(b)) for a, b in pairs if (a + b).isdecimal())
    return all(before[1] < after[1] for before, after in pairwise(numbers))


def _counter(group: Sequence[int]) -> int:
    """Choose the column to count by: a number, where there is one."""
    return next((number for number in group if number % 2), group[0])


def _letter(group: Sequence[int], columns: Sequence[Sequence[str]]) -> str:
    """Name an axis; empty where the names do not say what they count."""
    column = _counter(group)
    if column % 2 == 0:
        return "C"
    word = re.search(r"[a-z]*$", columns[column - 1][0].rstrip("_-. (="))
    letter = _WORDS.get(word[0], "") if word else ""
    named = any(number % 2 == 0 for number in group)
    return "C" if named and not letter else letter


def _axis(
    letter: str, column: int, columns: Sequence[Sequence[str]], folder: str
) -> _Axis:
    if column % 2 == 0:
        names = sorted(set(columns[column]), key=natural_order)
        return _Axis(letter, column, {name: place for place, name in enumerate(names)})
    values = sorted(set(columns[column]), key=int)
    if letter != "T":
        return _Axis(letter, column, {value: n for n, value in enumerate(values)})
    steps = [int(after) - int(before) for before, after in pairwise(values)]
    # Times of a clock are never quite even; numbers are.
    clock = columns[column - 1][0].endswith("clock")
    step = median_low(steps) if clock else math.gcd(*steps)
    place, places = 0, {values[0]: 0}
    for value, wide in zip(values[1:], steps, strict=True):
        place += max(1, round(wide / step)) if step else 0
        places[value] = place
    if place > _MOST_FRAMES:
        raise InputError(
            f"The numbers in the names of {folder} go from {values[0]} to "
            f"{values[-1]}, which are more frames than there can be; give the "
            "files other numbers."
        )
    return _Axis(letter, column, places)


def _unclear(
    rows: Mapping[str, _Row], counted: Sequence[Sequence[str]], folder: str
) -> InputError:
    ranges = [sorted(set(column), key=natural_order) for column in counted]
    found = ", ".join(f"{values[0]} to {values[-1]}" for values in ranges)
    return InputError(
        f"The names of the {len(rows)} images in {folder}, such as {next(iter(rows))}, "
        f"count {len(ranges)} things ({found}), and it is not clear which of them is "
        "time. Put one letter before each number: t time, c channel, z depth, "
        "s position."
    )


def _grid(rows: Mapping[str, _Row], axes: Sequence[_Axis], folder: str) -> FileGrid:
    files: dict[tuple[int, ...], str] = {}
    for name, row in rows.items():
        place = tuple(axis.places[row[axis.column]] for axis in axes)
        if place in files:
            raise InputError(
                f"{files[place]} and {name} in {folder} have the same "
                "numbers; remove one of them."
            )
        files[place] = name
    _check_complete(rows, axes, files, folder)
    letters = "".join(axis.letter for axis in axes)
    shape = tuple(axis.length for axis in axes)
    channels = _first_of_each("C", letters, files)
    return FileGrid(letters, shape, files, channels, _holes(axes, files))


def _first_of_each(
    letter: str, letters: str, files: Mapping[tuple[int, ...], str]
) -> tuple[str, ...]:
    if letter not in letters:
        return ()
    first: dict[int, str] = {}
    for place in sorted(files):
        first.setdefault(place[letters.index(letter)], files[place])
    return tuple(first[number] for number in sorted(first))


def _check_complete(
    rows: Mapping[str, _Row],
    axes: Sequence[_Axis],
    files: Mapping[tuple[int, ...], str],
    folder: str,
) -> None:
    """Make sure that every position, channel and plane has the same frames."""
    wanted = product(*(sorted(set(axis.places.values())) for axis in axes))
    missing = [place for place in wanted if place not in files]
    if not missing:
        return
    if any(axis.column % 2 == 0 for axis in axes):
        raise _several_kinds(rows, folder)
    where = ", ".join(
        f"{_NAMES[axis.letter]} {next(v for v, n in axis.places.items() if n == at)}"
        for axis, at in zip(axes, missing[0], strict=True)
    )
    more = f", and {len(missing) - 1} more" if len(missing) > 1 else ""
    raise InputError(
        f"{folder} holds {len(files)} images, but none for {where}{more}, going by "
        "their names; copy all of them, or leave only one movie in the folder."
    )


def _holes(
    axes: Sequence[_Axis], files: Mapping[tuple[int, ...], str]
) -> dict[int, str]:
    """Find the frames without a file, and the file before each."""
    number = next((n for n, axis in enumerate(axes) if axis.letter == "T"), None)
    if number is None:
        return {}
    last: dict[int, str] = {}
    for place, name in sorted(files.items(), reverse=True):
        last[place[number]] = name
    holes: dict[int, str] = {}
    for before, after in pairwise(sorted(last)):
        holes |= dict.fromkeys(range(before + 1, after), last[before])
    return holes
