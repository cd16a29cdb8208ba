"""TensorFlow checkpoints read without TensorFlow."""

import struct
import tracemalloc

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fastershift.errors import InputError
from fastershift.rshn import read_bundle
from fastershift.rshn.checkpoint._crc32c import masked_crc32c
from helpers.checkpoints import (
    CODES,
    DATA,
    LITTLE,
    SMALL,
    block,
    entry,
    field,
    table,
    trailed,
    varint,
    write_bundle,
    write_files,
)


@pytest.fixture(scope="session")
def index_and_data():
    return tuple(
        SMALL.with_name(f"small{ending}").read_bytes() for ending in (".index", DATA)
    )


def test_checksum_has_the_published_values():
    # RFC 3720, appendix B.4, before the rotation and the shift.
    known = {b"\0" * 32: 0x8A9136AA, b"\xff" * 32: 0x62A8AB43, b"": 0}
    known |= {bytes(range(32)): 0x46DD794E, b"123456789": 0xE3069283}
    for data, crc in known.items():
        masked = ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
        assert masked_crc32c(data) == masked


@pytest.mark.parametrize(
    "size", [1, 2, 3, 4, 5, 11, 4097, (1 << 18) - 1, (1 << 18) + 6]
)
def test_checksum_equals_one_bit_at_a_time(size):
    data = np.random.default_rng(size).bytes(size)
    register = 0xFFFFFFFF
    for byte in data:
        register ^= byte
        for _ in range(8):
            register = register >> 1 ^ (0x82F63B78 if register & 1 else 0)
    crc = register ^ 0xFFFFFFFF
    assert masked_crc32c(data) == ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


@pytest.mark.parametrize("ending", ["", ".index", DATA])
def test_every_tensor_of_a_real_checkpoint(small, ending):
    bundle = read_bundle(f"{SMALL}{ending}")
    assert set(bundle) == set(small)
    assert len(bundle) == 207
    for name, expected in small.items():
        assert bundle[name].dtype == expected.dtype
        assert bundle[name].shape == expected.shape
        assert bundle[name].tobytes() == expected.tobytes()


def test_all_types_and_several_blocks(prefix):
    numbers = np.linspace(-2, 2, 6).reshape(2, 3)
    tensors = {kind: numbers.astype(kind) for kind in CODES}
    bundle = read_bundle(write_bundle(prefix, tensors, per_block=2))
    for kind, value in tensors.items():
        np.testing.assert_array_equal(bundle[kind], value)
        assert bundle[kind].dtype == kind


def test_bfloat16(prefix):
    data = np.array([1.0, -2.5, 3.0], "<f4").view("<u2")[1::2].tobytes()
    told = entry(14, (3,), 0, len(data), masked_crc32c(data))
    write_files(prefix, table([block([(b"", LITTLE), (b"a", told)])]), data)
    np.testing.assert_array_equal(read_bundle(prefix)["a"], [1.0, -2.5, 3.0])


def test_missing_files(prefix, index_and_data):
    with pytest.raises(InputError, match=r"There is no .*checkpoint\.index; give"):
        read_bundle(prefix)
    with pytest.raises(InputError, match="is a folder"):
        read_bundle("/")
    prefix.with_name("checkpoint.index").write_bytes(index_and_data[0])
    with pytest.raises(InputError, match=r"no checkpoint\.data-.* beside"):
        read_bundle(prefix)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda data: data[:1000], "is truncated: it has 1000 bytes instead of 340044"),
        (lambda data: data + b"\0", "has 340045 bytes instead of 340044"),
        (lambda _: b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        (lambda _: b"", "it has 0 bytes instead of 340044"),
    ],
)
def test_unfit_data_file(prefix, index_and_data, change, sentence):
    write_files(prefix, index_and_data[0], change(index_and_data[1]))
    with pytest.raises(InputError, match=sentence):
        read_bundle(prefix)


def test_a_changed_tensor_is_found_when_it_is_read(prefix, index_and_data, small):
    index, data = index_and_data
    write_files(prefix, index, data[:-1] + bytes([data[-1] ^ 1]))
    bundle = read_bundle(prefix)
    wrong = "net/rnn/unet_1_cell/parallel/level2/gru0/gates/u/kernel/Adam_1"
    with pytest.raises(InputError, match=f"'{wrong}' .* does not fit its checksum"):
        bundle[wrong]
    assert bundle["Variable"] == small["Variable"] == 3


def one(told, data=b"\0" * 12, header=LITTLE, name=b"a", **how):
    return table([block([(b"", header), (name, told)])], **how), data


