"""How sure a figure is: intervals for proportions and means, tests of paired differences."""

from dataclasses import dataclass
from typing import TypedDict, final

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr, ndtri, stdtrit

from aepipe.data.parts import Array

Float64 = NDArray[np.float64]
BLOCK = 1_000_000  # resampled indices held at once, 8 MB; results do not depend on it


class Figure(TypedDict):
    """A figure as the JSON files hold it: ``low <= value <= high``."""

    value: float
    low: float
    high: float


@final
@dataclass(frozen=True, slots=True)
class Bootstrap:
    """How intervals and tests are resampled.

    Attributes:
        confidence: level of every interval, in (0, 1).
        resamples: how many.
        seed: equal seeds and numbers of samples give the same resamples, whatever is measured.
    """

    confidence: float
    resamples: int
    seed: int


def figure(value: float, low: float, high: float) -> Figure:
    """Put a figure together; rounding never leaves the value outside its own interval."""
    return {"value": value, "low": min(low, value), "high": max(high, value)}


def wilson(successes: int, trials: int, confidence: float) -> Figure:
    """Give a proportion with its score interval.

    Wilson (1927), JASA 22:209; it keeps its level near 0 and 1, where accuracies lie.

    Args:
        successes: at most ``trials``.
        trials: at least 1, independent.
        confidence: in (0, 1).
    """
    z = float(ndtri((1 + confidence) / 2))
    share = successes / trials
    shrink = 1 + z**2 / trials
    centre = (share + z**2 / (2 * trials)) / shrink
    half = z * np.sqrt(share * (1 - share) / trials + z**2 / (4 * trials**2)) / shrink
    return figure(share, max(0.0, float(centre - half)), min(1.0, float(centre + half)))


