"""Folders of images: order, decoding, and all that is refused."""

import numpy as np
import pytest
from PIL import Image

from aepipe.data.sources.folder import open_folder
from aepipe.errors import SourceError
from aepipe.params.data import FolderSource


def declared(folder, height=4, width=6, channels=1):
    return FolderSource(
        kind="folder", path=str(folder), height=height, width=width, channels=channels
    )


def pixels(seed, shape=(4, 6)):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


@pytest.fixture
def folder(tmp_path):
    for seed, name in enumerate(("dog/b.png", "dog/a.png", "cat/z.png", "cat/.hidden")):
        (tmp_path / "all" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels(seed)).save(tmp_path / "all" / name, format="png")
    return tmp_path / "all"


def test_classes_and_files_are_taken_by_name_and_hidden_files_are_not(folder, read_all):
    source = open_folder(declared(folder))
    assert source.ids == ["cat/z.png", "dog/a.png", "dog/b.png"]
    assert (source.classes, source.labels.tolist()) == (["cat", "dog"], [0, 1, 1])
    content = read_all(source, 2)
    assert content.dtype == np.uint8
    np.testing.assert_array_equal(content[:, 0], [pixels(2), pixels(1), pixels(0)])


def test_colour_is_read_channels_first(folder, read_all):
    image = pixels(5, (4, 6, 3))
    Image.fromarray(image).save(folder / "cat" / "z.png")
    source = open_folder(declared(folder, channels=3))
    assert source.shape == (3, 4, 6)
    np.testing.assert_array_equal(read_all(source)[0], image.transpose(2, 0, 1))


def test_images_of_another_size_are_resized(folder, read_all):
    Image.fromarray(np.full((40, 60), 7, np.uint8)).save(folder / "cat" / "z.png")
    np.testing.assert_array_equal(read_all(open_folder(declared(folder)))[0, 0], np.full((4, 6), 7))


def test_an_image_on_its_side_is_turned_as_its_metadata_say(folder, read_all):
    image = Image.fromarray(pixels(6, (6, 4)))
    exif = Image.Exif()
    exif[0x0112] = 6  # orientation: to be turned a quarter clockwise
    image.save(folder / "cat" / "z.png", exif=exif)
    expected = np.rot90(pixels(6, (6, 4)), -1)
    np.testing.assert_array_equal(read_all(open_folder(declared(folder)))[0, 0], expected)


def test_classes_named_by_numbers_are_in_the_order_of_the_numbers(tmp_path):
    for name in ("10", "9"):
        (tmp_path / name).mkdir()
        Image.fromarray(pixels(1)).save(tmp_path / name / "a.png")
    source = open_folder(declared(tmp_path))
    assert source.classes == ["9", "10"]
    assert [source.classes[label] for label in source.labels] == [
        name.split("/")[0] for name in source.ids
    ]


@pytest.mark.parametrize("damage", ["truncated", "flipped", "empty", "text"])
def test_a_corrupted_image_is_named(folder, read_all, damage):
    path = folder / "dog" / "a.png"
    content = bytearray(path.read_bytes())
    content[-20] ^= 255
    broken = {"truncated": content[:-30], "flipped": content, "empty": b"", "text": b"no image"}
    path.write_bytes(broken[damage])
    with pytest.raises(SourceError, match=r"dog/a.png: not a readable image .*whole png.*replace"):
        read_all(open_folder(declared(folder)))


def test_an_image_of_more_than_8_bits_is_refused_rather_than_clipped(folder, read_all):
    Image.fromarray(pixels(1).astype(np.uint16) * 256).save(folder / "cat" / "z.png")
    with pytest.raises(SourceError, match=r"z.png: mode I;16, more than 8 bits.*convert it"):
        read_all(open_folder(declared(folder)))


def test_a_missing_folder_says_which_key_to_set(tmp_path):
    with pytest.raises(SourceError, match=r"none: no such folder.*set data.source.path"):
        open_folder(declared(tmp_path / "none"))


def test_an_empty_folder_says_what_belongs_there(tmp_path):
    with pytest.raises(
        SourceError, match="holds nothing; expected one subfolder of images per class"
    ):
        open_folder(declared(tmp_path))


def test_images_without_folders_of_classes_are_refused(folder):
    with pytest.raises(SourceError, match="holds 2 files; expected one subfolder"):
        open_folder(declared(folder / "dog"))


def test_a_class_without_images_is_named(folder):
    (folder / "emu").mkdir()
    with pytest.raises(SourceError, match=r"emu: empty; expected the images of class 'emu'"):
        open_folder(declared(folder))


def test_what_is_no_image_is_named_and_not_skipped(folder):
    (folder / "dog" / "notes.txt").write_text("a")
    with pytest.raises(
        SourceError, match=r"notes.txt: no image; expected the images of class 'dog'"
    ):
        open_folder(declared(folder))
    (folder / "dog" / "notes.txt").unlink()
    (folder / "dog" / "young").mkdir()
    with pytest.raises(SourceError, match=r"young: a folder; expected"):
        open_folder(declared(folder))


def test_a_file_beside_the_classes_is_named(folder):
    (folder / "stray.png").write_bytes(b"")
    with pytest.raises(SourceError, match=r"stray.png: lies beside the folders of the classes"):
        open_folder(declared(folder))
