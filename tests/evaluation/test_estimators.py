"""Any scikit-learn classifier as a probe, against scikit-learn used plainly."""

import subprocess
import sys

import numpy as np
import pytest
from pydantic import ValidationError
from sklearn.datasets import load_digits
from sklearn.linear_model import SGDClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from aepipe.data.seeds import derive
from aepipe.errors import ParamsError
from aepipe.evaluation.candidates import SEEDS, Labelled
from aepipe.evaluation.estimators import (
    classifiers,
    combinations,
    estimator_problems,
    fit_estimator,
)
from aepipe.evaluation.probes import fit_probes
from aepipe.monitor import Silent
from aepipe.params.evaluation import Estimator, Probes
from aepipe.params.load import validate


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    with threadpool_limits(1):  # as the stage does
        yield


@pytest.fixture(scope="module")
def digits() -> tuple[Labelled, Labelled, Labelled]:
    """200 to learn from, 100 to choose by, 200 to predict."""
    codes, labels = load_digits(return_X_y=True)
    ends = [slice(0, 200), slice(200, 300), slice(300, 500)]
    train, valid, test = (Labelled(codes[end], labels[end].astype(np.int64)) for end in ends)
    return train, valid, test


class Hearing(Silent):
    """Keeps the remarks."""

    def __init__(self):
        self.remarks = []

    def remark(self, text):
        self.remarks.append(text)


def declared(estimator, settings=None, candidates=None) -> Estimator:
    return Estimator.model_validate(
        {"estimator": estimator, "settings": settings or {}, "candidates": candidates or {}}
    )


def fitted(config, digits, seed=0, name="mine", monitor=None):
    return fit_estimator(name, config, digits[:2], seed, monitor or Silent())


def problems(*arguments):
    return estimator_problems({"mine": declared(*arguments)})


def test_an_estimator_without_candidates_is_scikit_learns_own_on_standardised_codes(digits):
    train, _, test = digits
    probe = fitted(declared("GaussianNB", {"var_smoothing": 0.01}), digits)
    plain = make_pipeline(StandardScaler(), GaussianNB(var_smoothing=0.01))
    plain.fit(train.codes, train.labels)

    assert probe.chosen == {}
    np.testing.assert_array_equal(probe.predict(test.codes), plain.predict(test.codes))


def test_the_combination_that_is_best_on_validation_is_kept(digits):
    train, valid, test = digits
    grid = {"alpha": [10.0, 0.001], "loss": ["hinge", "log_loss"]}
    probe = fitted(declared("SGDClassifier", {"max_iter": 5, "tol": None}, grid), digits, seed=3)

    def plain(alpha, loss):
        state = derive(3, "probe/mine") % SEEDS
        model = SGDClassifier(alpha=alpha, loss=loss, max_iter=5, tol=None, random_state=state)
        return make_pipeline(StandardScaler(), model).fit(train.codes, train.labels)

    scores = {
        (a, b): plain(a, b).score(valid.codes, valid.labels)
        for a in grid["alpha"]
        for b in grid["loss"]
    }
    alpha, loss = max(scores, key=lambda pair: scores[pair])
    assert len(set(scores.values())) > 1
    assert probe.chosen == {"alpha": alpha, "loss": loss}
    np.testing.assert_array_equal(probe.predict(test.codes), plain(alpha, loss).predict(test.codes))


def test_chance_comes_from_the_seed_and_the_probes_name_alone(digits):
    config = declared("MLPClassifier", {"hidden_layer_sizes": [8], "max_iter": 3})
    codes = digits[2].codes

    def answers(seed, name):
        return fitted(config, digits, seed, name, Hearing()).predict(codes)

    np.testing.assert_array_equal(answers(1, "a"), answers(1, "a"))
    assert (answers(1, "a") != answers(2, "a")).any()
    assert (answers(1, "a") != answers(1, "b")).any()


def test_the_scale_of_codes_does_not_matter(digits):
    config = declared("NearestCentroid")
    train, valid, test = digits
    scale = np.linspace(0.5, 20, train.codes.shape[1])
    moved = [Labelled(part.codes * scale, part.labels) for part in (train, valid)]

    here = fitted(config, digits).predict(test.codes)
    there = fit_estimator("mine", config, (moved[0], moved[1]), 0, Silent())
    np.testing.assert_array_equal(here, there.predict(test.codes * scale))


