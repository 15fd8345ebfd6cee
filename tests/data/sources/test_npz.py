"""Archives of arrays: plain, in two parts, in pairs, and all that is refused."""

import pickle
import zipfile

import numpy as np
import pytest
from numpy.lib import format as npy

from aepipe.data.sources import stream
from aepipe.data.sources.npz import open_npz, open_pairs
from aepipe.errors import SourceError
from aepipe.params.data import NpzSource, PairsSource


def declared(path, **names):
    keys = {"features": "x", "labels": "y", "test_features": None, "test_labels": None} | names
    return NpzSource(kind="npz", path=str(path), **keys)


@pytest.fixture
def archive(tmp_path, images, labels):
    path = tmp_path / "data.npz"
    np.savez(path, x=images[0], y=labels[0], test_x=images[1], test_y=labels[1])
    return path


def save(path, **arrays):
    np.savez(path, **arrays)
    return path


def test_features_and_labels_are_read_as_stored(archive, images, read_all):
    source = open_npz(declared(archive))
    np.testing.assert_array_equal(read_all(source)[:, 0], images[0])
    assert read_all(source).dtype == np.uint8
    assert (source.classes, source.given) == (["3", "7", "9"], None)


def test_a_test_part_is_kept_as_the_given_split(archive, images, read_all):
    source = open_npz(declared(archive, test_features="test_x", test_labels="test_y"))
    assert source.given == ["train"] * 12 + ["test"] * 4
    np.testing.assert_array_equal(read_all(source)[12:, 0], images[1])
    assert source.labels[12:].tolist() == [0, 1, 2, 2]


def test_labels_may_be_absent(archive):
    source = open_npz(declared(archive, labels=None))
    assert (source.labels, source.classes) == (None, [])


def test_labels_may_be_text_or_whole_floats(tmp_path):
    x = np.zeros((4, 2), np.float32)
    text = open_npz(declared(save(tmp_path / "a.npz", x=x, y=np.array(["b", "a", "a", "c"]))))
    assert (text.classes, text.labels.tolist()) == (["a", "b", "c"], [1, 0, 0, 2])
    floats = open_npz(declared(save(tmp_path / "b.npz", x=x, y=np.array([10.0, 2.0, 2.0, -1.0]))))
    assert (floats.classes, floats.labels.tolist()) == (["-1", "2", "10"], [2, 1, 1, 0])


def test_neither_compression_nor_order_of_storage_makes_a_difference(tmp_path, images, read_all):
    plain, packed, turned = (tmp_path / f"{name}.npz" for name in ("plain", "packed", "turned"))
    np.savez(plain, x=images[0])
    np.savez_compressed(packed, x=images[0])
    np.savez(turned, x=np.asfortranarray(images[0]))
    expected = read_all(open_npz(declared(plain, labels=None)))
    for path in (packed, turned):
        np.testing.assert_array_equal(read_all(open_npz(declared(path, labels=None))), expected)


@pytest.mark.parametrize(
    ("shape", "sample"), [((6, 3), (3,)), ((6, 4, 5), (1, 4, 5)), ((6, 3, 4, 5), (3, 4, 5))]
)
def test_the_number_of_dimensions_says_what_a_sample_is(tmp_path, shape, sample):
    path = save(tmp_path / "a.npz", x=np.zeros(shape))
    assert open_npz(declared(path, labels=None)).shape == sample


def test_truth_values_are_bounded_and_floats_are_not(tmp_path):
    bits = save(tmp_path / "a.npz", x=np.zeros((4, 2), bool))
    assert open_npz(declared(bits, labels=None)).bounds == (0.0, 1.0)
    floats = save(tmp_path / "b.npz", x=np.zeros((4, 2)))
    assert open_npz(declared(floats, labels=None)).bounds is None


def test_a_pickle_in_the_archive_is_never_read(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, x=np.array([{"code": "runs"}, None], dtype=object))
    with pytest.raises(SourceError, match=r"a.npz: 'x': holds a pickle.*never read.*astype"):
        open_npz(declared(path, labels=None))


