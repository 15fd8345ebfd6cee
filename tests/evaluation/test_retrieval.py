"""Retrieval against scikit-learn and against a search one query at a time."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score
from sklearn.neighbors import NearestNeighbors

from aepipe.errors import ParamsError
from aepipe.evaluation import retrieval
from aepipe.evaluation.retrieval import precisions, retrieval_figures, unit_length
from aepipe.monitor import Silent
from aepipe.params.judgements import Retrieval


def samples(count=150):
    rng = np.random.default_rng(0)
    labels = np.arange(count) % 3
    features = rng.normal(size=(count, 5)) + np.eye(5)[labels]
    return features, labels, np.array(["train", "valid", "test"])[np.arange(count) // 3 % 3]


def test_precision_is_that_of_scikit_learns_neighbours_by_cosine(hold_court, identity):
    bench = hold_court(*samples())
    found = retrieval_figures(identity, bench.court, Retrieval(at=(1, 7, 20)), Silent())
    search = NearestNeighbors(metric="cosine").fit(bench.rows["train"])
    nearest = search.kneighbors(bench.rows["test"], 20, return_distance=False)
    relevant = bench.labels["train"][nearest] == bench.labels["test"][:, None]
    for count in (1, 7, 20):
        figure = found[f"precision_at_{count}"]
        assert figure["value"] == pytest.approx(relevant[:, :count].mean())
        assert figure["low"] <= figure["value"] <= figure["high"]


def test_average_precision_is_scikit_learns(hold_court, identity):
    bench = hold_court(*samples())
    found = retrieval_figures(identity, bench.court, Retrieval(at=(1,)), Silent())
    cosines = unit_length(bench.rows["test"]) @ unit_length(bench.rows["train"]).T
    expected = [
        average_precision_score(bench.labels["train"] == label, row)
        for label, row in zip(bench.labels["test"], cosines, strict=True)
    ]
    assert found["mean_average_precision"]["value"] == pytest.approx(np.mean(expected), rel=1e-6)


def test_neither_blocks_nor_lengths_of_codes_matter(monkeypatch):
    rng = np.random.default_rng(1)
    queries, base = rng.normal(size=(31, 4)), rng.normal(size=(40, 4))
    wanted, labels = rng.integers(0, 3, 31), rng.integers(0, 3, 40)
    whole = precisions(unit_length(queries), wanted, unit_length(base), labels, (1, 5))
    monkeypatch.setattr(retrieval, "PAIRS", 80)
    scaled = unit_length(queries * 7), wanted, unit_length(base * rng.uniform(1, 9, (40, 1)))
    np.testing.assert_allclose(precisions(*scaled, labels, (1, 5)), whole)


def test_known_answers():
    base = unit_length(np.array([[1.0, 0.0], [1.0, 1.0], [0.0, 1.0], [-1.0, 0.0]]))
    labels = np.array([0, 1, 0, 1])
    queries = unit_length(np.array([[1.0, 0.1], [1.0, 0.1], [0.0, 0.0], [1.0, 0.1]]))
    found = precisions(queries, np.array([0, 1, 0, 9]), base, labels, (1, 2, 4))
    np.testing.assert_allclose(found[0], [1, 0.5, 0.5, (1 + 2 / 3) / 2])
    np.testing.assert_allclose(found[1], [0, 0.5, 0.5, (1 / 2 + 2 / 4) / 2])
    np.testing.assert_allclose(found[2], [1, 0.5, 0.5, (1 + 2 / 3) / 2])  # ties keep their order
    np.testing.assert_allclose(found[3], 0)  # a class of which there is none


def test_more_than_there_are_is_refused_with_the_numbers(hold_court, identity):
    court = hold_court(*samples(), rows=30).court
    with pytest.raises(ParamsError, match="at: 31 is more than the 30 labelled training samples"):
        retrieval_figures(identity, court, Retrieval(at=(1, 31)), Silent())


def test_without_labels_nothing_is_retrieved(hold_court, identity):
    features, labels, splits = samples()
    court = hold_court(features, np.full_like(labels, -1), splits).court
    assert retrieval_figures(identity, court, Retrieval(at=(1,)), Silent()) is None
