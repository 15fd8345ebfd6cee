"""How close reconstructions are to their samples.

Squared errors are summed over the features of a sample, in squared scaled units. What needs the
span between the smallest and the largest possible value, ``peak``, exists only for data that has
such bounds.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter

from aepipe.data.parts import Array
from aepipe.evaluation.uncertainty import (
    Bootstrap,
    Figure,
    percentile_interval,
    resampled_means,
)

Float64 = NDArray[np.float64]
Score = Callable[[Array, Array], Float64]
WINDOW = 7  # pixels, scikit-image's default for a uniform window; fits images down to 7 x 7
RESOLUTION = float(np.finfo(np.float32).eps)  # of scaled features; no error is known to be smaller


class ReconstructionFigures(TypedDict):
    """Figures of one representation on the test split; None where the data does not define one."""

    squared_error: Figure
    cross_entropy: Figure | None
    psnr: Figure | None
    ssim: Figure | None
    explained_variance: Figure | None


def squared_errors(features: Array, reconstruction: Array) -> Float64:
    """Give each sample's squared error, summed over its features, ``(n,)``."""
    difference = features.reshape(len(features), -1).astype(np.float64)
    difference -= reconstruction.reshape(len(features), -1)
    errors: Float64 = np.einsum("nf,nf->n", difference, difference)
    return errors


def cross_entropies(features: Array, reconstruction: Array) -> Float64:
    """Give each sample's Bernoulli cross-entropy, summed over its features, in nats, ``(n,)``.

    Of samples in [0, 1]; for those strictly between the least value is their own entropy, not 0. A
    reconstruction outside of the range, or at its ends, counts as the nearest number inside that
    float32 can tell from them, so a feature costs at most 16 nats.

    Args:
        features: ``(n, ...)``, in [0, 1].
        reconstruction: of the same shape, any values.
    """
    x = features.reshape(len(features), -1).astype(np.float64)
    mean = reconstruction.reshape(len(features), -1).astype(np.float64)
    mean = mean.clip(RESOLUTION, 1 - RESOLUTION)
    entropies: Float64 = -(x * np.log(mean) + (1 - x) * np.log1p(-mean)).sum(axis=1)
    return entropies


def signal_to_noise(squared_error: Array, size: int, peak: float) -> Array:
    """Give the peak signal-to-noise ratio in decibels, ``10 log10(peak^2 / mean squared error)``.

    An error below the resolution of float32 counts as that: at most 138 dB.

    Args:
        squared_error: mean over samples of the error summed over features; any shape.
        size: features of one sample.
        peak: largest minus smallest possible value.
    """
    per_feature = np.maximum(squared_error / size, (RESOLUTION * peak) ** 2)
    decibels: Array = 10 * np.log10(peak**2 / per_feature)
    return decibels


def window(shape: tuple[int, ...]) -> int | None:
    """Give the side of the square window of :func:`similarities` for samples of ``shape``.

    It is 7 pixels or, where an image is smaller, the largest odd number that fits; None where that
    is 1 or the samples are no images ``(channels, height, width)``.
    """
    if len(shape) != 3:
        return None
    side = min(WINDOW, *shape[1:])
    side -= 1 - side % 2
    return side if side >= 3 else None


def similarities(features: Array, reconstruction: Array, side: int, peak: float) -> Float64:
    """Give each image's mean structural similarity, ``(n,)``, at most 1.

    Wang et al. (2004), IEEE Transactions on Image Processing 13:600, eq. 13, with a uniform window
    and sample covariances; the same figures as scikit-image's ``structural_similarity`` with its
    defaults, for a whole batch at once.

    Args:
        features: ``(n, channels, height, width)``.
        reconstruction: of the same shape.
        side: of the window, odd.
        peak: largest minus smallest possible value.
    """
    x, y = features.astype(np.float64), reconstruction.astype(np.float64)

    def mean(values: Float64) -> Float64:
        averaged: Float64 = uniform_filter(values, size=(1, 1, side, side))
        return averaged

    unbiased = side**2 / (side**2 - 1)
    mean_x, mean_y = mean(x), mean(y)
    variance_x = unbiased * (mean(x * x) - mean_x * mean_x)
    variance_y = unbiased * (mean(y * y) - mean_y * mean_y)
    covariance = unbiased * (mean(x * y) - mean_x * mean_y)
    c1, c2 = (0.01 * peak) ** 2, (0.03 * peak) ** 2  # the paper's K1 and K2
    luminance = (2 * mean_x * mean_y + c1) / (mean_x**2 + mean_y**2 + c1)
    structure = (2 * covariance + c2) / (variance_x + variance_y + c2)
    edge = side // 2  # only where the window lies within the image
    inside = (luminance * structure)[:, :, edge:-edge, edge:-edge]
    result: Float64 = inside.mean(axis=(1, 2, 3))
    return result


def scores(shape: tuple[int, ...], bounds: tuple[float, float] | None) -> dict[str, Score]:
    """Give by name what else samples and their reconstructions can be compared by.

    Args:
        shape: of one sample.
        bounds: smallest and largest possible value; None where there are none.
    """
    found: dict[str, Score] = {}
    if bounds == (0.0, 1.0):
        found["cross_entropy"] = cross_entropies
    side = window(shape)
    if bounds is not None and side is not None:
        found["ssim"] = partial(similarities, side=side, peak=bounds[1] - bounds[0])
    return found


def reconstruction_figures(
    errors: Float64,
    spread: Float64,
    scored: Mapping[str, Float64],
    pixels: tuple[int, float | None],
    bootstrap: Bootstrap,
) -> ReconstructionFigures:
    """Put the test split's figures together, each with its interval from the same resamples.

    Args:
        errors: squared error of each sample, ``(n,)``.
        spread: squared distance of each sample from the split's mean, ``(n,)``; the explained
            variance is 1 minus the ratio of the sums of ``errors`` and ``spread``.
        scored: by the name of each of :func:`scores` that there is, its values, ``(n,)``.
        pixels: number of features, and ``peak`` or None.
        bootstrap: of the intervals.
    """
    size, peak = pixels
    columns = np.stack([errors, spread, *scored.values()], axis=1)
    resampled = resampled_means(columns, bootstrap).T
    error, level = float(errors.mean()), bootstrap.confidence
    noise = explained = None
    if peak is not None:
        ratios = signal_to_noise(resampled[0], size, peak)
        value = float(signal_to_noise(errors.mean(), size, peak))
        noise = percentile_interval(value, ratios, level)
    if (resampled[1] > 0).all():
        shares = 1 - resampled[0] / resampled[1]
        explained = percentile_interval(1 - error / float(spread.mean()), shares, level)
    means = {
        name: percentile_interval(float(values.mean()), drawn, level)
        for (name, values), drawn in zip(scored.items(), resampled[2:], strict=True)
    }
    return {
        "squared_error": percentile_interval(error, resampled[0], level),
        "cross_entropy": means.get("cross_entropy"),
        "psnr": noise,
        "ssim": means.get("ssim"),
        "explained_variance": explained,
    }
