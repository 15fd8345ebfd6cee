"""Rectangles: the published rules, looked up in the pictures themselves."""

import numpy as np
import pytest

from aepipe.data.sources.open import open_source
from aepipe.params.data import RectanglesSource

CONFIG = RectanglesSource(kind="rectangles", train=700, valid=200, test=300)


@pytest.fixture(scope="module")
def drawn():
    source = open_source(CONFIG, 5)
    return source, np.concatenate(list(source.blocks(400)))[:, 0]


def extent(image):
    """Top, left, height and width of the white pixels."""
    down, across = (np.flatnonzero(image.any(axis=axis)) for axis in (1, 0))
    return down[0], across[0], down[-1] - down[0] + 1, across[-1] - across[0] + 1


def test_each_picture_is_one_outline_and_nothing_else(drawn):
    _, images = drawn
    assert set(np.unique(images)) == {0, 255}
    for image in images:
        top, left, height, width = extent(image)
        expected = np.zeros((28, 28), np.uint8)
        expected[top : top + height, left : left + width] = 255
        expected[top + 1 : top + height - 1, left + 1 : left + width - 1] = 0
        np.testing.assert_array_equal(image, expected)


def test_the_label_says_which_side_is_longer_and_near_squares_are_not_there(drawn):
    source, images = drawn
    sides = np.array([extent(image)[2:] for image in images])
    longer = np.sign(sides[:, 0] - sides[:, 1])
    assert np.abs(sides[:, 0] - sides[:, 1]).min() == 3
    named = np.array(source.classes)[source.labels]
    np.testing.assert_array_equal(named == "taller", longer > 0)


def test_every_size_and_place_that_fits_is_equally_probable():
    config = RectanglesSource(kind="rectangles", train=40_000, valid=1, test=1)
    images = np.concatenate(list(open_source(config, 1).blocks(10_000)))[:, 0]
    down = images.any(axis=2)
    heights, tops = down.sum(axis=1), down.argmax(axis=1)
    counts = np.array([28 - (abs(h - np.arange(1, 29)) < 3).sum() for h in range(1, 29)])
    expected = counts / counts.sum()
    observed = np.bincount(heights, minlength=29)[1:] / len(heights)
    assert np.abs(observed - expected).max() < 5 * np.sqrt(expected.max() / len(heights))
    of_ten = tops[heights == 10]
    shares = np.bincount(of_ten, minlength=19) / len(of_ten)
    assert np.abs(shares - 1 / 19).max() < 5 * np.sqrt(1 / 19 / len(of_ten))


def test_splits_have_the_declared_sizes_and_the_origin_is_told(drawn):
    source, _ = drawn
    assert [source.given.count(split) for split in ("train", "valid", "test")] == [700, 200, 300]
    assert "not the original files" in source.origin
    assert source.bounds == (0.0, 255.0)