def test_what_scikit_learn_warns_of_is_said_once_and_warns_nobody(digits):
    hearing = Hearing()
    config = declared("MLPClassifier", {"max_iter": 1}, {"alpha": [0.1, 1.0]})
    fitted(config, digits, monitor=hearing)

    assert len(hearing.remarks) == 1
    assert hearing.remarks[0].startswith("probe mine: Stochastic Optimizer: Maximum iterations (1)")


def test_an_estimator_that_cannot_take_such_codes_is_a_mistake_told_in_a_sentence(digits):
    with pytest.raises(
        ParamsError,
        match=r"probes\.others\.mine: MultinomialNB \(alpha 0\.5\) cannot be used here: Negative "
        r"values .*it sees standardised codes, negative values among them",
    ):
        fitted(declared("MultinomialNB", {"alpha": 0.5}), digits)


def test_one_that_refuses_only_to_predict_is_told_too(digits):
    config = declared("RadiusNeighborsClassifier", {"radius": 0.001})
    with pytest.raises(ParamsError, match=r"radius 0\.001\) cannot be used here: No neighbors"):
        fitted(config, digits)


def test_every_classifier_of_scikit_learn_is_taken_or_refused_in_a_sentence():
    wrapping = set()
    for name in classifiers():
        found = problems(name)
        if found:
            assert found == [
                f"evaluate.probes.others.mine.estimator = {name!r}: wraps another estimator, "
                "which cannot be declared; name that one itself"
            ]
            wrapping.add(name)
    assert {"VotingClassifier", "OneVsRestClassifier", "SelfTrainingClassifier"} <= wrapping
    assert len(classifiers()) - len(wrapping) > 30


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("GausianNB",), "estimator = 'GausianNB': no classifier of scikit-learn, did you mean 'G"),
        (("Ridge",), "no classifier of scikit-learn, did you mean 'RidgeClassifier'?"),
        (("SVC", {"gama": 1.0}), "settings.gama: no parameter of SVC, did you mean 'gamma'?"),
        (("SVC", {}, {"c": [1.0]}), "candidates.c: no parameter of SVC, "),
        (("SVC", {"C": -1.0}), "settings: The 'C' parameter of SVC must be a float in the range"),
        (("SVC", {}, {"C": [1.0, "x"]}), "candidates.C: The 'C' parameter of SVC must be"),
        (("SVC", {"C": 1.0}, {"C": [2.0]}), "candidates.C: is in settings too"),
        (("SVC", {"random_state": 1}), "settings.random_state: not to be set here, for it is der"),
        (("BaggingClassifier", {"n_jobs": -1}), "n_jobs: not to be set here, for figures must not"),
    ],
)
def test_a_wrong_declaration_is_told_with_what_was_meant(arguments, expected):
    (line,) = problems(*arguments)
    assert line.startswith("evaluate.probes.others.mine.")
    assert expected in line


def test_no_dotted_path_is_taken():
    with pytest.raises(ValidationError, match="pattern"):
        declared("sklearn.svm.SVC")


def test_every_combination_is_tried_in_the_order_declared():
    config = declared("SVC", {}, {"C": [1.0, 2.0], "gamma": [0.1, 0.2]})
    assert [tuple(each.values()) for each in combinations(config)] == [
        (1.0, 0.1),
        (1.0, 0.2),
        (2.0, 0.1),
        (2.0, 0.2),
    ]


def test_only_what_is_declared_is_fitted(digits):
    config = Probes.model_validate(
        {
            "nearest_neighbours": {"neighbours": [1]},
            "others": {"bayes": {"estimator": "GaussianNB"}},
            "rows": 100,
        }
    )
    assert list(fit_probes(config, *digits[:2], 0, Silent())) == ["nearest_neighbours", "bayes"]


@pytest.mark.parametrize(
    ("others", "expected"),
    [
        ({}, "no probe is declared; expected one of linear, nearest_neighbours"),
        ({"linear": {"estimator": "SVC"}}, r"others.linear: the name is taken"),
        ({"finetuned": {"estimator": "SVC"}}, r"others.finetuned: the name is taken"),
    ],
)
def test_a_section_without_a_probe_or_with_a_taken_name_is_refused(others, expected):
    with pytest.raises(ParamsError, match=expected):
        validate(Probes, {"others": others, "rows": 1}, "probes")


def test_scikit_learn_stays_out_until_an_estimator_is_asked_for():
    program = (
        "import sys\nfrom aepipe.evaluation.estimators import estimator_problems\n"
        "estimator_problems({})\nprint('sklearn' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"
