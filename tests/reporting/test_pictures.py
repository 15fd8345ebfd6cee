"""Samples as pictures."""

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from aepipe.data.dataset import Dataset
from aepipe.reporting import pictures

DATASET = Dataset(
    folder=Path("nowhere"), source="npz", digest="0", shape=(1, 8, 8), scale=0.0625, offset=-0.5,
    value_range=(-0.5, 0.5), classes=[], counts={"train": 1, "valid": 1, "test": 1}, paired=False,
)  # fmt: skip


def opened(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)))


def test_limits_are_the_sources_bounds_in_its_own_units():
    assert pictures.limits(DATASET, np.zeros((1, 1, 8, 8))) == (0.0, 16.0)


def test_without_bounds_limits_are_those_of_the_originals():
    unbounded = replace(DATASET, value_range=None)
    reference = np.array([-0.25, 0.75], np.float32).reshape(2, 1, 1, 1)
    assert pictures.limits(unbounded, reference) == (4.0, 20.0)


def test_a_constant_original_still_has_two_limits():
    low, high = pictures.limits(replace(DATASET, value_range=None), np.zeros((2, 1, 8, 8)))
    assert high > low


def test_tiles_lie_where_their_row_and_column_say():
    images = np.zeros((2, 3, 1, 8, 8))
    images[1, 2] = 1
    canvas = opened(pictures.tiles(images, (0, 1)))
    side, gap = pictures.TILE, pictures.GAP
    assert canvas.shape == (2 * side + gap, 3 * side + 2 * gap, 4)
    white = canvas[..., :3].min(axis=-1) == 255
    assert white[side + gap :, 2 * (side + gap) :].all()
    assert white.sum() == side**2


def test_between_tiles_and_where_nothing_is_the_page_shows_through():
    images = np.zeros((1, 2, 1, 8, 8))
    images[0, 1] = np.nan
    alpha = opened(pictures.tiles(images, (0, 1)))[..., 3]
    assert (alpha[:, : pictures.TILE] == 255).all()
    assert (alpha[:, pictures.TILE :] == 0).all()


def test_values_beyond_the_limits_are_black_and_white():
    images = np.array([-3.0, 7.0]).reshape(1, 2, 1, 1, 1) * np.ones((1, 2, 1, 8, 8))
    colours = opened(pictures.tiles(images, (0, 1)))[0, :, 0]
    assert colours[0] == 0
    assert colours[-1] == 255


def test_colours_stay_in_their_channels():
    images = np.zeros((1, 1, 3, 8, 8))
    images[0, 0, 1] = 1
    assert opened(pictures.tiles(images, (0, 1)))[0, 0].tolist() == [0, 255, 0, 255]


def test_large_images_are_averaged_down_so_that_a_page_can_be_mailed():
    images = np.zeros((1, 2, 1, 224, 200))
    images[..., ::2, :] = 1
    canvas = opened(pictures.tiles(images, (0, 1)))
    assert canvas.shape[0] <= pictures.LARGEST
    assert np.unique(canvas[1:-1, :40, 0]).min() > 60
    assert np.unique(canvas[1:-1, :40, 0]).max() < 200


@pytest.mark.parametrize(("count", "grid"), [(64, (8, 8)), (10, (2, 5)), (12, (3, 4))])
def test_a_grid_is_full_where_its_count_allows(count, grid):
    arranged = pictures.in_rows(np.arange(count, dtype=float)[:, None])
    assert arranged.shape[:2] == grid
    np.testing.assert_array_equal(arranged.ravel(), np.arange(count))


@pytest.mark.parametrize("count", [7, 11, 13, 47, 61])
def test_a_last_row_that_is_short_is_filled_with_nothing(count):
    arranged = pictures.in_rows(np.arange(count, dtype=float)[:, None])
    shown = arranged.ravel()
    np.testing.assert_array_equal(shown[:count], np.arange(count))
    assert np.isnan(shown[count:]).all()
    assert len(shown) - count < arranged.shape[1] <= 2 * np.ceil(np.sqrt(count))


def test_filters_of_the_largest_norm_come_first():
    weights = np.zeros((3, 64))
    weights[0, 0], weights[1, 10], weights[2, 20] = 1, -3, 2
    canvas = opened(pictures.filters(weights, (1, 8, 8), 2))
    factor = pictures.TILE // 8
    first, second = canvas[:, : pictures.TILE, 0], canvas[:, -pictures.TILE :, 0]
    assert first[1 * factor, 2 * factor] == 0  # feature 10 is row 1, column 2, and negative
    assert second[2 * factor, 4 * factor] == 255
    assert first[-1, -1] == second[-1, -1] == 128


def test_pictures_of_curves_are_the_same_each_time_and_see_through():
    samples = np.random.default_rng(0).normal(size=(1, 3, 20))
    first = pictures.curves(samples, (-3, 3), behind=samples * 0.9)
    assert first == pictures.curves(samples, (-3, 3), behind=samples * 0.9)
    assert opened(first)[0, 0, 3] == 0
    assert opened(first)[..., 3].max() == 255
