"""IDX folders: what is read, and what is refused."""

import gzip
import struct

import numpy as np
import pytest

from aepipe.data.sources.idx import open_idx, read_idx
from aepipe.errors import SourceError
from aepipe.params.data import IdxSource

TRAIN = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte")
TEST = ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


def opened(folder):
    return open_idx(IdxSource(kind="idx", folder=str(folder)))


@pytest.fixture
def folder(tmp_path, images, labels, write_idx):
    for names, part in ((TRAIN, 0), (TEST, 1)):
        write_idx(tmp_path / names[0], images[part])
        write_idx(tmp_path / names[1], labels[part])
    return tmp_path


def test_images_get_a_channel_and_stay_8_bit(folder, images, read_all):
    source = opened(folder)
    assert source.shape == (1, 5, 4)
    assert source.bounds == (0.0, 255.0)
    content = read_all(source)
    assert content.dtype == np.uint8
    np.testing.assert_array_equal(content[:, 0], np.concatenate(images))


def test_labels_are_numbered_by_value_and_the_given_split_is_kept(folder):
    source = opened(folder)
    assert source.classes == ["3", "7", "9"]
    assert source.labels.tolist() == [0, 1, 2] * 4 + [0, 1, 2, 2]
    assert source.given == ["train"] * 12 + ["test"] * 4
    assert source.ids[11:13] == ["train/000011", "test/000000"]


def test_without_test_files_no_split_is_given(folder):
    for name in TEST:
        (folder / name).unlink()
    assert opened(folder).given is None
    assert len(opened(folder)) == 12


@pytest.mark.parametrize("rename", ["{}.gz", "dotted"])
def test_the_name_and_the_compression_make_no_difference(folder, tmp_path, rename, read_all):
    other = tmp_path / "other"
    other.mkdir()
    for name in (*TRAIN, *TEST):
        content = (folder / name).read_bytes()
        if rename == "dotted":
            (other / name.replace("-idx", ".idx")).write_bytes(content)
        else:
            (other / f"{name}.gz").write_bytes(gzip.compress(content))
    np.testing.assert_array_equal(read_all(opened(other)), read_all(opened(folder)))
    assert opened(other).labels.tolist() == opened(folder).labels.tolist()


def test_a_plain_file_is_read_rather_than_a_gzipped_one_beside_it(folder):
    (folder / f"{TRAIN[0]}.gz").write_bytes(b"damaged")
    assert len(opened(folder)) == 16


def test_blocks_of_any_size_hold_the_same_rows(folder, read_all):
    source = opened(folder)
    for rows in (1, 5, 100):
        np.testing.assert_array_equal(read_all(source, rows), read_all(source))
        assert max(len(block) for block in source.blocks(rows)) <= rows


@pytest.mark.parametrize("dtype", ["u1", "i1", "i2", "i4", "f4", "f8"])
def test_every_type_of_the_format_reads_in_native_byte_order(tmp_path, write_idx, dtype):
    array = np.arange(-3, 3).astype(dtype).reshape(3, 2)
    write_idx(tmp_path / "x", array)
    read = next(read_idx(tmp_path / "x").blocks(3))
    assert read.dtype.isnative
    assert read.dtype.itemsize == array.dtype.itemsize
    np.testing.assert_array_equal(read, array)


def test_only_images_of_bytes_are_bounded(folder, images, write_idx):
    for name, part in ((TRAIN[0], 0), (TEST[0], 1)):
        write_idx(folder / name, images[part].astype("f4"))
    assert opened(folder).bounds is None


def test_a_missing_folder_says_which_key_to_set(tmp_path):
    with pytest.raises(SourceError, match=r"nowhere: no such folder.*set data.source.folder"):
        opened(tmp_path / "nowhere")


def test_a_file_in_place_of_the_folder_is_refused(folder):
    with pytest.raises(SourceError, match=r"train-labels-idx1-ubyte: is a file; expected a folder"):
        opened(folder / TRAIN[1])


def test_an_empty_folder_says_what_belongs_there(tmp_path):
    with pytest.raises(
        SourceError, match=r"holds nothing; expected train-images-idx.*put the file"
    ):
        opened(tmp_path)


def test_a_missing_file_of_labels_names_what_is_there(folder):
    (folder / TEST[1]).unlink()
    with pytest.raises(SourceError, match=r"holds t10k-images.*expected t10k-labels-idx"):
        opened(folder)


