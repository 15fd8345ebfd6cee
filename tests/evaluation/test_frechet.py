"""The Frechet distance against its closed forms, and its interval in simulation."""

import numpy as np
import pytest
from scipy.linalg import sqrtm

from aepipe.evaluation.frechet import frechet_distance, frechet_figure, moments


def test_covariances_with_common_axes_have_a_closed_form():
    first, second = np.array([4.0, 1.0, 0.25]), np.array([1.0, 9.0, 0.0])
    apart = np.array([1.0, -2.0, 2.0])
    turned, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))
    covariances = [turned @ np.diag(variances) @ turned.T for variances in (first, second)]

    # |m|^2 = 9, and (2 - 1)^2 + (1 - 3)^2 + (0.5 - 0)^2 = 5.25
    found = frechet_distance(apart, covariances[0], np.zeros(3), covariances[1])
    assert found == pytest.approx(9 + 5.25)
    assert frechet_distance(apart, covariances[0], apart, covariances[0]) == pytest.approx(0)


def test_any_covariances_agree_with_the_matrix_square_root():
    rng = np.random.default_rng(1)
    first, second = (moments(rng.normal(size=(30, 6)) @ rng.normal(size=(6, 6))) for _ in range(2))
    expected = np.square(first[0] - second[0]).sum() + np.trace(
        first[1] + second[1] - 2 * sqrtm(first[1] @ second[1]).real
    )

    assert frechet_distance(*first, *second) == pytest.approx(expected)
    assert frechet_distance(*second, *first) == pytest.approx(expected)


def test_the_interval_is_that_of_the_jackknife_done_the_long_way():
    rng = np.random.default_rng(3)
    real, generated = rng.normal(size=(50, 4)), rng.normal(1, 2, size=(43, 4))

    def variance(values):
        return (len(values) - 1) * np.var(values)

    def distance(a, b):
        return frechet_distance(*moments(a), *moments(b))

    without = [
        [distance(np.delete(real, np.s_[g::20], axis=0), generated) for g in range(20)],
        [distance(real, np.delete(generated, np.s_[g::20], axis=0)) for g in range(20)],
    ]
    error = np.sqrt(sum(variance(values) for values in without))
    found = frechet_figure(real, generated, 0.95)
    assert found["value"] == pytest.approx(distance(real, generated))
    assert found["high"] - found["value"] == pytest.approx(1.959964 * error, rel=1e-5)


def test_samples_give_the_distance_of_the_gaussians_they_come_from_within_the_interval():
    """Of 200 intervals at 95 %, whose share has a standard error of 1.5 %."""
    rng = np.random.default_rng(2)
    deviations = np.array([1.0, 2.0, 0.5])
    truth = 1.0 + np.square(deviations - 1).sum()
    covered = 0
    for _ in range(200):
        real = rng.normal(size=(500, 3))
        generated = rng.normal(size=(400, 3)) * deviations + np.array([0.0, 1.0, 0.0])
        interval = frechet_figure(real, generated, 0.95)
        covered += interval["low"] <= truth <= interval["high"]

    # the jackknife's own error widens it little; 4.5 standard errors, and the bias of 900 samples
    assert covered / 200 == pytest.approx(0.95, abs=0.06)
