"""How far two clouds of features are apart, as if both were Gaussian."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from aepipe.evaluation.uncertainty import Figure, figure, standard_interval

Float64 = NDArray[np.float64]
Moments = tuple[Float64, Float64]  # mean and covariance
GROUPS = 20  # of the jackknife; its error is then known to about a sixth


def frechet_figure(real: Float64, generated: Float64, confidence: float) -> Figure:
    """Give the Frechet distance of two samples of features, with its interval.

    Heusel et al. (2017), NeurIPS, equation 6: the squared 2-Wasserstein distance of two Gaussians
    with the samples' means and covariances. It is too large for small samples, by an amount that
    grows with the number of features: compare only what has equally many. Resampling would add that
    amount once more; the interval is normal instead, its standard error a jackknife's that leaves
    out one of 20 groups of each sample in turn (Shao and Wu 1989, Annals of Statistics 17:1176).

    Args:
        real: ``(n, features)``, at least two.
        generated: ``(m, features)``, at least two.
        confidence: of the interval.
    """
    first, second = moments(real), moments(generated)
    roots = _root(first[1]), _root(second[1])
    value = _distance(first, roots[0], second)
    # symmetric, so the root is of the cloud that stays whole
    without_real = [_distance(second, roots[1], kept) for kept in _without_groups(real)]
    without_generated = [_distance(first, roots[0], kept) for kept in _without_groups(generated)]
    variance = _jackknife(without_real) + _jackknife(without_generated)
    interval = standard_interval(value, float(np.sqrt(variance)), confidence)
    return figure(value, max(0.0, interval["low"]), interval["high"])


def frechet_distance(
    first_mean: Float64, first_covariance: Float64, second_mean: Float64, second_covariance: Float64
) -> float:
    r"""Give the squared 2-Wasserstein distance of two Gaussians.

    .. math:: \|m_1 - m_2\|^2
        + \mathrm{tr}\bigl(C_1 + C_2 - 2 (C_1^{1/2} C_2 C_1^{1/2})^{1/2}\bigr)

    Dowson and Landau (1982), Journal of Multivariate Analysis 12:450.

    Args:
        first_mean: ``(features,)``.
        first_covariance: ``(features, features)``, positive semidefinite.
        second_mean: as the first.
        second_covariance: as the first.
    """
    first, second = (first_mean, first_covariance), (second_mean, second_covariance)
    return _distance(first, _root(first_covariance), second)


def moments(features: Float64) -> Moments:
    """Give mean and covariance of ``(n, features)``, n at least two."""
    mean: Float64 = features.mean(axis=0)
    centred = features - mean
    covariance: Float64 = centred.T @ centred / (len(features) - 1)
    return mean, covariance


def _distance(first: Moments, root: Float64, second: Moments) -> float:
    """Give the distance, where the square root of the first covariance is known."""
    between = np.linalg.eigvalsh(root @ second[1] @ root)
    apart = float(np.square(first[0] - second[0]).sum())
    spread = float(np.trace(first[1]) + np.trace(second[1]))
    overlap = 2 * float(np.sqrt(np.maximum(between, 0.0)).sum())
    return max(0.0, apart + spread - overlap)  # rounding takes a 0 below 0


def _root(covariance: Float64) -> Float64:
    values, axes = np.linalg.eigh(covariance)
    root: Float64 = (axes * np.sqrt(np.maximum(values, 0.0))) @ axes.T
    return root


def _without_groups(features: Float64) -> Iterator[Moments]:
    """Give mean and covariance with one group left out at a time, reading each sample once."""
    groups = min(GROUPS, len(features))
    centre = features.mean(axis=0)
    parts = [features[start::groups] - centre for start in range(groups)]
    scatters = [part.T @ part for part in parts]
    total = np.sum(scatters, axis=0)
    for part, scatter in zip(parts, scatters, strict=True):
        count = len(features) - len(part)
        if count > 1:
            shift = -part.sum(axis=0) / count  # the centred samples sum to 0
            yield centre + shift, (total - scatter - count * np.outer(shift, shift)) / (count - 1)


def _jackknife(values: list[float]) -> float:
    """Give the variance of a figure, from its values with one group left out each."""
    count = len(values)
    return (count - 1) * float(np.var(values)) if count > 1 else 0.0
