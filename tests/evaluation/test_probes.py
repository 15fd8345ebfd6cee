"""Probes against scikit-learn used plainly, and laws of how they choose."""

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from threadpoolctl import threadpool_limits

from aepipe.evaluation import probes
from aepipe.evaluation.candidates import Labelled, Probe, Rescaler, Standardiser, best
from aepipe.evaluation.probes import (
    fit_boosting,
    fit_forest,
    fit_linear,
    fit_neighbours,
    fit_probes,
    fit_support_vectors,
    majority,
)
from aepipe.monitor import Silent
from aepipe.params import evaluation as sections

CONFIG = sections.Probes.model_validate(
    {
        "linear": {"inverse_penalties": [0.01, 1.0]},
        "nearest_neighbours": {"neighbours": [1, 5]},
        "support_vectors": {"inverse_penalties": [1.0, 10.0], "gammas": [0.3, 1.0]},
        "random_forest": {"trees": 30, "leaf_sizes": [1, 3]},
        "gradient_boosting": {"rounds": 20, "learning_rates": [0.1]},
        "rows": 1000,
    }
)


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    with threadpool_limits(1):  # as the stage does
        yield


@pytest.fixture(scope="module")
def digits() -> tuple[Labelled, Labelled, Labelled]:
    """300 to learn from, 100 to choose by, 400 to predict."""
    codes, labels = load_digits(return_X_y=True)
    ends = [slice(0, 300), slice(300, 400), slice(400, 800)]
    train, valid, test = (Labelled(codes[end], labels[end].astype(np.int64)) for end in ends)
    return train, valid, test


class Hearing(Silent):
    """Keeps the remarks."""

    def __init__(self):
        self.remarks = []

    def remark(self, text):
        self.remarks.append(text)


def test_all_five_learn_the_digits(digits):
    train, valid, test = digits
    fitted = fit_probes(CONFIG, train, valid, 0, Silent())

    assert list(fitted) == [*sections.Probes.model_fields][:5]
    for name, probe in fitted.items():
        predicted = probe.predict(test.codes)
        assert predicted.dtype == np.int64
        assert np.mean(predicted == test.labels) > 0.65, name  # chance is 0.1


def test_scaled_together_it_sees_the_codes_as_they_are_but_for_one_factor(digits):
    train, valid, test = digits
    config = sections.LinearProbe(inverse_penalties=(0.05,), scale="together")
    factor = np.sqrt(train.codes.var(axis=0).mean())
    plain = LogisticRegression(C=0.05, max_iter=1000).fit(train.codes / factor, train.labels)
    expected = plain.predict(test.codes / factor)
    for by in (1.0, 40.0):  # the factor is taken from the codes
        larger = [Labelled(by * each.codes, each.labels) for each in (train, valid)]
        probe = fit_linear(config, *larger, Silent())
        assert np.mean(probe.predict(by * test.codes) == expected) > 0.995
    each = fit_linear(config.model_copy(update={"scale": "each"}), train, valid, Silent())
    assert np.mean(each.predict(test.codes) == expected) < 0.995


def test_codes_that_are_all_the_same_are_only_shifted():
    codes = np.full((5, 3), 2.0)
    np.testing.assert_array_equal(Rescaler(codes)(codes + 1), np.ones((5, 3)))


def test_the_linear_probe_is_logistic_regression_on_standardised_codes(digits):
    train, valid, test = digits
    probe = fit_linear(CONFIG.linear, train, valid, Silent())
    plain = make_pipeline(
        StandardScaler(), LogisticRegression(C=probe.chosen["inverse_penalty"], max_iter=1000)
    ).fit(train.codes, train.labels)

    np.testing.assert_array_equal(probe.predict(test.codes), plain.predict(test.codes))


def test_an_optimiser_that_was_stopped_is_remarked_and_warns_nobody(digits, monkeypatch):
    train, valid, _ = digits
    monkeypatch.setattr(probes, "STEPS", 2)
    hearing = Hearing()
    fit_linear(sections.LinearProbe(inverse_penalties=(10.0,)), train, valid, hearing)

    assert hearing.remarks == [
        "linear probe: stopped after 2 steps before it had converged (inverse_penalty 10)"
    ]


@pytest.mark.parametrize("k", [1, 4, 5])
def test_neighbours_vote_as_in_scikit_learn(digits, k):
    train, valid, test = digits
    probe = fit_neighbours(sections.NearestNeighbours(neighbours=(k,)), train, valid)
    plain = make_pipeline(
        StandardScaler(), KNeighborsClassifier(n_neighbors=k, algorithm="brute")
    ).fit(train.codes, train.labels)

    np.testing.assert_array_equal(probe.predict(test.codes), plain.predict(test.codes))


