"""Classifiers trained on frozen codes: how much of the labels a representation keeps at hand.

Each is fitted on training codes alone; its hyper-parameters are the candidates of ``params.yaml``
with the highest accuracy on validation codes, the first of them where several tie. The test split
plays no part.
"""

import warnings
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import NearestNeighbors
from sklearn.svm import SVC

from aepipe.data.parts import Array
from aepipe.data.seeds import derive
from aepipe.evaluation.candidates import (
    SEEDS,
    Labelled,
    Labels,
    Predict,
    Probe,
    Rescaler,
    Standardiser,
    best,
    chained,
)
from aepipe.evaluation.estimators import fit_estimator
from aepipe.evaluation.kernel import ROWS, gaussian, squared_distances
from aepipe.monitor import Monitor
from aepipe.params import evaluation as sections

STEPS = 1000  # of the linear probe's optimiser; MNIST pixels need 130
WAIT = 10  # rounds without a lower validation loss that end boosting; scikit-learn's default


def fit_probes(
    config: sections.Probes, train: Labelled, valid: Labelled, seed: int, monitor: Monitor
) -> dict[str, Probe]:
    """Fit those that are declared, by the names of their sections.

    Args:
        config: the candidates.
        train: at least two classes.
        valid: at least one sample.
        seed: the pipeline's.
        monitor: shows progress, and hears of an optimiser that was stopped too early.

    Raises:
        ParamsError: one of ``others`` is wrongly declared, or cannot be used on these codes.
    """
    fits: dict[str, Callable[[], Probe]] = {}
    if (linear := config.linear) is not None:
        fits["linear"] = lambda: fit_linear(linear, train, valid, monitor)
    if (nearest := config.nearest_neighbours) is not None:
        fits["nearest_neighbours"] = lambda: fit_neighbours(nearest, train, valid)
    if (vectors := config.support_vectors) is not None:
        fits["support_vectors"] = lambda: fit_support_vectors(vectors, train, valid)
    if (forest := config.random_forest) is not None:
        fits["random_forest"] = lambda: fit_forest(forest, train, valid, seed)
    if (boosting := config.gradient_boosting) is not None:
        fits["gradient_boosting"] = lambda: fit_boosting(boosting, train, valid, seed)
    for name, other in config.others.items():
        fits[name] = partial(fit_estimator, name, other, (train, valid), seed, monitor)
    return {name: fits[name]() for name in monitor.progress(fits, "fit probes", len(fits))}


def fit_linear(
    config: sections.LinearProbe, train: Labelled, valid: Labelled, monitor: Monitor
) -> Probe:
    """Fit a multinomial logistic regression with an L2 penalty on standardised codes."""
    return fit_scaled_linear(config, train, valid, linear_scaler(config, train.codes), monitor)


def linear_scaler(config: sections.LinearProbe, codes: Array) -> Standardiser | Rescaler:
    """Give the declared scaling, with its figures from ``codes``, ``(n, code_size)``."""
    return Standardiser(codes) if config.scale == "each" else Rescaler(codes)


def fit_scaled_linear(
    config: sections.LinearProbe,
    train: Labelled,
    valid: Labelled,
    scale: Standardiser | Rescaler,
    monitor: Monitor,
) -> Probe:
    """Fit the linear probe on codes that ``scale`` puts into proportion."""
    codes = scale(train.codes)

    def candidates() -> Iterator[Probe]:
        for inverse_penalty in config.inverse_penalties:
            model = LogisticRegression(C=inverse_penalty, max_iter=STEPS)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)  # told in our words below
                model.fit(codes, train.labels)
            if model.n_iter_.max() >= STEPS:
                monitor.remark(
                    f"linear probe: stopped after {STEPS} steps before it had converged "
                    f"(inverse_penalty {inverse_penalty:g})"
                )
            yield Probe({"inverse_penalty": inverse_penalty}, chained(scale, model.predict))

    return best(candidates(), valid)


