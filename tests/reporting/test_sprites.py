"""Many samples in one picture."""

import base64
import io
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from aepipe.data.dataset import Dataset
from aepipe.reporting.sprites import CURVE, LARGEST, Sprite, sprite

IMAGES = Dataset(
    folder=Path("nowhere"), source="npz", digest="0", shape=(1, 4, 6), scale=1.0, offset=0.0,
    value_range=(0.0, 1.0), classes=[], counts={"train": 1, "valid": 1, "test": 1}, paired=False,
)  # fmt: skip


def pixels(made: Sprite) -> np.ndarray:
    png = base64.b64decode(made.source.removeprefix("data:image/png;base64,"))
    return np.asarray(Image.open(io.BytesIO(png)))


def test_each_sample_lies_in_its_row_and_column():
    samples = np.random.default_rng(0).integers(0, 256, (3, 5, 1, 4, 6)) / 255
    made = sprite(IMAGES, samples, (0.0, 1.0))
    assert (made.rows, made.columns, made.ratio) == (3, 5, 1.5)
    canvas = pixels(made)
    for row, column in np.ndindex(3, 5):
        tile = canvas[4 * row : 4 * row + 4, 6 * column : 6 * column + 6]
        np.testing.assert_array_equal(tile[..., 1], np.rint(255 * samples[row, column, 0]))
        assert (tile[..., 3] == 255).all()


def test_where_there_is_no_sample_the_page_shows_through():
    samples = np.ones((1, 2, 1, 4, 6))
    samples[0, 1] = np.nan
    alpha = pixels(sprite(IMAGES, samples, (0.0, 1.0)))[..., 3]
    assert (alpha[:, :6] == 255).all()
    assert (alpha[:, 6:] == 0).all()


def test_large_colour_images_are_averaged_down():
    samples = np.zeros((1, 2, 3, 90, 60))
    samples[:, 1, 2, ::3] = 1.0  # blue, a third of the rows
    canvas = pixels(sprite(replace(IMAGES, shape=(3, 90, 60)), samples, (0.0, 1.0)))
    assert canvas.shape[0] <= LARGEST
    assert np.unique(canvas[:, 20:, 2]).tolist() == [85]
    assert (canvas[..., :2] == 0).all()


def test_curves_rise_to_the_right_where_their_values_do():
    samples = np.stack([np.linspace(-1, 1, 30), np.linspace(1, -1, 30)])[None]
    made = sprite(replace(IMAGES, shape=(30,)), samples, (-1.0, 1.0))
    width, height = CURVE
    alpha = pixels(made)[..., 3].astype(float)
    assert alpha.shape == (height, 2 * width)
    for tile, sign in ((alpha[:, :width], -1), (alpha[:, width:], 1)):
        rows, columns = np.nonzero(tile > 100)
        assert sign * np.corrcoef(rows, columns)[0, 1] > 0.99
    again = sprite(replace(IMAGES, shape=(30,)), samples, (-1.0, 1.0))
    assert again == made


def test_a_series_of_two_channels_is_two_curves():
    levels = np.broadcast_to([-0.5, 0.5], (1, 1, 20, 2)).astype(float)
    alpha = pixels(sprite(replace(IMAGES, shape=(20, 2)), levels, (-1.0, 1.0)))[..., 3]
    drawn = np.flatnonzero(alpha[:, CURVE[0] // 2] > 100)
    assert (np.diff(drawn) > 5).sum() == 1
