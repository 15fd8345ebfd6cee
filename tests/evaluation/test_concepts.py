"""Units that detect classes: the planted one is found, and judged on samples that chose nothing."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from aepipe.evaluation.concepts import best_units, concept_figures
from aepipe.monitor import Silent
from aepipe.params.judgements import Concepts

TRAIN, VALID = Concepts(choose_on="train"), Concepts(choose_on="valid")


def planted(count=240):
    """Unit 3 rises for class 0, unit 1 falls for class 2; nothing is there for class 1."""
    rng = np.random.default_rng(0)
    labels = np.arange(count) % 3
    features = rng.normal(size=(count, 5))
    features[:, 3] += 3.0 * (labels == 0)
    features[:, 1] -= 2.0 * (labels == 2)
    return features, labels, np.array(["train", "valid", "test"])[np.arange(count) // 3 % 3]


@pytest.mark.parametrize("config", [TRAIN, VALID], ids=["train", "valid"])
def test_planted_units_are_found_with_their_signs(hold_court, identity, config):
    bench = hold_court(*planted())
    found = concept_figures(identity, bench.court, config, Silent())["classes"]
    assert (found["c0"]["unit"], found["c0"]["sign"]) == (3, 1)
    assert (found["c2"]["unit"], found["c2"]["sign"]) == (1, -1)
    for name, concept in found.items():
        scores = concept["sign"] * bench.rows["test"][:, concept["unit"]]
        positive = bench.labels["test"] == int(name[1:])
        assert concept["area"]["value"] == pytest.approx(roc_auc_score(positive, scores))
        chosen = concept["sign"] * bench.rows[config.choose_on][:, concept["unit"]]
        positive = bench.labels[config.choose_on] == int(name[1:])
        assert concept["chosen_area"] == pytest.approx(roc_auc_score(positive, chosen))
    assert found["c0"]["area"]["value"] > 0.9
    assert found["c1"]["area"]["value"] < 0.8


def test_the_most_exciting_sample_is_the_one_of_the_largest_response(hold_court, identity):
    bench = hold_court(*planted())
    for concept in concept_figures(identity, bench.court, TRAIN, Silent())["classes"].values():
        row = int(np.argmax(concept["sign"] * bench.rows["test"][:, concept["unit"]]))
        assert concept["sample"] == bench.court.dataset.ids("test")[row]
        assert concept["sample_class"] == f"c{bench.labels['test'][row]}"


def test_the_best_unit_of_many_that_know_nothing_has_one_half_on_test(hold_court, identity):
    """Chosen on test itself it would look better than that."""
    rng = np.random.default_rng(1)
    labels = np.arange(600) % 2
    splits = np.array(["train", "valid", "test"])[np.arange(600) // 2 % 3]
    bench = hold_court(rng.normal(size=(600, 100)), labels, splits)
    found = concept_figures(replace(identity, code_size=100), bench.court, TRAIN, Silent())
    assert found["classes"]["c0"]["chosen_area"] > 0.55
    assert abs(found["mean"]["value"] - 0.5) < 0.13
    assert found["mean"]["low"] <= found["mean"]["value"] <= found["mean"]["high"]


def test_a_unit_turned_round_is_the_same_detector():
    features, labels, _ = planted()
    units, signs, areas = best_units(features, labels, np.arange(3))
    turned, other, same = best_units(-features, labels, np.arange(3))
    np.testing.assert_array_equal(units, turned)
    np.testing.assert_array_equal(signs, -other)
    np.testing.assert_allclose(areas, same)
    assert (areas >= 0.5).all()


def test_a_single_class_has_no_detectors(hold_court, identity):
    features, labels, splits = planted()
    bench = hold_court(features, np.where(splits == "train", 0, labels), splits)
    assert concept_figures(identity, bench.court, TRAIN, Silent()) is None
    assert concept_figures(identity, bench.court, VALID, Silent()) is not None