def fit_neighbours(config: sections.NearestNeighbours, train: Labelled, valid: Labelled) -> Probe:
    """Vote among the nearest training codes (standardised, Euclidean); a tie takes the lower label.

    A candidate above the number of training samples means all of them.
    """
    standardise = Standardiser(train.codes)
    sizes = [min(k, len(train.labels)) for k in config.neighbours]
    search = NearestNeighbors(n_neighbors=max(sizes), algorithm="brute")
    search.fit(standardise(train.codes))

    def labels_near(codes: Array) -> Labels:  # (n, most neighbours), nearest first
        near = search.kneighbors(standardise(codes), return_distance=False)
        labels: Labels = train.labels[near]
        return labels

    near_valid = labels_near(valid.codes)  # searched once for all candidates
    k = max(sizes, key=lambda size: np.mean(majority(near_valid[:, :size]) == valid.labels))
    return Probe({"neighbours": k}, lambda codes: majority(labels_near(codes)[:, :k]))


def majority(labels: Labels) -> Labels:
    """Give the most frequent label of each row of ``(n, votes)``, the lowest where several tie."""
    rows, classes = len(labels), int(labels.max(initial=0)) + 1
    places = labels + classes * np.arange(rows)[:, None]
    counts = np.bincount(places.ravel(), minlength=rows * classes)
    winners: Labels = counts.reshape(rows, classes).argmax(axis=1)
    return winners


def fit_support_vectors(config: sections.SupportVectors, train: Labelled, valid: Labelled) -> Probe:
    """Fit support vector machines with a Gaussian kernel on standardised codes."""
    standardise = Standardiser(train.codes)
    codes, size = standardise(train.codes), train.codes.shape[1]

    def distances(other: Array) -> Array:  # (n, training samples)
        return squared_distances(standardise(other), codes)

    def candidates() -> Iterator[Probe]:  # they predict from distances, which all of them share
        within = distances(train.codes)
        for gamma in config.gammas:
            kernel = gaussian(within, gamma / size)
            for inverse_penalty in config.inverse_penalties:
                model = SVC(C=inverse_penalty, kernel="precomputed").fit(kernel, train.labels)
                chosen = {"inverse_penalty": inverse_penalty, "gamma": gamma}
                yield Probe(chosen, on_kernel(model, gamma / size))
            del kernel  # before the next one takes as much memory again

    winner = best(candidates(), Labelled(distances(valid.codes), valid.labels))
    return Probe(winner.chosen, chained(distances, winner.predict))


def fit_forest(config: sections.RandomForest, train: Labelled, valid: Labelled, seed: int) -> Probe:
    """Fit random forests (Breiman 2001, Machine Learning 45:5) on the codes as they are."""

    def candidates() -> Iterator[Probe]:
        for leaf_size in config.leaf_sizes:
            model = RandomForestClassifier(
                n_estimators=config.trees,
                min_samples_leaf=leaf_size,
                n_jobs=-1,  # trees grow side by side; each has its own seed, drawn beforehand
                random_state=derive(seed, "random forest") % SEEDS,
            )
            model.fit(train.codes, train.labels)
            model.n_jobs = 1  # threads would add the votes up in any order
            yield Probe({"leaf_size": leaf_size}, model.predict)

    return best(candidates(), valid)


def fit_boosting(
    config: sections.GradientBoosting, train: Labelled, valid: Labelled, seed: int
) -> Probe:
    """Fit histogram gradient boosting, kept up to the round with the lowest validation loss."""
    known = np.isin(valid.labels, train.labels)  # the loss of a class never seen is not defined

    def candidates() -> Iterator[Probe]:
        for learning_rate in config.learning_rates:
            model = HistGradientBoostingClassifier(
                learning_rate=learning_rate,
                max_iter=config.rounds,
                early_stopping=True,
                n_iter_no_change=WAIT,
                random_state=derive(seed, "gradient boosting") % SEEDS,
            )
            model.fit(
                train.codes, train.labels, X_val=valid.codes[known], y_val=valid.labels[known]
            )
            rounds = 1 + int(np.argmax(model.validation_score_[1:]))  # [0] is before the first
            yield Probe({"learning_rate": learning_rate, "rounds": rounds}, up_to(model, rounds))

    return best(candidates(), valid)


def on_kernel(model: SVC, gamma: float) -> Predict:
    """Predict from squared distances ``(n, training samples)``, few rows at a time."""

    def predict(distances: Array) -> Labels:
        starts = range(0, len(distances), ROWS)
        blocks = (distances[start : start + ROWS] for start in starts)
        return np.concatenate([model.predict(gaussian(block, gamma)) for block in blocks])

    return predict


def up_to(model: HistGradientBoostingClassifier, rounds: int) -> Predict:
    """Predict with the first ``rounds`` rounds of ``model``."""
    return lambda codes: next(islice(model.staged_predict(codes), rounds - 1, None))