def test_more_neighbours_than_samples_means_all_of_them(digits):
    train, valid, test = digits
    few = Labelled(train.codes[:4], np.array([3, 1, 1, 2]))
    probe = fit_neighbours(sections.NearestNeighbours(neighbours=(9,)), few, valid)

    assert probe.chosen == {"neighbours": 4}
    assert (probe.predict(test.codes) == 1).all()


def test_a_tied_vote_takes_the_lower_label():
    votes = np.array([[2, 1, 2, 1], [0, 3, 3, 1], [5, 4, 0, 0]])

    np.testing.assert_array_equal(majority(votes), [1, 3, 0])


def test_support_vectors_are_those_of_the_gaussian_kernel_inside_libsvm(digits):
    train, valid, test = digits
    probe = fit_support_vectors(CONFIG.support_vectors, train, valid)
    kernel = SVC(C=probe.chosen["inverse_penalty"], gamma=probe.chosen["gamma"] / 64)
    plain = make_pipeline(StandardScaler(), kernel).fit(train.codes, train.labels)

    np.testing.assert_array_equal(probe.predict(test.codes), plain.predict(test.codes))


def test_boosting_keeps_the_rounds_of_lowest_validation_loss(digits):
    train, valid, test = digits
    config = sections.GradientBoosting(rounds=60, learning_rates=(0.3,))
    probe = fit_boosting(config, train, valid, seed=0)

    plain = HistGradientBoostingClassifier(learning_rate=0.3, max_iter=60, early_stopping=False)
    plain.fit(train.codes, train.labels)
    losses = [log_loss(valid.labels, p) for p in plain.staged_predict_proba(valid.codes)]
    rounds = 1 + int(np.argmin(losses))
    assert probe.chosen == {"learning_rate": 0.3, "rounds": rounds}
    assert rounds < 60
    expected = list(plain.staged_predict(test.codes))[rounds - 1]
    np.testing.assert_array_equal(probe.predict(test.codes), expected)


def test_boosting_bears_a_validation_class_that_training_never_saw(digits):
    train, valid, test = digits
    known = train.labels < 8
    few = Labelled(train.codes[known], train.labels[known])
    probe = fit_boosting(CONFIG.gradient_boosting, few, valid, seed=0)

    assert probe.predict(test.codes).max() == 7


def test_a_forest_depends_on_the_seed_alone(digits):
    train, valid, test = digits
    config = sections.RandomForest(trees=5, leaf_sizes=(1,))
    first, again, other = (fit_forest(config, train, valid, seed) for seed in (1, 1, 2))

    np.testing.assert_array_equal(first.predict(test.codes), again.predict(test.codes))
    assert (first.predict(test.codes) != other.predict(test.codes)).any()


def test_the_first_of_equally_good_candidates_is_chosen():
    valid = Labelled(np.zeros((4, 1)), np.array([0, 1, 1, 1]))
    answers = {"a": [0, 0, 0, 0], "b": [0, 1, 1, 0], "c": [1, 1, 1, 0], "d": [0, 0, 1, 1]}
    candidates = [
        Probe({name: 1.0}, lambda codes, answer=answer: np.array(answer))
        for name, answer in answers.items()
    ]

    assert best(candidates, valid).chosen == {"b": 1.0}


def test_standardised_codes_have_mean_zero_and_variance_one():
    codes = np.random.default_rng(0).normal(5, 3, size=(100, 4))
    codes[:, 2] = 0.1  # a constant feature is shifted, not blown up
    standardised = Standardiser(codes)(codes)

    np.testing.assert_allclose(standardised.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(standardised.std(axis=0), [1, 1, 0, 1], atol=1e-12)


def test_the_scale_of_codes_does_not_matter_to_standardised_probes(digits):
    varying = digits[0].codes.std(axis=0) > 0  # a constant one has no scale to be divided by
    train, valid, test = [Labelled(part.codes[:, varying], part.labels) for part in digits]
    scale, shift = (np.linspace(*ends, varying.sum()) for ends in ((0.5, 20), (-3, 3)))
    moved = [Labelled(part.codes * scale + shift, part.labels) for part in (train, valid, test)]

    for fit, config in (
        (fit_neighbours, CONFIG.nearest_neighbours),
        (fit_support_vectors, CONFIG.support_vectors),
    ):
        here = fit(config, train, valid).predict(test.codes)
        there = fit(config, moved[0], moved[1]).predict(moved[2].codes)
        np.testing.assert_array_equal(here, there)
