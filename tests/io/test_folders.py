"""Folders as microscopes, incubators and people fill them: read rightly, or refused."""

import numpy as np
import pytest
import tifffile
from PIL import Image

from fastershift.errors import InputError
from fastershift.io import read_channels, read_movie


@pytest.fixture
def stack():
    return np.random.default_rng(0).integers(0, 250, (4, 12, 15)).astype(np.uint8)


def fill(folder, **files):
    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in files.items():
        path = folder / name
        if path.suffix.lower() in (".tif", ".tiff"):
            tifffile.imwrite(path, frame, photometric="minisblack")
        else:
            Image.fromarray(frame).save(path)
    return folder


def frames(pattern, stack, numbers=range(4), **more):
    files = {
        pattern.format(t=t, **more): f for t, f in zip(numbers, stack, strict=True)
    }
    assert len(files) == len(stack)
    return files


def same(movie, stack):
    np.testing.assert_array_equal(np.stack(list(movie)), stack)


@pytest.mark.parametrize(
    ("pattern", "numbers"),
    [
        ("t{t:03d}.tif", range(4)),
        ("t{t}.tif", (8, 9, 10, 11)),
        ("frame-{t}.TIFF", (8, 9, 10, 11)),
        ("{t}.tif", (8, 9, 10, 11)),
        ("exp3_t{t}_raw.tif", (1, 2, 3, 4)),
        ("every other {t:02d}.tif", (0, 2, 4, 6)),
        ("a_t{t}_b{t}.tif", (8, 9, 10, 11)),
        ("VID_B2_1_00d00h{t:02d}m.tif", (0, 15, 30, 45)),
        ("VID_B2_1_01d{t:02d}h00m.tif", (0, 1, 2, 3)),
        ("VID_B2_1_2021y06m0{t}d_12h00m.tif", (1, 2, 3, 4)),
        ("img_{t:09d}_Phase_000.tif", range(4)),
        ("img_channel000_position000_time{t:09d}_z000.tif", range(4)),
        ("2024-05-01_12-{t:02d}-00.tif", (8, 9, 10, 11)),
        ("20240501_1259{t:02d}.tif", (5, 15, 25, 36)),
        ("20240513_{t:04d}.tif", (58, 59, 60, 61)),
        ("20240513_t{t:04d}.tif", (58, 59, 60, 61)),
        ("20240513_{t:06d}.tif", (58, 59, 60, 61)),
        ("exp_c1_{t:03d}.tif", (1, 2, 3, 4)),
        ("exp_p1_{t:03d}.tif", (1, 2, 3, 4)),
    ],
)
def test_one_number_counts_the_frames(tmp_path, stack, pattern, numbers):
    movie = read_movie(fill(tmp_path / "m", **frames(pattern, stack, numbers)))
    same(movie, stack)
    assert [*movie.frames.array.grid.files.values()] == [
        pattern.format(t=t) for t in numbers
    ]


