"""Detection of anomalies against scikit-learn and known answers."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, precision_score, recall_score, roc_auc_score

from aepipe.errors import ParamsError
from aepipe.evaluation.anomaly import anomaly_figures, threshold, told_apart
from aepipe.evaluation.uncertainty import Bootstrap
from aepipe.monitor import Silent
from aepipe.params.judgements import Anomaly, MeanPlusDeviations, Quantile

SETTINGS = Bootstrap(0.95, 100, 3)


def declared(**changes):
    config = {
        "normal": ["c0"], "positive": "anomalous", "error": "squared",
        "threshold": {"kind": "mean_plus_deviations", "deviations": 1.0},
    }  # fmt: skip
    return Anomaly.model_validate(config | changes)


@pytest.mark.parametrize("positive", ["normal", "anomalous"])
def test_figures_are_those_of_scikit_learn(positive):
    rng = np.random.default_rng(0)
    anomalous = rng.random(200) < 0.3
    errors = rng.gamma(2.0, size=200) + anomalous
    found = told_apart(errors, anomalous, 2.5, positive, SETTINGS)
    said, there = errors > 2.5, anomalous
    if positive == "normal":
        said, there = ~said, ~there
    assert found["accuracy"]["value"] == pytest.approx(accuracy_score(there, said))
    assert found["precision"]["value"] == pytest.approx(precision_score(there, said))
    assert found["recall"]["value"] == pytest.approx(recall_score(there, said))
    assert found["roc_auc"]["value"] == pytest.approx(roc_auc_score(anomalous, errors))
    for name in ("accuracy", "precision", "recall", "roc_auc"):
        assert found[name]["low"] <= found[name]["value"] <= found[name]["high"]


def test_precision_of_nothing_is_none():
    anomalous = np.array([True, False, False])
    found = told_apart(np.array([3.0, 1.0, 2.0]), anomalous, 9.0, "anomalous", SETTINGS)
    assert found["precision"] is None
    assert found["recall"]["value"] == 0
    assert found["roc_auc"]["value"] == 1


def test_thresholds_are_what_they_are_called():
    errors = np.array([1.0, 2.0, 3.0, 4.0])
    mean = MeanPlusDeviations(kind="mean_plus_deviations", deviations=2.0)
    assert threshold(errors, mean) == pytest.approx(2.5 + 2 * np.sqrt(1.25))
    assert threshold(errors, Quantile(kind="quantile", level=0.5)) == 2.5


def samples(count=90):
    """Five features: class 0 within what the subject rebuilds, others beyond it."""
    rng = np.random.default_rng(4)
    labels = np.arange(count) % 3
    features = rng.uniform(-3.2, 3.2, (count, 5)) + 2.0 * labels[:, None]
    return features, labels, np.array(["train", "valid", "test"])[np.arange(count) // 3 % 3]


def lost(rows, kind):
    left = rows - np.clip(rows, -3, 3)
    return (left**2 if kind == "squared" else np.abs(left)).sum(axis=1)


@pytest.mark.parametrize("kind", ["squared", "absolute"])
def test_the_threshold_is_of_normal_training_errors_alone(hold_court, identity, kind):
    bench = hold_court(*samples())
    found = anomaly_figures(identity, bench.court, declared(error=kind), Silent())
    normal = lost(bench.rows["train"][bench.labels["train"] == 0], kind)
    assert found["threshold"] == pytest.approx(normal.mean() + normal.std(), rel=1e-5)
    tested = lost(bench.rows["test"], kind)
    right = (tested > found["threshold"]) == (bench.labels["test"] != 0)
    assert found["accuracy"]["value"] == pytest.approx(right.mean())


def test_test_samples_do_not_move_the_threshold(hold_court, identity):
    features, labels, splits = samples()
    before = anomaly_figures(
        identity, hold_court(features, labels, splits).court, declared(), Silent()
    )
    features[splits == "test"] *= 2
    after = anomaly_figures(
        identity, hold_court(features, labels, splits).court, declared(), Silent()
    )
    assert after["threshold"] == before["threshold"]
    assert after["roc_auc"] != before["roc_auc"]


def test_there_is_nothing_to_tell_without_a_decoder_or_anomalies(hold_court, identity):
    features, labels, splits = samples()
    court = hold_court(features, labels, splits).court
    assert anomaly_figures(replace(identity, decode=None), court, declared(), Silent()) is None
    every = declared(normal=["c0", "c1", "c2"])
    assert anomaly_figures(identity, court, every, Silent()) is None
    unlabelled = hold_court(features, np.where(splits == "test", -1, labels), splits).court
    assert anomaly_figures(identity, unlabelled, declared(), Silent()) is None


def test_a_normal_class_that_is_not_there_is_refused_with_those_that_are(hold_court, identity):
    court = hold_court(*samples()).court
    with pytest.raises(ParamsError, match=r"normal names 'c9'; expected .* 'c0', 'c1', 'c2'"):
        anomaly_figures(identity, court, declared(normal=["c9"]), Silent())
