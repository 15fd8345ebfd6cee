"""Paired comparisons: their correction, and what counts as right."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aepipe.evaluation.comparison import (
    Difference,
    Evaluated,
    baseline,
    differences,
    differences_from_best,
    holm,
    pairs,
    right,
)
from aepipe.evaluation.uncertainty import Bootstrap, mcnemar

P_VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=30)


def made(p_values):
    figure = {"value": 0.0, "low": 0.0, "high": 0.0}
    return [
        Difference("heads", f"e{n}", "raw", "linear", figure, p) for n, p in enumerate(p_values)
    ]


def corrected(p_values):
    return [one.corrected for one in holm(made(p_values), len(p_values))]


def evaluated(kind, code_size, error, labels, predicted):
    samples = pd.DataFrame({"label": labels, "squared_error": error, "predicted_linear": predicted})
    share = {"value": 0.5, "low": 0.0, "high": 1.0}
    figures = {
        "code_size": code_size,
        "reconstruction": {"squared_error": share},
        "accuracy": {"linear": share},
        "heads": {},
    }
    return Evaluated(kind, figures, samples)


def test_holm_by_hand():
    # 4 x 0.005, then 3 x 0.01 = 0.03, 2 x 0.03 = 0.06, and 0.04 is not below the 0.06 before it
    assert corrected([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


@given(P_VALUES)
def test_holm_lies_between_the_p_value_and_bonferronis(p_values):
    for p, after in zip(p_values, corrected(p_values), strict=True):
        assert p <= after <= min(1.0, len(p_values) * p)


@given(P_VALUES)
def test_holm_keeps_the_order(p_values):
    after = corrected(p_values)
    ranked = [after[place] for place in sorted(range(len(after)), key=lambda n: p_values[n])]
    assert ranked == sorted(ranked)


def test_samples_without_label_are_neither_right_nor_wrong():
    one = evaluated("other", 2, 1.0, [0, -1, 1, 1], [0, 0, 1, 0])
    assert right(one, "linear").tolist() == [True, True, False]


def test_a_difference_in_accuracy_is_tested_by_mcnemar_and_in_error_by_the_bootstrap():
    labels = np.arange(60) % 3
    rng = np.random.default_rng(1)
    wrong = (labels + (rng.uniform(size=60) < 0.4)) % 3
    pca = evaluated("pca", 4, rng.uniform(1, 2, 60), labels, wrong)
    ours = evaluated("other", 5, rng.uniform(0, 1, 60), labels, labels)
    error, linear = differences({"pca_4": pca, "ours": ours}, Bootstrap(0.95, 999, 0))
    assert error.rival == linear.rival == "pca_4"
    assert (error.name, linear.name) == ("squared_error", "linear")
    change = ours.samples["squared_error"] - pca.samples["squared_error"]
    assert error.figure["value"] == pytest.approx(change.mean())
    assert error.p_value == 1 / 1000
    assert linear.figure["value"] == pytest.approx(1 - (wrong == labels).mean())
    assert linear.p_value == mcnemar(np.ones(60, bool), wrong == labels)


def test_every_entry_but_the_best_is_held_against_the_best_of_each_figure():
    labels = np.arange(60) % 3
    late = np.where(np.arange(60) < 20, labels, 0)
    entries = {
        "raw": evaluated("raw", 9, np.nan, labels, labels),
        "one": evaluated("other", 5, np.linspace(0, 1, 60), labels, late),
        "two": evaluated("other", 5, np.linspace(1, 2, 60), labels, (labels + 1) % 3),
    }
    entries["raw"].figures["reconstruction"] = None
    for one, (error, share) in zip(
        entries.values(), [(9, 1.0), (0.5, 0.6), (1.5, 0.0)], strict=True
    ):
        one.figures["accuracy"] = {"linear": {"value": share, "low": 0.0, "high": 1.0}}
        if one.kind == "other":
            one.figures["reconstruction"] = {"squared_error": {"value": error}}
    found = list(differences_from_best(entries, Bootstrap(0.95, 999, 0)))
    assert pairs(entries) == 3 + 1
    assert [(one.entry, one.name, one.rival) for one in found] == [
        ("one", "linear", "raw"), ("two", "linear", "raw"), ("two", "squared_error", "one")
    ]  # fmt: skip
    worse = found[-1]
    assert worse.figure["value"] == pytest.approx(1)
    assert worse.p_value == 1 / 1000


def test_of_equals_one_is_said_to_be_worse_than_the_best_no_more_often_than_allowed():
    """Five entries that differ by chance alone, 300 times at 10 %: a standard error of 1.7 %.

    Corrected for the four comparisons that are made, the share is above its level, for the best was
    looked for; corrected for all ten pairs it isn't.
    """
    rng = np.random.default_rng(2)
    alarms = {4: 0, 10: 0}
    for seed in range(300):
        errors = rng.gamma(2.0, size=(60, 5)) + rng.gamma(1.0, size=(60, 1))
        entries = {
            f"e{n}": evaluated("other", 5, errors[:, n], [-1] * 60, [0] * 60) for n in range(5)
        }
        for n, one in enumerate(entries.values()):
            one.figures["reconstruction"] = {"squared_error": {"value": errors[:, n].mean()}}
            one.figures["accuracy"] = None
        assert pairs(entries) == 10
        found = list(differences_from_best(entries, Bootstrap(0.95, 400, seed)))
        for hypotheses in alarms:
            alarms[hypotheses] += any(one.corrected < 0.1 for one in holm(found, hypotheses))
    assert alarms[10] / 300 < 0.1 + 3 * 0.017
    assert alarms[4] > 1.5 * alarms[10]


def test_pca_is_held_against_no_pca():
    samples = evaluated("pca", 4, 1.0, [0], [0])
    assert baseline("pca_4", {"pca_4": samples, "pca_2": samples}) is None
