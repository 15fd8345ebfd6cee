"""Laws of observing a representation batch by batch, clean and corrupted."""

import numpy as np
import pytest

from aepipe.evaluation.outcome import Subject, accuracy, observe
from aepipe.evaluation.robustness import robustness_figures
from aepipe.evaluation.uncertainty import Bootstrap

SETTINGS = Bootstrap(confidence=0.95, resamples=100, seed=0)
CLEAN = np.random.default_rng(0).random((20, 3)).astype(np.float32)
NOISY = CLEAN + np.float32(0.5)
LABELS = (CLEAN[:, 0] > 0.5).astype(np.int64)


def halves() -> Subject:
    """Codes are half the sample, reconstructions therefore exact."""
    return Subject(
        code_size=3,
        encode=lambda x: x.astype(np.float64) / 2,
        decode=lambda codes: (codes * 2).astype(np.float32),
        heads={"own": lambda x: (x[:, 0] > 0.5).astype(np.int64)},
    )


def batches(shown: np.ndarray, size: int):
    for start in range(0, len(shown), size):
        yield shown[start : start + size], CLEAN[start : start + size]


def first_half(codes: np.ndarray) -> np.ndarray:
    return (codes[:, 0] > 0.25).astype(np.int64)


@pytest.mark.parametrize("size", [1, 6, 20])
def test_an_outcome_does_not_depend_on_the_batches(size):
    outcome = observe(halves(), batches(NOISY, size), {"probe": first_half}, {})
    whole = observe(halves(), batches(NOISY, 20), {"probe": first_half}, {})

    np.testing.assert_array_equal(outcome.squared_error, whole.squared_error)
    np.testing.assert_array_equal(outcome.predictions["probe"], whole.predictions["probe"])


def test_probes_see_codes_and_heads_see_samples():
    predictions = observe(halves(), batches(CLEAN, 7), {"probe": first_half}, {}).predictions

    np.testing.assert_array_equal(predictions["probe"], LABELS)
    np.testing.assert_array_equal(predictions["own"], LABELS)


def test_errors_and_scores_are_against_the_clean_sample():
    scores = {"largest": lambda clean, rebuilt: np.abs(clean - rebuilt).max(axis=1)}
    outcome = observe(halves(), batches(NOISY, 7), {}, scores)

    np.testing.assert_allclose(outcome.scored["largest"], 0.5, rtol=1e-5)
    np.testing.assert_allclose(outcome.squared_error, 3 * 0.25, rtol=1e-5)


def test_without_a_decoder_there_is_no_error():
    subject = Subject(3, lambda x: x.astype(np.float64), None)
    figures = robustness_figures(subject, first_half, batches(NOISY, 5), LABELS, SETTINGS)

    assert figures["squared_error"] is None
    assert figures["accuracy"] is not None


def test_robustness_without_corruption_is_the_clean_figure():
    clean = robustness_figures(halves(), first_half, batches(CLEAN, 5), LABELS, SETTINGS)
    noisy = robustness_figures(halves(), first_half, batches(NOISY, 5), LABELS, SETTINGS)

    assert clean["accuracy"]["value"] == 1
    assert clean["squared_error"]["value"] == 0
    assert noisy["accuracy"]["value"] < 1
    assert noisy["squared_error"]["value"] == pytest.approx(0.75, rel=1e-5)


def test_unlabelled_samples_do_not_count():
    predicted = np.array([0, 1, 1, 0])

    assert accuracy(predicted, np.array([0, 1, -1, -1]), 0.95)["value"] == 1
    assert accuracy(predicted, np.array([0, 0, 1, -1]), 0.95)["value"] == pytest.approx(2 / 3)
    assert accuracy(predicted, np.full(4, -1), 0.95) is None