def test_a_pickle_posing_as_an_array_is_never_read(tmp_path):
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.npy", pickle.dumps([1, 2]))
    with pytest.raises(SourceError, match=r"a.npz: 'x': not a plain array.*pickle"):
        open_npz(declared(path, labels=None))


def test_a_file_that_is_no_archive_is_refused(tmp_path):
    path = tmp_path / "a.npz"
    path.write_bytes(pickle.dumps([1, 2]))
    with pytest.raises(
        SourceError, match=r"a.npz: not a whole zip archive \(it starts with 80.*savez"
    ):
        open_npz(declared(path))
    path.write_bytes(b"")
    with pytest.raises(SourceError, match=r"not a whole zip archive \(it starts with nothing\)"):
        open_npz(declared(path))


def test_a_missing_archive_and_a_missing_array_are_named(archive, tmp_path):
    with pytest.raises(SourceError, match=r"none.npz: no such file.*data.source.path"):
        open_npz(declared(tmp_path / "none.npz"))
    with pytest.raises(SourceError, match=r"no array 'z'; it holds x, y, test_x, test_y; set"):
        open_npz(declared(archive, features="z"))


def test_an_archive_that_is_small_and_expands_without_end_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(stream, "ALWAYS_FITS", 2**20)
    path = tmp_path / "a.npz"
    np.savez_compressed(path, x=np.zeros((3000, 1024), np.uint8))
    with pytest.raises(SourceError, match=r"'x': .* bytes that expand to 3,072,128; expected 200"):
        open_npz(declared(path, labels=None))


def test_a_name_in_an_archive_is_never_a_place_on_the_disk(tmp_path, images):
    path, outside = tmp_path / "in" / "a.npz", "../out.npy"
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as archive, archive.open(outside, "w") as member:
        npy.write_array(member, images[0], allow_pickle=False)
    source = open_npz(declared(path, features="../out", labels=None))
    assert len(list(source.blocks(100))) == 1
    assert [each.name for each in tmp_path.iterdir()] == ["in"]


def test_a_damaged_archive_is_refused(archive, read_all):
    content = bytearray(archive.read_bytes())
    content[150] ^= 1  # among the pixels of the first member
    archive.write_bytes(bytes(content))
    with pytest.raises(SourceError, match=r"data.npz: 'x'.*CRC"):
        read_all(open_npz(declared(archive)))


def test_an_array_shorter_than_its_header_says_is_refused(tmp_path, images):
    path = tmp_path / "a.npz"
    np.savez(path, x=images[0])
    with zipfile.ZipFile(path) as archive:
        content = archive.read("x.npy")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.npy", content[:-3])
    with pytest.raises(SourceError, match=r"'x': 365 bytes; .*\(12, 5, 4\) uint8, which take 368"):
        open_npz(declared(path, labels=None))


@pytest.mark.parametrize("shape", [(6,), (6, 2, 2, 2, 2), (0, 3), (3, 0)])
def test_an_array_that_is_not_one_of_samples_is_refused(tmp_path, shape):
    path = save(tmp_path / "a.npz", x=np.zeros(shape))
    with pytest.raises(SourceError, match=r"came an array of shape .*; expected \(n, features\)"):
        open_npz(declared(path, labels=None))


def test_channels_last_is_refused_with_the_way_out(tmp_path):
    path = save(tmp_path / "a.npz", x=np.zeros((6, 8, 8, 3)))
    with pytest.raises(SourceError, match=r"channels last; .*moveaxis\(array, 3, 1\)"):
        open_npz(declared(path, labels=None))


@pytest.mark.parametrize("dtype", ["U3", "complex64", "datetime64[s]"])
def test_features_that_are_no_numbers_are_refused(tmp_path, dtype):
    path = save(tmp_path / "a.npz", x=np.zeros((6, 2), dtype))
    with pytest.raises(SourceError, match=r"is of type .*; expected numbers"):
        open_npz(declared(path, labels=None))


def test_fewer_labels_than_samples_says_both_counts(archive):
    with pytest.raises(
        SourceError, match=r"'test_y': 4 labels, fewer than the 12 samples of .*'x'"
    ):
        open_npz(declared(archive, labels="test_y"))


