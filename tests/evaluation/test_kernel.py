"""The kernel matrices against the value by value computation."""

import numpy as np
from scipy.spatial.distance import cdist

from aepipe.evaluation import kernel
from aepipe.evaluation.kernel import gaussian, squared_distances


def test_distances_are_euclidean_and_never_negative():
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(30, 5)), rng.normal(size=(20, 5)) + 100

    distances = squared_distances(first, second)
    np.testing.assert_allclose(distances, cdist(first, second, "sqeuclidean"), rtol=1e-6)
    assert (squared_distances(second, second) >= 0).all()


def test_matrices_do_not_depend_on_the_rows_handled_at_once(monkeypatch):
    codes = np.random.default_rng(1).normal(size=(25, 4))
    whole = gaussian(squared_distances(codes, codes), 0.5)
    monkeypatch.setattr(kernel, "ROWS", 4)

    np.testing.assert_allclose(gaussian(squared_distances(codes, codes), 0.5), whole, rtol=1e-6)
    np.testing.assert_allclose(whole, np.exp(-0.5 * cdist(codes, codes, "sqeuclidean")), rtol=1e-6)
