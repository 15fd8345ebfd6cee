"""Trustworthiness against scikit-learn, and continuity as the same the other way round."""

import numpy as np
import pytest
from sklearn.manifold import trustworthiness

from aepipe.errors import ParamsError
from aepipe.evaluation.neighbourhood import neighbourhood_figures, preserved, ranks
from aepipe.params.judgements import Neighbourhood

RNG = np.random.default_rng(0)
SAMPLES = RNG.normal(size=(60, 8))
CODES = SAMPLES[:, :2] + 0.1 * RNG.normal(size=(60, 2))


@pytest.mark.parametrize("neighbours", [1, 5, 20])
def test_the_mean_is_that_of_scikit_learn_in_both_directions(neighbours):
    before, after = ranks(SAMPLES), ranks(CODES)
    for one, other, here, there in [
        (before, after, SAMPLES, CODES),
        (after, before, CODES, SAMPLES),
    ]:
        expected = trustworthiness(here, there, n_neighbors=neighbours)
        assert preserved(one, other, neighbours).mean() == pytest.approx(expected)


def test_ranks_count_from_the_nearest_and_leave_the_sample_itself_out():
    points = np.array([[0.0], [1.0], [3.0], [0.0]])
    assert ranks(points)[0].tolist() == [0, 2, 3, 1]
    assert ranks(points)[3].tolist() == [1, 2, 3, 0]  # of a pair of copies, each is the other's


def test_neighbourhoods_do_not_change_when_codes_are_turned_shifted_or_scaled():
    turned, _ = np.linalg.qr(RNG.normal(size=(8, 8)))
    kept = preserved(ranks(SAMPLES), ranks(5 + 3 * SAMPLES @ turned), 5)
    np.testing.assert_array_equal(kept, 1)


def test_the_same_samples_are_looked_at_and_too_few_are_refused(hold_court, identity):
    features = RNG.normal(size=(60, 5)).astype(np.float32)
    splits = np.repeat(["train", "valid", "test"], 20)
    court = hold_court(features, np.zeros(60, int), splits).court

    figures = neighbourhood_figures(identity, court, Neighbourhood(rows=15, neighbours=4))
    assert {figure["value"] for figure in figures.values()} == {1}
    with pytest.raises(ParamsError, match="10 is not below half of the 20 test samples"):
        neighbourhood_figures(identity, court, Neighbourhood(rows=1000, neighbours=10))
