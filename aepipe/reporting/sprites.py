"""Many small pictures in one: what the page's script cuts single samples out of."""

import base64
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from aepipe.data.dataset import Dataset
from aepipe.data.parts import Array
from aepipe.reporting.pictures import LINE, SERIES_DIMENSIONS, Limits, Pixels, png, shaded

LARGEST = 40  # pixels of a small picture's longer side; a thousand of them go into one page
CURVE = (84, 56)  # pixels of a small picture of a curve
SCALE = 3  # curves are drawn larger by this and averaged, which smooths them


@final
@dataclass(frozen=True, slots=True)
class Sprite:
    """Small pictures of one size, without gaps.

    Attributes:
        source: all of them, as a data URI.
        rows: of pictures.
        columns: of pictures.
        ratio: width of one over its height.
    """

    source: str
    rows: int
    columns: int
    ratio: float


def sprite(dataset: Dataset, samples: Array, shades: Limits) -> Sprite:
    """Lay out samples ``(rows, columns, *shape)`` in the units of the source; NaN is nothing."""
    rows, columns = samples.shape[:2]
    drawn = _images(samples, shades) if dataset.is_image else _curves(samples, shades)
    height, width = drawn.shape[2:4]
    canvas = drawn.swapaxes(1, 2).reshape(rows * height, columns * width, 4)
    source = "data:image/png;base64," + base64.b64encode(png(canvas)).decode()
    return Sprite(source, rows, columns, round(width / height, 4))


def _images(samples: Array, shades: Limits) -> Pixels:
    """Give images ``(rows, columns, height, width, 4)``; large ones are made smaller."""
    pixels = shaded(samples, shades)
    step = -(-max(pixels.shape[2:4]) // LARGEST)
    if step > 1:
        pixels = _averaged(pixels, step)
    opaque = np.full((*pixels.shape[:-1], 1), 255, np.uint8)
    opaque[np.isnan(samples.reshape(*samples.shape[:2], -1)).any(axis=2)] = 0
    colours = np.broadcast_to(pixels, (*pixels.shape[:-1], 3))
    return np.concatenate([colours, opaque], axis=-1)


def _averaged(pixels: Pixels, step: int) -> Pixels:
    height, width = (size // step * step for size in pixels.shape[2:4])
    cut = pixels[:, :, :height, :width].astype(np.float32)
    blocks = cut.reshape(*cut.shape[:2], height // step, step, width // step, step, -1)
    averaged: Pixels = np.rint(blocks.mean(axis=(3, 5))).astype(np.uint8)
    return averaged


def _curves(samples: Array, bounds: Limits) -> Pixels:
    """Draw each sample as a curve over its features, one for each channel of a series."""
    drawn = np.zeros((*samples.shape[:2], CURVE[1], CURVE[0], 4), np.uint8)
    for place in np.ndindex(samples.shape[:2]):
        sample = samples[place]
        series = sample.ndim == SERIES_DIMENSIONS
        channels = sample.T if series else sample.reshape(1, -1)
        if not np.isnan(sample).any():
            drawn[place] = _curve(channels, bounds)
    return drawn


def _curve(channels: Array, bounds: Limits) -> Pixels:
    width, height = (SCALE * side for side in CURVE)
    image = Image.new("L", (width, height), 0)
    pencil = ImageDraw.Draw(image)
    low, high = bounds
    for values in channels:
        share = np.clip((values - low) / (high - low), 0, 1)
        across = np.linspace(SCALE, width - SCALE, len(values))
        points = zip(across.tolist(), ((1 - share) * (height - 2 * SCALE) + SCALE), strict=True)
        pencil.line([(x, float(y)) for x, y in points], fill=255, width=SCALE)
    shade: NDArray[np.uint8] = np.asarray(image.resize(CURVE, Image.Resampling.BOX))
    grey = np.full((*shade.shape, 3), int(LINE[1:3], 16), np.uint8)
    return np.concatenate([grey, shade[..., None]], axis=-1)