def test_a_truncated_file_says_both_lengths(folder):
    path = folder / TRAIN[0]
    path.write_bytes(path.read_bytes()[:-7])
    # 16 bytes of header and 12 x 5 x 4 pixels are 256
    with pytest.raises(
        SourceError, match=r"images-idx3-ubyte: 249 bytes.*12 x 5 x 4.*take 256;.*again"
    ):
        opened(folder)


def test_a_header_that_ends_early_is_refused(folder):
    (folder / TRAIN[0]).write_bytes(b"\0\0\x08\x03\0\0")
    with pytest.raises(SourceError, match=r"images-idx3-ubyte: ends within its header"):
        opened(folder)


@pytest.mark.parametrize("magic", [b"\x89PNG", b"\0\0\x07\x03", b"\0\0\x08\0", b"\x1f\x8b\x08\0"])
def test_a_wrong_magic_is_shown_beside_the_right_one(folder, magic):
    path = folder / TRAIN[0]
    path.write_bytes(magic + path.read_bytes()[4:])
    with pytest.raises(SourceError, match=f"idx3-ubyte: starts with {magic.hex(' ')}; .* 00 00"):
        opened(folder)


def test_a_truncated_gzip_is_refused_where_it_ends(folder, read_all):
    path = folder / TRAIN[0]
    pixels = path.read_bytes()
    path.unlink()
    whole = gzip.compress(pixels)
    (folder / f"{TRAIN[0]}.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(
        SourceError, match=r"ubyte.gz: damaged or truncated after row \d+.* 12 rows"
    ):
        read_all(opened(folder))


def test_a_gzip_that_holds_too_few_or_too_many_rows_is_refused(folder, read_all):
    content = (folder / TRAIN[0]).read_bytes()
    (folder / TRAIN[0]).unlink()
    packed = folder / f"{TRAIN[0]}.gz"
    packed.write_bytes(gzip.compress(content[:-25]))  # a row has 20 bytes
    with pytest.raises(
        SourceError, match="damaged or truncated after row 10; its header declares 12"
    ):
        read_all(opened(folder))
    packed.write_bytes(gzip.compress(content + b"x"))
    with pytest.raises(SourceError, match="goes on after the 12 rows that its header declares"):
        read_all(opened(folder))


def test_a_gzip_that_is_small_and_expands_without_end_is_refused(folder):
    """The header alone is read: it declares 4 GiB."""
    (folder / TRAIN[0]).unlink()
    header = struct.pack(">HBBIII", 0, 8, 3, 2**18, 128, 128)
    (folder / f"{TRAIN[0]}.gz").write_bytes(gzip.compress(header + bytes(1000)))
    with pytest.raises(
        SourceError, match=r"bytes that expand to 4,294,967,312; expected 200 times"
    ):
        opened(folder)


def test_a_gzip_with_a_wrong_checksum_is_refused(folder, read_all):
    content = bytearray(gzip.compress((folder / TRAIN[0]).read_bytes()))
    (folder / TRAIN[0]).unlink()
    content[-6] ^= 1  # of the checksum before the length
    (folder / f"{TRAIN[0]}.gz").write_bytes(bytes(content))
    with pytest.raises(SourceError, match=r"damaged or truncated.*CRC"):
        read_all(opened(folder))


def test_fewer_labels_than_images_says_both_counts(folder, labels, write_idx):
    write_idx(folder / TRAIN[1], labels[0][:9])
    with pytest.raises(
        SourceError, match=r"labels-idx1-ubyte: 9 labels, fewer than the 12 samples"
    ):
        opened(folder)


def test_images_in_place_of_labels_are_refused(folder, images, write_idx):
    write_idx(folder / TRAIN[1], images[0])
    with pytest.raises(
        SourceError,
        match=r"labels-idx1-ubyte: holds samples of shape \(1, 5, 4\); expected one label",
    ):
        opened(folder)


def test_parts_of_different_sizes_are_refused(folder, images, write_idx):
    write_idx(folder / TEST[0], images[1][:, :, :3])
    with pytest.raises(SourceError, match=r"\(1, 5, 4\) uint8 and \(1, 5, 3\) uint8; expected one"):
        opened(folder)


@pytest.mark.slow
def test_real_mnist_is_read_whole(shared_data):
    source = opened(shared_data / "mnist")
    first = next(source.blocks(1))
    assert (len(source), source.shape, len(source.classes)) == (70_000, (1, 28, 28), 10)
    assert source.given.count("test") == 10_000
    assert (int(first.sum()), int(source.labels[0])) == (27_525, 5)  # the well-known first five
