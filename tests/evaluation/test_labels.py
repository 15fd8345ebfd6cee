"""Accuracy by the number of labels."""

import numpy as np
import pytest

from aepipe.evaluation.labels import label_figures
from aepipe.monitor import Silent
from aepipe.params.judgements import Labels

CONFIG = Labels(counts=(4, 12, 24), draws=6)


def blobs(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = np.arange(120) % 2
    features = (rng.normal(size=(120, 5)) + 1.2 * labels[:, None]).astype(np.float32)
    return features, labels, np.repeat(["train", "valid", "test"], 40)


def test_a_curve_rises_and_its_band_holds_the_mean_of_the_draws(hold_court, identity):
    figures = label_figures(identity, hold_court(*blobs(0)).court, CONFIG, Silent())

    assert list(figures) == ["4", "12", "24", "40"]
    assert [len(one["draws"]) for one in figures.values()] == [6, 6, 6, 1]
    for one in figures.values():
        assert one["accuracy"]["value"] == pytest.approx(np.mean(one["draws"]))
        assert 0 <= one["accuracy"]["low"] < one["accuracy"]["value"] < one["accuracy"]["high"] <= 1
    assert figures["4"]["accuracy"]["value"] < figures["40"]["accuracy"]["value"]


def test_test_labels_change_neither_draws_nor_what_is_chosen(hold_court, identity):
    features, labels, splits = blobs(1)
    turned = np.where(splits == "test", 1 - labels, labels)
    before, after = (
        label_figures(identity, hold_court(features, one, splits).court, CONFIG, Silent())
        for one in (labels, turned)
    )
    for count, one in before.items():
        assert after[count]["inverse_penalties"] == one["inverse_penalties"]
        # a probe that was right is now wrong
        np.testing.assert_allclose(np.add(after[count]["draws"], one["draws"]), 1)


def test_labels_are_few_but_codes_are_scaled_by_all_of_them(hold_court, identity):
    features, labels, splits = blobs(2)
    stretched = features * np.float32([1, 10, 100, 1000, 10000])
    plain, scaled = (
        label_figures(identity, hold_court(one, labels, splits).court, CONFIG, Silent())
        for one in (features, stretched)
    )
    for count, one in plain.items():
        np.testing.assert_allclose(scaled[count]["draws"], one["draws"], atol=0.03)


def test_without_labels_to_learn_from_there_is_no_curve(hold_court, identity):
    features, labels, splits = blobs(3)
    for split in ("train", "valid", "test"):
        hidden = np.where(splits == split, -1, labels)
        court = hold_court(features, hidden, splits).court
        assert label_figures(identity, court, CONFIG, Silent()) is None
