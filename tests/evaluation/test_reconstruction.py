"""Reconstruction figures against scikit-image, scikit-learn and arithmetic by hand."""

import numpy as np
import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from sklearn.metrics import r2_score
from torch.nn.functional import binary_cross_entropy

from aepipe.evaluation.reconstruction import (
    cross_entropies,
    reconstruction_figures,
    scores,
    signal_to_noise,
    similarities,
    squared_errors,
    window,
)
from aepipe.evaluation.uncertainty import Bootstrap

SETTINGS = Bootstrap(confidence=0.9, resamples=300, seed=1)


def images(channels: int, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    clean = rng.random((6, channels, height, width)).astype(np.float32)
    return clean, (clean + rng.normal(0, 0.2, clean.shape)).astype(np.float32)


def test_squared_error_sums_over_features():
    features = np.array([[[1.0, 2.0]], [[0.0, 0.0]]])
    reconstruction = np.array([[[0.0, 4.0]], [[0.0, 0.5]]])

    np.testing.assert_allclose(squared_errors(features, reconstruction), [1 + 4, 0.25])


def test_cross_entropy_is_that_of_torch():
    clean, noisy = images(1, 5, 4)
    inside = noisy.clip(0.01, 0.99)
    expected = binary_cross_entropy(
        torch.from_numpy(inside).double(), torch.from_numpy(clean).double(), reduction="none"
    )

    np.testing.assert_allclose(cross_entropies(clean, inside), expected.sum(dim=(1, 2, 3)))


def test_cross_entropy_is_least_at_the_sample_and_finite_outside_of_the_range():
    clean, noisy = images(1, 5, 4)
    least = cross_entropies(clean, clean)

    assert (cross_entropies(clean, noisy) > least).all()
    np.testing.assert_allclose(
        cross_entropies(np.ones((1, 3)), np.full((1, 3), -2.0)), 3 * 15.94, rtol=1e-3
    )
    np.testing.assert_allclose(cross_entropies(np.ones((1, 3)), np.full((1, 3), 2.0)), 0, atol=1e-6)


@pytest.mark.parametrize(
    ("shape", "bounds", "names"),
    [
        ((1, 8, 8), (0.0, 1.0), {"cross_entropy", "ssim"}),
        ((1, 8, 8), (-1.0, 1.0), {"ssim"}),
        ((64,), (0.0, 1.0), {"cross_entropy"}),
        ((1, 8, 8), None, set()),
    ],
)
def test_samples_are_compared_by_what_their_shape_and_bounds_allow(shape, bounds, names):
    assert set(scores(shape, bounds)) == names


@pytest.mark.parametrize("shape", [(1, 8, 8), (1, 28, 28), (3, 9, 12)])
@pytest.mark.parametrize("peak", [1.0, 255.0])
def test_similarity_is_that_of_scikit_image(shape, peak):
    clean, noisy = (peak * array for array in images(*shape))
    expected = [
        structural_similarity(a, b, data_range=peak, channel_axis=0, win_size=7)
        for a, b in zip(clean.astype(np.float64), noisy.astype(np.float64), strict=True)
    ]

    np.testing.assert_allclose(similarities(clean, noisy, 7, peak), expected, rtol=1e-9)


def test_similarity_of_an_image_with_itself_is_one():
    clean, noisy = images(1, 8, 8)

    np.testing.assert_allclose(similarities(clean, clean, 7, 1.0), 1)
    assert (similarities(clean, noisy, 7, 1.0) < 1).all()


@pytest.mark.parametrize(
    ("shape", "side"),
    [
        ((1, 28, 28), 7),
        ((1, 7, 9), 7),
        ((3, 6, 9), 5),
        ((1, 3, 3), 3),
        ((1, 2, 8), None),
        ((64,), None),
    ],
)
def test_the_window_is_the_largest_odd_one_up_to_seven(shape, side):
    assert window(shape) == side


def test_signal_to_noise_is_that_of_scikit_image():
    clean, noisy = images(1, 8, 8)
    mean = squared_errors(clean, noisy).mean()

    expected = peak_signal_noise_ratio(clean, noisy, data_range=1.0)
    assert float(signal_to_noise(mean, 64, 1.0)) == pytest.approx(expected, rel=1e-6)


def test_signal_to_noise_of_an_exact_reconstruction_is_finite():
    assert float(signal_to_noise(np.array(0.0), 64, 255.0)) == pytest.approx(138.47, abs=0.01)


def test_figures_are_those_of_the_whole_split():
    clean, noisy = images(1, 8, 8)
    flat, flat_noisy = clean.reshape(6, -1), noisy.reshape(6, -1)
    errors = squared_errors(clean, noisy)
    spread = squared_errors(flat, np.broadcast_to(flat.mean(axis=0), flat.shape))

    figures = reconstruction_figures(errors, spread, {}, (64, 1.0), SETTINGS)

    expected = 1 - errors.sum() / spread.sum()
    assert figures["explained_variance"]["value"] == pytest.approx(expected)
    assert expected == pytest.approx(
        r2_score(flat, flat_noisy, multioutput="variance_weighted"), rel=1e-5
    )
    assert figures["squared_error"]["value"] == pytest.approx(errors.mean())
    assert figures["ssim"] is None


def test_the_interval_of_a_transformed_figure_is_the_transformed_interval():
    errors = np.random.default_rng(1).gamma(2.0, size=200)
    figures = reconstruction_figures(errors, errors, {}, (10, 1.0), SETTINGS)
    error, noise = figures["squared_error"], figures["psnr"]

    # the larger the error, the smaller the ratio
    assert noise["low"] == pytest.approx(float(signal_to_noise(error["high"], 10, 1.0)), abs=0.01)
    assert noise["high"] == pytest.approx(float(signal_to_noise(error["low"], 10, 1.0)), abs=0.01)


def test_what_the_data_does_not_define_is_none():
    errors = np.ones(5)
    figures = reconstruction_figures(errors, np.zeros(5), {}, (3, None), SETTINGS)

    assert figures["psnr"] is None  # no bounds
    assert figures["explained_variance"] is None  # nothing to explain
