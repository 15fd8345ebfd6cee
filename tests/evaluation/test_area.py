"""Areas under ROC curves against scikit-learn, and their intervals against simulation."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from aepipe.evaluation import area
from aepipe.evaluation.area import area_figure, resampled_areas, unit_areas
from aepipe.evaluation.uncertainty import Bootstrap

SETTINGS = Bootstrap(confidence=0.9, resamples=400, seed=7)


@pytest.mark.parametrize("tied", [False, True])
def test_areas_of_all_units_are_those_of_scikit_learn(tied):
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 4, (90, 70)) if tied else rng.normal(size=(90, 70))
    labels = rng.integers(0, 3, 90)
    areas = unit_areas(codes, labels, np.array([0, 2]))
    for row, number in zip(areas, (0, 2), strict=True):
        expected = [roc_auc_score(labels == number, unit) for unit in codes.T]
        np.testing.assert_allclose(row, expected, rtol=1e-12)


def test_a_unit_that_says_nothing_has_one_half_and_a_turned_one_the_rest():
    labels = np.repeat([0, 1], [30, 50])
    code = np.random.default_rng(1).normal(size=80)
    areas = unit_areas(np.column_stack([code, -code, np.ones(80)]), labels, np.arange(2))
    np.testing.assert_allclose(areas[:, 0] + areas[:, 1], 1)
    np.testing.assert_allclose(areas[:, 2], 0.5)
    np.testing.assert_allclose(areas[0] + areas[1], 1)


@pytest.mark.parametrize("tied", [False, True])
def test_resampled_areas_are_the_areas_of_the_resamples(tied, monkeypatch):
    rng = np.random.default_rng(2)
    scores = rng.integers(0, 5, 60).astype(float) if tied else rng.normal(size=60)
    positive = rng.random(60) < 0.4
    found = resampled_areas(scores, positive, SETTINGS)
    drawn = np.random.default_rng(SETTINGS.seed).integers(60, size=(SETTINGS.resamples, 60))
    expected = [roc_auc_score(positive[rows], scores[rows]) for rows in drawn]
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    monkeypatch.setattr(area, "BLOCK", 60 * 7)
    np.testing.assert_array_equal(resampled_areas(scores, positive, SETTINGS), found)


def test_intervals_hold_the_true_area_as_often_as_they_say():
    """Scores of unit normals one apart have area Phi(1 / sqrt 2) = 0.7602."""
    rng = np.random.default_rng(3)
    positive = np.repeat([True, False], 60)
    held = 0
    for seed in range(200):
        scores = rng.normal(size=120) + positive
        found = area_figure(scores, positive, Bootstrap(0.9, 200, seed))
        held += found["low"] <= 0.7602 <= found["high"]
    assert 0.82 < held / 200 < 0.97


def test_perfect_scores_have_area_one_and_an_interval_of_nothing_else():
    positive = np.repeat([True, False], 20)
    assert area_figure(positive.astype(float), positive, SETTINGS) == {
        "value": 1.0, "low": 1.0, "high": 1.0,
    }  # fmt: skip


def test_a_single_positive_sample_leaves_those_resamples_that_have_it():
    positive = np.arange(10) == 0
    found = area_figure(np.arange(10.0), positive, SETTINGS)
    assert found == {"value": 0.0, "low": 0.0, "high": 0.0}