def test_labels_that_are_no_classes_are_refused(tmp_path):
    x = np.zeros((3, 2))
    path = save(tmp_path / "a.npz", x=x, y=np.array([0.5, 1, 2]), onehot=np.eye(3))
    with pytest.raises(SourceError, match="labels of type float64; expected whole numbers or text"):
        open_npz(declared(path))
    with pytest.raises(SourceError, match=r"labels of shape \(3, 3\); expected \(n,\)"):
        open_npz(declared(path, labels="onehot"))


def test_labels_of_one_part_alone_are_refused(archive):
    with pytest.raises(SourceError, match="labels of train alone; expected labels or test_labels"):
        open_npz(declared(archive, test_features="test_x"))


def test_parts_of_different_shapes_or_labels_are_refused(tmp_path, images):
    path = save(
        tmp_path / "a.npz", x=images[0], y=np.zeros(12, int), tx=images[1][:, 1:], ty=["a"] * 4
    )
    with pytest.raises(
        SourceError, match=r"\(1, 5, 4\) uint8 in 'x' but of \(1, 4, 4\) uint8 in 'tx'"
    ):
        open_npz(declared(path, test_features="tx", test_labels="ty"))
    save(path, x=images[0], y=np.zeros(12, int), tx=images[1], ty=["a"] * 4)
    with pytest.raises(SourceError, match="text as labels of one part, numbers of the other"):
        open_npz(declared(path, test_features="tx", test_labels="ty"))


def pairs(path, labels="y"):
    return PairsSource(kind="pairs", path=str(path), clean="clean", noisy="noisy", labels=labels)


def test_pairs_give_both_arrays_in_step(tmp_path, images):
    clean, noisy = images[0], images[0] ^ 1
    path = save(tmp_path / "a.npz", clean=clean, noisy=noisy, y=np.arange(12) % 2)
    source = open_pairs(pairs(path))
    assert source.noisy is not None
    for shown, behind in zip(source.noisy(5), source.blocks(5), strict=True):
        np.testing.assert_array_equal(shown, behind ^ 1)


def test_pairs_of_one_group_are_known_by_its_array(tmp_path, images):
    speakers = np.array(["b", "a", "c"] * 4)
    path = save(tmp_path / "a.npz", clean=images[0], noisy=images[0], y=np.zeros(12), who=speakers)
    config = pairs(path).model_copy(update={"groups": "who"})
    assert open_pairs(config).groups.tolist() == [1, 0, 2] * 4
    assert open_pairs(pairs(path)).groups is None


def test_pairs_of_different_shapes_are_refused(tmp_path, images):
    for noisy in (images[0][:11], images[0][:, 1:]):
        path = save(tmp_path / "a.npz", clean=images[0], noisy=noisy)
        with pytest.raises(SourceError, match=r"'clean' has 12 samples of shape .*'noisy' 1\d of"):
            open_pairs(pairs(path, labels=None))


def test_pairs_with_too_few_labels_are_refused(tmp_path, images):
    path = save(tmp_path / "a.npz", clean=images[0], noisy=images[0], y=np.arange(5))
    with pytest.raises(SourceError, match="5 labels, fewer than the 12 samples"):
        open_pairs(pairs(path))


def test_declared_bounds_are_the_sources_whatever_the_type(tmp_path):
    path = save(tmp_path / "a.npz", x=np.zeros((4, 2)), b=np.zeros((4, 2), np.uint8))
    for name in "xb":
        source = open_npz(declared(path, features=name, labels=None, bounds=(-1.0, 3.0)))
        assert source.bounds == (-1.0, 3.0)
    config = PairsSource(
        kind="pairs", path=str(path), clean="x", noisy="b", labels=None, bounds=(0.0, 2.0)
    )
    assert open_pairs(config).bounds == (0.0, 2.0)


@pytest.mark.parametrize("bounds", [(1.0, 1.0), (2.0, 1.0), (0.0, np.inf)])
def test_bounds_that_are_none_are_refused(bounds):
    with pytest.raises(ValueError, match=r"expected the smaller one first|finite number"):
        declared("a.npz", bounds=bounds)