def test_channels_and_positions_with_counters_are_not_wells(tmp_path, stack):
    for letter, taken in (("c", "channel"), ("p", "position")):
        folder = tmp_path / letter
        fill(folder, **frames(f"exp_{letter}1_{{t:03d}}.tif", stack))
        fill(folder, **frames(f"exp_{letter}2_{{t:03d}}.tif", stack // 2))
        same(read_movie(folder, **{taken: 1}), stack // 2)


def test_capitals_do_not_matter_for_the_order(tmp_path, stack):
    names = ("T000.TIF", "t001.tif", "T002.tif", "t003.TIF")
    files = dict(zip(names, stack, strict=True))
    same(read_movie(fill(tmp_path / "m", **files)), stack)


def test_a_clock_over_midnight(tmp_path, stack):
    names = ("20240430_2350", "20240501_0000", "20240501_0010", "20240501_0020")
    files = {f"{name}.tif": f for name, f in zip(names, stack, strict=True)}
    same(read_movie(fill(tmp_path / "m", **files)), stack)


TWO = [
    ("exp_w{c}{name}_t{t}.TIF", "channel"),
    ("img_{t:09d}_{name}_000.tif", "channel"),
    ("{name}_t{t}.tif", "channel"),
    ("c{c}t{t}.tif", "channel"),
    ("x_ch{c:02d}_time{t}.tif", "channel"),
    ("exp_s{c}_t{t}.tif", "position"),
    ("xy{c}t{t}.tif", "position"),
    ("VID_B{c}_1_00d00h{t:02d}m.tif", "position"),
    ("VID_B2_{c}_00d00h{t:02d}m.tif", "position"),
    ("img_t{t:02d}_z{c}.tif", "plane"),
    ("img_{t:09d}_Phase_{c:03d}.tif", "plane"),
]


@pytest.mark.parametrize(("pattern", "axis"), TWO)
def test_a_second_number_or_name_is_a_channel_position_or_plane(
    tmp_path, stack, pattern, axis
):
    for c, name in ((1, "DAPI"), (2, "GFP")):
        fill(tmp_path / "m", **frames(pattern, stack + c, c=c, name=name))
    with pytest.raises(InputError, match=f"2 {axis}s") as caught:
        read_movie(tmp_path / "m")
    assert axis in caught.value.options
    for c in (0, 1):
        same(read_movie(tmp_path / "m", **{axis: c}), stack + 1 + c)
    with pytest.raises(InputError, match=f"no {axis} 2; choose from 0 to 1"):
        read_movie(tmp_path / "m", **{axis: 2})
    # Whoever says that files are frames is believed.
    assert len(read_movie(tmp_path / "m", axes="TYX")) == 8


def test_a_projection_over_files(tmp_path, stack):
    for z in range(3):
        fill(tmp_path / "m", **frames("t{t}_z{z}.tif", np.roll(stack, z, 1), z=z))
    expected = np.max([np.roll(stack, z, 1) for z in range(3)], axis=0)
    same(read_movie(tmp_path / "m", plane="max"), expected)


def test_all_at_once(tmp_path, stack):
    pattern = "img_channel{c:03d}_position{p:03d}_time{t:09d}_z{z:03d}.tif"
    for c in range(2):
        for p in range(2):
            for z in range(2):
                changed = stack // 2 + 10 * c + 20 * p + 40 * z
                fill(tmp_path / "m", **frames(pattern, changed, c=c, p=p, z=z))
    movie = read_movie(tmp_path / "m", channel=1, position=0, plane=1)
    same(movie, stack // 2 + 10 + 40)


@pytest.mark.parametrize("ending", ["_cp_masks", "_masks", "_seg", "_labels"])
def test_masks_beside_their_frames_are_left_out(tmp_path, stack, ending):
    fill(tmp_path / "m", **frames("t{t:03d}.tif", stack))
    fill(tmp_path / "m", **frames("t{t:03d}" + ending + ".tif", stack * 0))
    movie = read_movie(tmp_path / "m")
    same(movie, stack)
    names = [path.name for path in movie.frames.files]
    assert names == [f"t{t:03d}.tif" for t in range(len(stack))]


def test_a_name_that_only_looks_like_a_mask_is_a_frame(tmp_path, stack):
    same(read_movie(fill(tmp_path / "m", **frames("t{t}_seg.tif", stack))), stack)


def refused(folder, words):
    with pytest.raises(InputError, match=words) as caught:
        read_movie(folder)
    assert "\n" not in str(caught.value)


def test_a_folder_of_masks(tmp_path, stack):
    for name in ("mask{t:03d}.tif", "man_track{t:03d}.tif"):
        folder = fill(tmp_path / name[:4], **frames(name, stack))
        (folder / "res_track.txt").write_text("1 0 3 0\n")
        refused(folder, "holds masks, not images")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("background.tif", "5 images .* 4 like t000.tif, 1 like background.tif"),
        ("t002 (1).tif", r"4 like t000.tif, 1 like t002 \(1\).tif"),
        ("t002 - Copy.tif", "4 like t000.tif, 1 like t002 - Copy.tif"),
        ("t-1.tif", "4 like t000.tif, 1 like t-1.tif"),
        ("t002.tiff", "holds both t002.tif and t002.tiff"),
        ("t2.tif", "t002.tif and t2.tif in .* have the same numbers"),
    ],
)
def test_a_stranger_among_the_frames(tmp_path, stack, name, words):
    folder = fill(tmp_path / "m", **frames("t{t:03d}.tif", stack))
    fill(folder, **{name: stack[0]})
    refused(folder, words)


def test_wells_are_positions_and_not_frames(tmp_path, stack):
    folder = fill(tmp_path / "m", **frames("plate_A0{t}_w1.tif", stack, (1, 2, 3, 4)))
    refused(folder, "has 4 positions")
    same(read_movie(folder, position=2), stack[2:3])


def test_numbers_that_no_movie_has(tmp_path, stack):
    folder = fill(tmp_path / "m", **frames("t{t}.tif", stack, (0, 1, 2, 10**12)))
    refused(folder, "go from 0 to 1000000000000, which are more frames than there can")


def test_two_numbers_of_which_none_is_named(tmp_path, stack):
    for a in range(2):
        fill(tmp_path / "m", **frames("{a}_{t}.tif", stack, a=a))
    refused(tmp_path / "m", r"count 2 things \(0 to 1, 0 to 3\).*Put one letter")


def test_numbers_that_run_against_each_other(tmp_path, stack):
    files = {f"{t}-{9 - t}.tif": f for t, f in enumerate(stack)}
    refused(fill(tmp_path / "m", **files), "none for|count 2 things")


def test_a_channel_that_lacks_a_frame(tmp_path, stack):
    for c in range(2):
        fill(tmp_path / "m", **frames("c{c}t{t}.tif", stack, c=c))
    (tmp_path / "m" / "c1t2.tif").unlink()
    refused(tmp_path / "m", "7 images, but none for channel 1, frame 2")


@pytest.mark.parametrize(
    ("pattern", "numbers", "first", "left"),
    [
        ("t{t:03d}.tif", (0, 1, 2, 4), 3, "0:3"),
        ("t{t}.tif", (5, 7, 8, 9), 1, "0:1"),
        ("img_t{t}.tif", (0, 2, 4, 8), 3, "0:3"),
        ("VID_B2_1_00d00h{t:02d}m.tif", (0, 10, 20, 41), 3, "0:3"),
    ],
)
def test_a_hole_is_named_and_what_is_left_can_be_read(
    tmp_path, stack, pattern, numbers, first, left
):
    folder = fill(tmp_path / "m", **frames(pattern, stack, numbers))
    before = pattern.format(t=numbers[first - 1])
    refused(folder, f"frame {first} is missing, .* follow {before}.*such as {left}")
    for span in ((0, first), (first + 1, 5)):
        part = stack[: span[1]] if span[0] == 0 else stack[first:]
        same(read_movie(folder, frames=span), part)
    with pytest.raises(InputError, match="is not whole"):
        read_movie(folder, frames=(0, 5))


def test_holes_of_all_positions_are_frames(tmp_path, stack):
    for p in range(2):
        fill(tmp_path / "m", **frames("s{p}_t{t}.tif", stack, (0, 1, 3, 4), p=p))
    with pytest.raises(InputError, match="frame 2 is missing"):
        read_movie(tmp_path / "m", position=1)
    same(read_movie(tmp_path / "m", position=1, frames=(3, 5)), stack[2:])


@pytest.mark.parametrize("at", [0, 2, 3])
def test_a_file_of_several_frames_among_single_ones(tmp_path, stack, at):
    folder = fill(tmp_path / "m", **frames("t{t:03d}.tif", stack))
    fill(folder, **{f"t{at:03d}.tif": stack[:2]})
    refused(folder, "holds 2 frames, but in a folder every file is one frame|differ")


def test_a_file_that_was_cut_off_among_whole_ones(tmp_path, stack):
    folder = fill(tmp_path / "m", **frames("t{t:03d}.tif", stack))
    path = folder / "t002.tif"
    path.write_bytes(path.read_bytes()[:-30])
    refused(folder, "t002.tif is damaged")


def test_a_link_to_nothing_is_named(tmp_path, stack):
    folder = fill(tmp_path / "m", **frames("t{t:03d}.tif", stack))
    (folder / "t004.tif").symlink_to(tmp_path / "gone.tif")
    refused(folder, "t004.tif is a link to a file that is not there")


def test_positions_in_folders_of_their_own(tmp_path, stack):
    for p, name in enumerate(("Pos2", "Pos10", "Pos1")):
        files = frames("img_{t:09d}_Phase_000.tif", stack + p)
        fill(tmp_path / "m" / name, **files)
    refused(
        tmp_path / "m",
        "3 positions.* Pos1 to Pos10, each a separate movie; choose one, from 0 to 2",
    )
    same(read_movie(tmp_path / "m", position=1), stack)
    same(read_movie(tmp_path / "m", position=2), stack + 1)
    with pytest.raises(InputError, match="no position 3; choose from 0 to 2"):
        read_movie(tmp_path / "m", position=3)


def test_positions_of_cell_acdc(tmp_path, stack):
    for p in (1, 2):
        for name, by in (("phase_contr", 0), ("GFP", 100)):
            images = tmp_path / "exp" / f"Position_{p}" / "Images"
            fill(images, **{f"exp_s{p:02d}_{name}.tif": stack + by + p})
            (images / "exp_metadata.csv").write_text("Description,values\n")
    movie = read_movie(tmp_path / "exp", position=1, channel=1)
    same(movie, stack + 2)
    with pytest.raises(InputError, match=r"0: exp_s01_GFP\.tif, 1: exp_s01_phase"):
        read_movie(tmp_path / "exp" / "Position_1")


def test_a_folder_with_one_stack_is_that_stack(tmp_path, stack):
    movie = read_movie(fill(tmp_path / "m", **{"movie.tif": stack}))
    same(movie, stack)
    assert movie.name == "m"


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".PNG"])
def test_pictures(tmp_path, stack, suffix):
    same(read_movie(fill(tmp_path / "m", **frames("t{t}" + suffix, stack))), stack)
    same(read_movie(tmp_path / "m" / f"t0{suffix}"), stack[:1])