FINE = entry(1, (3,), 0, 12, masked_crc32c(bytes(12)))


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ((b"", b""), "mark of a checkpoint's index is not at its end"),
        ((b"version https://git-lfs.github.com/spec/v1\n", b""), "git lfs pull"),
        ((bytes(2 << 20), b""), "too large"),
        (one(FINE, compression=1), "compressed with Snappy"),
        (one(FINE, compression=7), "compressed in an unknown way"),
        (one(FINE, header=field(1, 2)), "spread over 2 data files"),
        (one(FINE, header=b""), "spread over 0 data files"),
        (one(FINE, header=field(1, 1) + field(2, 1)), "big-endian"),
        (one(FINE, name=b"\xff"), "a name in it is not text"),
        (one(FINE, name=b"a" * 1001), "a name in it is too long"),
        ((table([block([(b"a", FINE)])]), bytes(12)), "has no header"),
        ((table([block([])]), b""), "has no header"),
        ((table([struct.pack("<I", 9)]), b""), "shorter than it says"),
        (one(FINE + field(7, b"")), "stored in slices"),
        (one(FINE + field(3, 1)), "in another data file"),
        (one(FINE + field(2, field(3, 1))), "shape of an entry is not known"),
        (one(entry(1, (1,) * 9, 0, 4, 0)), "more than 8 dimensions"),
        (one(FINE + b"\x0b"), "cannot be understood"),
        (one(FINE + field(2, 5)), "cannot be understood"),
        (one(FINE + field(5, b"x")), "cannot be understood"),
        (one(FINE + b"\x0a\x05"), "an entry ends too early"),
        (one(FINE + b"\x28" + b"\xff" * 10), "a number in it does not end"),
        (one(FINE + b"\x28" + b"\xff" * 9 + b"\x7f"), "a number in it does not end"),
        (one(FINE, handles=[(0, 1 << 40)]), "overlap or are out of order"),
        (one(FINE, handles=[(0, 8)]), "a checksum is wrong"),
        (
            (table([block([(b"", LITTLE), (b"a", FINE), (b"b", FINE)])]), bytes(12)),
            "tensors overlap",
        ),
        (
            (table([block([(b"", LITTLE), (b"b", FINE), (b"a", FINE)])]), bytes(12)),
            "names are out of order",
        ),
        (one(entry(1, (3,), 0, 1 << 62, 0)), "truncated: it has 12 bytes instead of 4"),
    ],
)
def test_unfit_index(prefix, files, sentence):
    write_files(prefix, *files)
    with pytest.raises(InputError, match=sentence):
        read_bundle(prefix)


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        (entry(7, (3,), 0, 12, 0), "is of the unknown type 7"),
        (entry(1, (4,), 0, 12, 0), r"has 12 bytes, but its shape \(4,\) takes 16"),
        (entry(1, (1 << 63,) * 8, 0, 12, 0), "has 12 bytes, but its shape"),
        (entry(1, (3,), 0, 12, 1), "does not fit its checksum"),
        (entry(1, (0, 1 << 62), 12, 0, 0), "takes 0"),
    ],
)
def test_unfit_tensor(prefix, told, sentence):
    write_files(prefix, *one(told))
    bundle = read_bundle(prefix)
    with pytest.raises(InputError, match=sentence):
        bundle["a"]


def test_blocks_cannot_be_read_again_and_again(prefix):
    payload = block([(b"", LITTLE), (b"a", FINE)])
    again = table([payload], handles=[(0, len(payload))] * 20)
    write_files(prefix, again, bytes(12))
    with pytest.raises(InputError, match="overlap or are out of order"):
        read_bundle(prefix)
    data_part = len(trailed(payload))
    itself = table([payload], handles=[(data_part, 24)])
    write_files(prefix, itself, bytes(12))
    with pytest.raises(InputError, match="overlap or are out of order"):
        read_bundle(prefix)


def test_a_hostile_checkpoint_takes_no_memory(prefix):
    """Names that each repeat the one before; a file of nothing but a promise."""
    name, value = b"a" * 990, field(1, 1)
    payload = varint(0) + varint(990) + varint(len(value)) + name + value
    for number in range(20_000):
        payload += varint(990) + varint(4) + varint(len(value))
        payload += struct.pack(">I", number) + value
    names = table([payload + struct.pack("<2I", 0, 1)])
    promise, _ = one(entry(1, (1 << 29,), 0, 1 << 31, 0))
    cases = ((names, 0, "more than 10000 entries"), (promise, 1 << 31, "more than the"))
    for index, size, sentence in cases:
        write_files(prefix, index, b"")
        with prefix.with_name(f"checkpoint{DATA}").open("r+b") as file:
            file.truncate(size)
        tracemalloc.start()
        with pytest.raises(InputError, match=sentence):
            read_bundle(prefix)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 50e6


def opened(prefix):
    """Read all that can be read; anything but an InputError is a failure."""
    try:
        bundle = read_bundle(prefix)
    except InputError:
        return
    for name in bundle:
        try:
            bundle[name]
        except InputError:
            continue


fuzzed = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@given(st.binary(max_size=300), st.binary(max_size=40))
@fuzzed
def test_random_bytes(prefix, index, data):
    write_files(prefix, index, data)
    opened(prefix)
    footed = index.ljust(48, b"\0") + struct.pack("<Q", 0xDB4775248B80FB57)
    write_files(prefix, footed, data)
    opened(prefix)
    write_files(prefix, table([index]), data)
    opened(prefix)
    write_files(prefix, *one(index, data))
    opened(prefix)


@given(st.lists(st.tuples(st.integers(0), st.integers(0, 255)), max_size=4), st.data())
@fuzzed
def test_damaged_index_with_right_checksums(prefix, changes, data):
    tensors = {f"weights/{n}": np.zeros((2, n + 1), "f4") for n in range(6)}
    write_bundle(prefix, tensors)
    index = prefix.with_name("checkpoint.index")
    # One data block, five bytes behind it, the block that points to it, the footer.
    payload = bytearray(
        index.read_bytes()[: -48 - 5 - len(block([(b"a", b"\0??")])) - 5]
    )
    for position, value in changes:
        payload[position % len(payload)] = value
    cut = data.draw(st.just(len(payload)) | st.integers(0, len(payload)))
    index.write_bytes(table([bytes(payload[:cut])]))
    opened(prefix)
    if cut == len(payload) and not changes:
        assert set(read_bundle(prefix)) == set(tensors)
