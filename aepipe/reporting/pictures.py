"""Samples as pictures: images as tiles of pixels, anything else as curves over its features."""

import io
import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from aepipe.data.dataset import Dataset
from aepipe.data.parts import Array

Pixels = NDArray[np.uint8]
Limits = tuple[float, float]

TILE = 56  # pixels of a tile's longer side, at least; an 8 x 8 digit is seen well at that size
LARGEST = 80  # pixels; larger images are shown smaller, or the page grows past what mail carries
SERIES_DIMENSIONS = 2  # steps, channels
GAP = 4  # pixels between tiles, transparent so that a dark page shows through
PANEL = (0.9, 0.6)  # inches of one panel of curves
LINE = "#8a8a8a"  # reads on white and on black
OVERLAY = "#d55e00"  # vermilion of Okabe and Ito's palette, which also does


def limits(dataset: Dataset, reference: Array) -> Limits:
    """Give what is to be shown black and white, in the units of the source.

    Args:
        dataset: whose scaling is undone.
        reference: original samples ``(n, *shape)``, scaled; they decide where the source sets no
            bounds.
    """
    scale, offset = dataset.scale, dataset.offset
    if dataset.value_range is not None and isinstance(scale, float) and isinstance(offset, float):
        low, high = ((bound - offset) / scale for bound in dataset.value_range)
    else:
        shown = dataset.unscaled(reference)
        low, high = float(shown.min()), float(shown.max())
    return (low, high) if high > low else (low, low + 1.0)


def picture(dataset: Dataset, samples: Array, shades: Limits) -> bytes:
    """Draw scaled samples as a grid and give it as a PNG.

    Args:
        dataset: says what a sample is and undoes the scaling.
        samples: ``(rows, columns, *shape)``, scaled.
        shades: from :func:`limits`.
    """
    shown = dataset.unscaled(samples)
    return tiles(shown, shades) if dataset.is_image else curves(shown, shades, None)


def tiles(images: Array, shades: Limits) -> bytes:
    """Lay images ``(rows, columns, channels, height, width)`` out as a grid; give it as a PNG."""
    pixels = _resized(shaded(images, shades))
    rows, columns, height, width, _ = pixels.shape
    canvas = np.zeros((rows * (height + GAP) - GAP, columns * (width + GAP) - GAP, 4), np.uint8)
    for row in range(rows):
        for column in range(columns):
            top, left = row * (height + GAP), column * (width + GAP)
            canvas[top : top + height, left : left + width, :3] = pixels[row, column]
            there = not np.isnan(images[row, column]).any()
            canvas[top : top + height, left : left + width, 3] = 255 if there else 0
    return png(canvas)


def curves(samples: Array, bounds: Limits, behind: Array | None) -> bytes:
    """Draw samples ``(rows, columns, *shape)`` as curves over their features; give them as a PNG.

    A series of several channels is one curve for each.

    Args:
        samples: in the units of the source.
        bounds: of the vertical axis.
        behind: what each is to be seen against, of the same shape; drawn thicker and paler.
    """
    # matplotlib takes half a second to import, which pictures of images do without
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    from aepipe.reporting.style import settings

    buffer = io.BytesIO()
    with settings():
        rows, columns = samples.shape[:2]
        figure = Figure(figsize=(PANEL[0] * columns, PANEL[1] * rows), dpi=110)
        FigureCanvasAgg(figure)
        panels = figure.subplots(rows, columns, squeeze=False)
        for place, panel in np.ndenumerate(panels):
            if behind is not None:
                panel.plot(_channels(behind[place]), color=LINE, linewidth=2.2, alpha=0.55)
            colour = OVERLAY if behind is not None else LINE
            panel.plot(_channels(samples[place]), color=colour, linewidth=1)
            panel.set_ylim(bounds)
            panel.set_axis_off()
        figure.subplots_adjust(left=0, right=1, bottom=0, top=1, wspace=0.08, hspace=0.1)
        # the name of the program would put matplotlib's version into the bytes
        figure.savefig(buffer, format="png", transparent=True, metadata={"Software": None})
    return buffer.getvalue()


def _channels(sample: Array) -> Array:
    """Give what matplotlib draws as one curve for each channel of a series, ``(steps, curves)``."""
    return sample.reshape(len(sample), -1) if sample.ndim == SERIES_DIMENSIONS else sample.ravel()


def filters(weights: Array, shape: tuple[int, ...], count: int) -> bytes:
    """Draw the rows of ``weights`` with the largest norm, each as the sample that it answers to.

    Args:
        weights: ``(units, features)``.
        shape: of one sample.
        count: at most; the largest norm first.
    """
    order = np.argsort(-np.linalg.norm(weights, axis=1), kind="stable")[:count]
    chosen = weights[order]
    # each by its own largest magnitude, so that 0 is the same grey in all of them
    chosen = chosen / np.maximum(np.abs(chosen).max(axis=1, keepdims=True), 1e-12)
    grid = in_rows(chosen.reshape(len(chosen), *shape))
    return tiles(grid, (-1.0, 1.0)) if len(shape) == 3 else curves(grid, (-1.1, 1.1), None)


def in_rows(samples: Array) -> Array:
    """Arrange float samples ``(n, *shape)`` as ``(rows, columns, *shape)``, about as wide as high.

    A last row that is left short is filled up with NaN, which is drawn as nothing.
    """
    count = len(samples)
    side = math.ceil(math.sqrt(count))
    full = [columns for columns in range(side, 2 * side + 1) if count % columns == 0]
    columns = full[0] if full else side
    missing = -count % columns
    nothing = np.full((missing, *samples.shape[1:]), np.nan, samples.dtype)
    return np.concatenate([samples, nothing]).reshape(-1, columns, *samples.shape[1:])


def png(canvas: Pixels) -> bytes:
    """Give ``(height, width, 4)`` pixels as a PNG without any metadata."""
    buffer = io.BytesIO()
    Image.fromarray(canvas).save(buffer, format="png", optimize=True)
    return buffer.getvalue()


def shaded(images: Array, shades: Limits) -> Pixels:
    """Give images as ``(rows, columns, height, width, 1 or 3)`` bytes; NaN becomes black."""
    low, high = shades
    share = np.nan_to_num(np.clip((images - low) / (high - low), 0, 1))
    if images.shape[-3] not in (1, 3):  # neither grey nor colour: show the mean of the channels
        share = share.mean(axis=-3, keepdims=True)
    return np.moveaxis(np.rint(share * 255).astype(np.uint8), -3, -1)


def _resized(pixels: Pixels) -> Pixels:
    """Repeat the pixels of small images, average those of large ones."""
    side = max(pixels.shape[2:4])
    if side <= LARGEST:
        factor = max(1, -(-TILE // side))
        return pixels.repeat(factor, axis=2).repeat(factor, axis=3)
    step = -(-side // LARGEST)
    height, width = (-(-size // step) for size in pixels.shape[2:4])
    missing = (height * step - pixels.shape[2], width * step - pixels.shape[3])
    whole = np.pad(pixels, ((0, 0), (0, 0), (0, missing[0]), (0, missing[1]), (0, 0)), mode="edge")
    blocks = whole.reshape(*pixels.shape[:2], height, step, width, step, pixels.shape[4])
    averaged: Pixels = np.rint(blocks.mean(axis=(3, 5))).astype(np.uint8)
    return averaged