def test_pictures_of_16_bits_and_of_two_values(tmp_path, stack):
    deep = stack.astype(np.uint16) * 200
    same(read_movie(fill(tmp_path / "deep", **frames("t{t}.png", deep))), deep)
    two = stack > 100
    same(read_movie(fill(tmp_path / "two", **frames("t{t}.png", two))), two)


def test_pictures_in_jpeg(tmp_path):
    flat = np.full((3, 16, 16), [[[10]], [[90]], [[200]]], np.uint8)
    movie = read_movie(fill(tmp_path / "m", **frames("t{t}.jpg", flat, range(3))))
    np.testing.assert_allclose(np.stack(list(movie)), flat, atol=2)


def test_colours_of_pictures_have_to_be_chosen(tmp_path, stack):
    colour = np.stack([stack, stack // 2, stack // 3], axis=-1)
    folder = fill(tmp_path / "m", **frames("t{t}.png", colour))
    refused(folder, "RGB image; choose one channel")
    same(read_movie(folder, channel="green"), stack // 2)
    palette = Image.fromarray(stack[0]).convert("P")
    palette.save(tmp_path / "palette.png")
    assert read_movie(tmp_path / "palette.png", channel="red").shape == (1, 12, 15)


def test_pictures_beside_tiffs_only_show_what_is_there(tmp_path, stack):
    folder = fill(tmp_path / "m", **frames("t{t}.tif", stack))
    fill(folder, **{"overview.png": stack[0]})
    same(read_movie(folder), stack)


def test_what_is_no_picture(tmp_path, stack):
    folder = fill(tmp_path / "m", **frames("t{t}.png", stack))
    (folder / "t2.png").write_bytes(b"no picture")
    refused(folder, "t2.png cannot be read as a picture")
    with pytest.raises(InputError, match="no level 1"):
        read_movie(folder / "t0.png", level=1)
    fill(folder, **{"t2.png": stack[2, :-1]})
    refused(folder, "differ in size: t2.png")


def test_a_picture_that_changes_later(tmp_path, stack):
    folder = fill(tmp_path / "m", **frames("t{t}.png", stack))
    movie = read_movie(folder)
    fill(folder, **{"t2.png": stack[2, :-1]})
    with pytest.raises(InputError, match=r"t2\.png has changed"):
        movie[2]
    np.testing.assert_array_equal(movie[1], stack[1])


def test_what_else_is_in_a_folder(tmp_path):
    (tmp_path / "a.txt").write_text("")
    (tmp_path / "b.mp4").write_text("")
    refused(tmp_path, "no images, only files of the kinds .mp4, .txt; give the folder")


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("exp_w1DAPI_t{t}.tif", ["0", "1"]),
        ("img_{t:09d}_DAPI_000.tif", ["0", "1"]),
        ("{t}.png", ["red", "green", "blue"]),
        ("{t}.tif", ["0", "1"]),
    ],
)
def test_every_channel_is_a_movie_of_its_own(tmp_path, stack, pattern, names):
    both = np.stack([stack, stack // 2], axis=1)
    if "DAPI" in pattern:
        other = pattern.replace("w1DAPI", "w2GFP").replace("DAPI", "GFP")
        fill(tmp_path, **frames(pattern, stack), **frames(other, stack // 2))
    elif pattern.endswith("png"):
        both = np.stack([stack, stack // 2, stack // 3], axis=1)
        fill(tmp_path, **frames(pattern, both.transpose(0, 2, 3, 1)))
    else:
        for t, image in enumerate(both):
            tifffile.imwrite(
                tmp_path / pattern.format(t=t),
                image,
                imagej=True,
                metadata={"axes": "CYX"},
            )
    found = read_channels(tmp_path)
    assert list(found) == names
    for number, movie in enumerate(found.values()):
        same(movie, both[:, number])


@pytest.mark.parametrize("coloured", [0, 2])
def test_a_colour_image_among_frames_is_named(tmp_path, coloured):
    for t in range(4):
        shape = (8, 9, 3) if t == coloured else (8, 9)
        tifffile.imwrite(tmp_path / f"t{t}.tif", np.ones(shape, np.uint8))
    other = "t0.tif" if coloured else "t1.tif"
    sentence = rf"t{coloured}\.tif is a colour image and {other} is not"
    with pytest.raises(InputError, match=sentence):
        read_movie(tmp_path)


def test_a_folder_among_frames_is_named(tmp_path):
    for t in range(3):
        tifffile.imwrite(tmp_path / f"t{t}.tif", np.ones((8, 9), np.uint8))
    (tmp_path / "t3.tif").mkdir()
    with pytest.raises(InputError, match=r"t3\.tif is not a file"):
        read_movie(tmp_path)
