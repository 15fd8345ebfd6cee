"""Agreement of clusters and classes, against scikit-learn and in simulation."""

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

from aepipe.evaluation.clustering import (
    adjusted_rand,
    agreement,
    clustering_figures,
    mutual_information,
)
from aepipe.evaluation.uncertainty import Bootstrap
from aepipe.monitor import Silent
from aepipe.params.judgements import Clustering

SETTINGS = Bootstrap(confidence=0.95, resamples=400, seed=3)
JOINT = np.array([[0.3, 0.05, 0.05], [0.02, 0.2, 0.08], [0.1, 0.05, 0.15]])


@pytest.mark.parametrize(("clusters", "classes"), [(4, 4), (6, 3), (1, 4), (3, 1), (1, 1)])
def test_both_figures_are_those_of_scikit_learn(clusters, classes):
    rng = np.random.default_rng(clusters)
    found = rng.integers(clusters, size=200)
    labels = np.where(rng.random(200) < 0.5, found % classes, rng.integers(classes, size=200))
    figures = agreement(found, labels, SETTINGS)

    assert figures["ari"]["value"] == pytest.approx(adjusted_rand_score(labels, found))
    expected = normalized_mutual_info_score(labels, found)
    assert figures["nmi"]["value"] == pytest.approx(expected, abs=1e-12)


def test_a_stack_of_tables_gives_the_figures_of_each():
    tables = np.random.default_rng(0).integers(0, 20, size=(7, 3, 4)).astype(float)
    for figure in (mutual_information, adjusted_rand):
        np.testing.assert_allclose(figure(tables), [float(figure(table)) for table in tables])


def test_intervals_cover_the_figures_of_the_distribution_that_was_drawn_from():
    """Of 300 intervals at 95 %, whose share has a standard error of 1.3 %."""
    rng = np.random.default_rng(5)
    truth = {"nmi": float(mutual_information(JOINT))}
    rows, columns = np.square(JOINT.sum(axis=1)).sum(), np.square(JOINT.sum(axis=0)).sum()
    chance = rows * columns
    truth["ari"] = (np.square(JOINT).sum() - chance) / ((rows + columns) / 2 - chance)
    covered = {"nmi": 0, "ari": 0}
    for _ in range(300):
        cells = rng.choice(9, p=JOINT.ravel(), size=1500)
        for name, interval in agreement(cells // 3, cells % 3, SETTINGS).items():
            covered[name] += interval["low"] <= truth[name] <= interval["high"]

    for count in covered.values():
        assert count / 300 == pytest.approx(0.95, abs=0.04)  # three standard errors


def test_codes_that_fall_into_the_classes_agree_with_them(hold_court, identity):
    rng = np.random.default_rng(1)
    labels = np.arange(90) % 3
    features = (rng.normal(size=(90, 5)) + 30 * labels[:, None]).astype(np.float32)
    splits = np.repeat(["train", "valid", "test"], 30)
    court = hold_court(features, labels, splits).court
    config = Clustering(initialisations=3)

    figures = clustering_figures(identity, court, config, Silent())
    assert figures["nmi"]["value"] == pytest.approx(1)
    assert figures["ari"]["value"] == 1


def test_codes_that_are_all_the_same_are_one_cluster(hold_court, identity):
    labels = np.arange(30) % 3
    splits = np.repeat(["train", "valid", "test"], 10)
    court = hold_court(np.ones((30, 5), np.float32), labels, splits).court

    figures = clustering_figures(identity, court, Clustering(initialisations=2), Silent())
    assert figures["nmi"]["value"] == pytest.approx(0, abs=1e-12)
    assert figures["ari"]["value"] == 0
