"""How far two clouds of features are apart, as if both were Gaussian."""

import numpy as np
from numpy.typing import NDArray

from aepipe.evaluation.uncertainty import Figure, figure, standard_interval

Float64 = NDArray[np.float64]
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
    value = frechet_distance(*moments(real), *moments(generated))
    variance = 0.0
    fixed = moments(generated)
    variance += _jackknife([frechet_distance(*moments(kept), *fixed) for kept in _kept(real)])
    fixed = moments(real)
    variance += _jackknife([frechet_distance(*fixed, *moments(kept)) for kept in _kept(generated)])
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
    values, axes = np.linalg.eigh(first_covariance)
    root = (axes * np.sqrt(np.maximum(values, 0.0))) @ axes.T
    between = np.linalg.eigvalsh(root @ second_covariance @ root)
    apart = float(np.square(first_mean - second_mean).sum())
    spread = float(np.trace(first_covariance) + np.trace(second_covariance))
    overlap = 2 * float(np.sqrt(np.maximum(between, 0.0)).sum())
    return max(0.0, apart + spread - overlap)  # rounding takes a 0 below 0


def moments(features: Float64) -> tuple[Float64, Float64]:
    """Give mean and covariance of ``(n, features)``, n at least two."""
    mean: Float64 = features.mean(axis=0)
    centred = features - mean
    covariance: Float64 = centred.T @ centred / (len(features) - 1)
    return mean, covariance


def _kept(features: Float64) -> list[Float64]:
    """Leave out one group at a time, so that at least two samples are left."""
    groups = min(GROUPS, len(features))
    place = np.arange(len(features)) % groups
    kept = [features[place != group] for group in range(groups)]
    return [rows for rows in kept if len(rows) > 1]


def _jackknife(values: list[float]) -> float:
    """Give the variance of a figure, from its values with one group left out each."""
    count = len(values)
    return (count - 1) * float(np.var(values)) if count > 1 else 0.0