def resampled_means(values: Float64, bootstrap: Bootstrap) -> Float64:
    """Give the column means of samples drawn with replacement, ``(resamples, columns)``.

    Efron (1979), Annals of Statistics 7:1. Whole rows are drawn, so the columns of a resample
    belong together.

    Args:
        values: ``(samples, columns)``, at least one sample.
        bootstrap: how many, and the seed.
    """
    rng = np.random.default_rng(bootstrap.seed)
    columns = np.ascontiguousarray(values.T)
    samples, at_once = len(values), max(1, BLOCK // len(values))
    means = np.empty((bootstrap.resamples, len(columns)))
    for start in range(0, bootstrap.resamples, at_once):
        count = min(at_once, bootstrap.resamples - start)
        drawn = rng.integers(samples, size=(count, samples))
        for number, column in enumerate(columns):
            means[start : start + count, number] = column[drawn].mean(axis=1)
    return means


def percentile_interval(value: float, resampled: Float64, confidence: float) -> Figure:
    """Give ``value`` with the percentile interval of its ``(resamples,)`` resampled values.

    Efron and Tibshirani (1993), An Introduction to the Bootstrap, section 13.3.
    """
    low, high = np.quantile(resampled, [(1 - confidence) / 2, (1 + confidence) / 2])
    return figure(value, float(low), float(high))


def bootstrap_mean(values: Float64, bootstrap: Bootstrap) -> Figure:
    """Give the mean of ``(samples,)`` values with its percentile interval."""
    resampled = resampled_means(values[:, None], bootstrap)[:, 0]
    return percentile_interval(float(values.mean()), resampled, bootstrap.confidence)


def standard_interval(value: float, error: float, confidence: float) -> Figure:
    """Give ``value`` with the normal interval of its standard error.

    Efron and Tibshirani (1993), section 12.3: for figures whose resamples are shifted, as those of
    everything that counts pairs of equal samples, so that their quantiles would be shifted too.
    """
    half = float(ndtri((1 + confidence) / 2)) * error
    return figure(value, value - half, value + half)


def mean_over_draws(values: Float64, confidence: float) -> Figure:
    """Give the mean of ``(samples, draws)`` values with an interval for other samples and draws.

    The variance of the draws' means over their number, plus that of the samples' means over theirs;
    Student's interval with the degrees of freedom of Satterthwaite (1946), Biometrics Bulletin
    2:110, which a bootstrap of a few draws would be too narrow for. What samples and draws share is
    counted twice, which errs on the side of caution by little.

    Args:
        values: each of the samples was seen in each of at least two draws.
        confidence: in (0, 1).
    """
    samples, draws = values.shape
    of_draws = float(values.mean(axis=0).var(ddof=1)) / draws
    of_samples = float(values.mean(axis=1).var(ddof=1)) / samples if samples > 1 else 0.0
    value, variance = float(values.mean()), of_draws + of_samples
    if variance == 0:
        return figure(value, value, value)
    shares = of_draws**2 / (draws - 1) + of_samples**2 / max(1, samples - 1)
    half = float(stdtrit(variance**2 / shares, (1 + confidence) / 2) * np.sqrt(variance))
    return figure(value, value - half, value + half)


def over_trainings(values: Float64, confidence: float) -> dict[str, float]:
    """Give the spread of a figure over at least two trainings, ``(trainings,)``.

    That is their ``mean``, the standard ``deviation`` of one, and the ends ``low`` and ``high`` of
    Student's interval of the mean, for other seeds and the same samples: a few trainings know
    little of their own deviation, so with two it is 9 deviations wide to either side at 95 %, with
    five 1.2.
    """
    count = len(values)
    mean, deviation = float(values.mean()), float(values.std(ddof=1))
    half = float(stdtrit(count - 1, (1 + confidence) / 2)) * deviation / count**0.5
    return {"mean": mean, "deviation": deviation, "low": mean - half, "high": mean + half}


def share_difference(first: Array, second: Array, bootstrap: Bootstrap) -> Figure:
    """Give how much more often ``first`` is true than ``second``, with its percentile interval.

    Args:
        first: ``(samples,)`` of bool.
        second: of the same samples.
        bootstrap: how many resamples; the three counts of a resample are drawn at once.
    """
    samples = len(first)
    gained, lost = int(np.sum(first & ~second)), int(np.sum(second & ~first))
    chances = np.array([gained, lost, samples - gained - lost]) / samples
    rng = np.random.default_rng(bootstrap.seed)
    drawn = rng.multinomial(samples, chances, size=bootstrap.resamples)
    resampled = (drawn[:, 0] - drawn[:, 1]) / samples
    return percentile_interval((gained - lost) / samples, resampled, bootstrap.confidence)


def mcnemar(first: Array, second: Array) -> float:
    """Test whether two classifiers are right equally often on the same samples; give the p-value.

    McNemar (1947), Psychometrika 12:153, in its exact two-sided form: of the samples on which
    exactly one is right, each is so with probability one half under the hypothesis.

    Args:
        first: whether the first is right, ``(samples,)`` of bool.
        second: whether the second is right on the same samples.
    """
    only_first = int(np.sum(first & ~second))
    only_second = int(np.sum(second & ~first))
    discordant = only_first + only_second
    if not discordant:
        return 1.0
    return min(1.0, 2 * float(bdtr(min(only_first, only_second), discordant, 0.5)))


def paired_test(differences: Float64, bootstrap: Bootstrap) -> tuple[Figure, float]:
    """Give the mean of ``(samples,)`` paired differences and the p-value of its being 0, two-sided.

    The differences are shifted to mean 0, so that the hypothesis holds, and resampled: Efron and
    Tibshirani (1993), section 16.4. The p-value is never below ``1 / (resamples + 1)``. The
    percentile interval is that of the same resamples, shifted back.
    """
    observed = float(differences.mean())
    resampled = resampled_means((differences - observed)[:, None], bootstrap)[:, 0]
    # a tie, up to the rounding of a mean, counts against the difference
    slack = 1e-12 * np.abs(differences).max()
    extreme = int(np.sum(np.abs(resampled) >= abs(observed) - slack))
    interval = percentile_interval(observed, resampled + observed, bootstrap.confidence)
    return interval, (1 + extreme) / (bootstrap.resamples + 1)
