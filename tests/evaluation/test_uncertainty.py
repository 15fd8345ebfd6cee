"""Intervals keep their level and tests their rate of false alarms, on simulated data."""

import math
import time

import numpy as np
import pytest
from scipy import stats

from aepipe.evaluation import uncertainty
from aepipe.evaluation.uncertainty import (
    Bootstrap,
    bootstrap_mean,
    mcnemar,
    mean_over_draws,
    over_trainings,
    paired_test,
    resampled_means,
    share_difference,
    standard_interval,
    wilson,
)

SETTINGS = Bootstrap(confidence=0.95, resamples=500, seed=7)


def test_wilson_agrees_with_a_published_example():
    # Newcombe (1998), Statistics in Medicine 17:857, table I, method 3: 81 of 263 and 15 of 148
    first, second = wilson(81, 263, 0.95), wilson(15, 148, 0.95)

    assert [round(first[key], 4) for key in ("low", "high")] == [0.2553, 0.3662]
    assert [round(second[key], 4) for key in ("low", "high")] == [0.0624, 0.1605]


def test_wilson_ends_solve_the_score_equation():
    successes, trials, z = 357, 360, 1.959963984540054
    share = successes / trials
    interval = wilson(successes, trials, 0.95)

    for end in (interval["low"], interval["high"]):
        assert abs(share - end) == pytest.approx(z * math.sqrt(end * (1 - end) / trials))


@pytest.mark.parametrize(("successes", "trials"), [(0, 1), (0, 40), (40, 40), (1, 1)])
def test_wilson_stays_within_zero_and_one_and_contains_the_share(successes, trials):
    interval = wilson(successes, trials, 0.99)

    assert 0 <= interval["low"] <= interval["value"] <= interval["high"] <= 1


@pytest.mark.parametrize("share", [0.5, 0.95, 0.99])
def test_wilson_covers_the_truth_as_often_as_it_says(share):
    drawn = np.random.default_rng(0).binomial(360, share, size=4000)
    intervals = [wilson(int(successes), 360, 0.95) for successes in drawn]
    covered = np.mean([i["low"] <= share <= i["high"] for i in intervals])

    assert covered == pytest.approx(0.95, abs=0.02)


def test_bootstrap_of_means_covers_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(1)
    samples = rng.gamma(2.0, size=(400, 200))  # skewed, as squared errors are; mean 2
    intervals = [bootstrap_mean(values, SETTINGS) for values in samples]
    covered = np.mean([i["low"] <= 2 <= i["high"] for i in intervals])

    assert covered == pytest.approx(0.95, abs=0.03)


def test_bootstrap_has_the_width_of_the_normal_theory():
    values = np.random.default_rng(2).normal(5, 3, size=2000)
    interval = bootstrap_mean(values, Bootstrap(0.95, 4000, seed=3))
    half = 1.96 * values.std() / math.sqrt(2000)

    assert interval["value"] == values.mean()
    assert interval["high"] - interval["value"] == pytest.approx(half, rel=0.06)
    assert interval["value"] - interval["low"] == pytest.approx(half, rel=0.06)


def test_resamples_do_not_depend_on_the_memory_they_are_drawn_in(monkeypatch):
    values = np.random.default_rng(4).normal(size=(97, 2))
    at_once = resampled_means(values, SETTINGS)
    monkeypatch.setattr(uncertainty, "BLOCK", 300)

    np.testing.assert_array_equal(resampled_means(values, SETTINGS), at_once)


def test_columns_are_resampled_together():
    values = np.random.default_rng(5).normal(size=60)
    means = resampled_means(np.stack([values, 3 * values + 1], axis=1), SETTINGS)

    np.testing.assert_allclose(means[:, 1], 3 * means[:, 0] + 1)


def test_equal_values_have_an_interval_without_width():
    interval = bootstrap_mean(np.full(30, 0.1), SETTINGS)

    assert interval["low"] <= interval["value"] <= interval["high"]
    assert interval["high"] - interval["low"] < 1e-15


def test_ten_thousand_samples_are_resampled_two_thousand_times_within_two_seconds():
    values = np.random.default_rng(6).gamma(2.0, size=10_000)
    started = time.process_time()
    bootstrap_mean(values, Bootstrap(0.95, 2000, seed=1))

    assert time.process_time() - started < 2


def right(only_first: int, only_second: int, both: int) -> tuple[np.ndarray, np.ndarray]:
    first = np.repeat([True, False, True], [only_first, only_second, both])
    second = np.repeat([False, True, True], [only_first, only_second, both])
    return first, second


def test_mcnemar_is_the_tail_of_fair_coins():
    # 2 of 12 discordant: 2 (C(12,0) + C(12,1) + C(12,2)) / 2^12 = 2 * 79 / 4096
    assert mcnemar(*right(2, 10, 50)) == pytest.approx(2 * 79 / 4096)
    assert mcnemar(*right(10, 2, 0)) == pytest.approx(2 * 79 / 4096)


def test_mcnemar_finds_no_difference_where_there_is_none():
    assert mcnemar(*right(0, 0, 20)) == 1
    assert mcnemar(*right(4, 4, 20)) == 1


def test_mcnemar_raises_no_more_false_alarms_than_it_says():
    rng = np.random.default_rng(8)
    first, second = rng.random((2, 2000, 360)) < 0.9
    alarms = np.mean([mcnemar(a, b) < 0.05 for a, b in zip(first, second, strict=True)])

    assert 0.02 < alarms <= 0.05  # exact, so it errs on the side of caution


def test_paired_test_raises_as_many_false_alarms_as_it_says():
    rng = np.random.default_rng(9)
    samples = rng.gamma(2.0, size=(600, 100)) - 2.0
    alarms = np.mean([paired_test(values, SETTINGS)[1] < 0.05 for values in samples])

    assert alarms == pytest.approx(0.05, abs=0.025)


def test_paired_test_finds_a_clear_difference_and_no_more_than_it_can_resolve():
    differences = np.random.default_rng(10).normal(1.0, 1.0, size=200)

    assert paired_test(differences, SETTINGS)[1] == 1 / 501


def test_paired_test_agrees_with_the_normal_theory():
    differences = np.random.default_rng(11).normal(size=400)
    differences += 1.5 * differences.std() / 20 - differences.mean()  # 1.5 standard errors
    _, p_value = paired_test(differences, Bootstrap(0.95, 20_000, seed=1))

    assert p_value == pytest.approx(math.erfc(1.5 / math.sqrt(2)), abs=0.01)


def test_paired_test_of_equals_gives_one():
    assert paired_test(np.zeros(20), SETTINGS)[1] == 1


def test_the_interval_of_a_paired_difference_is_that_of_its_mean():
    differences = np.random.default_rng(12).gamma(2.0, size=150) - 1
    interval, _ = paired_test(differences, SETTINGS)
    expected = bootstrap_mean(differences, SETTINGS)

    for key, value in expected.items():
        assert interval[key] == pytest.approx(value)


def test_a_difference_of_shares_has_the_interval_of_the_mean_of_its_signs():
    rng = np.random.default_rng(13)
    first, second = rng.random(500) < 0.8, rng.random(500) < 0.7
    settings = Bootstrap(0.95, 20_000, seed=1)
    interval = share_difference(first, second, settings)
    expected = bootstrap_mean(first.astype(float) - second, settings)

    assert interval["value"] == pytest.approx(expected["value"])
    # of 20,000 resamples a quantile is known to about 1.5 % of the interval's width
    width = expected["high"] - expected["low"]
    assert interval["low"] == pytest.approx(expected["low"], abs=0.03 * width)
    assert interval["high"] == pytest.approx(expected["high"], abs=0.03 * width)


def test_a_difference_of_shares_covers_the_truth_as_often_as_it_says():
    """Of 2,000 intervals at 95 %, whose share has a standard error of 0.5 %."""
    rng = np.random.default_rng(14)
    cells = rng.choice(4, p=[0.75, 0.12, 0.06, 0.07], size=(2000, 360))  # both, first, second, none
    intervals = [share_difference(row <= 1, (row == 0) | (row == 2), SETTINGS) for row in cells]
    covered = np.mean([i["low"] <= 0.06 <= i["high"] for i in intervals])

    assert covered == pytest.approx(0.95, abs=0.02)


@pytest.mark.parametrize("samples", [200, 2000])  # with many samples draws are what matters
def test_a_mean_over_a_few_draws_covers_the_truth_of_other_samples_and_draws(samples):
    """Each draw has its own accuracy, each sample its own difficulty, as with labels drawn anew.

    Of 400 intervals at 95 %, whose share has a standard error of 1.1 %; they may err on the side of
    caution.
    """
    rng = np.random.default_rng(15)
    truth = 0.5 * math.erfc(-1.5 / math.sqrt(2.09) / math.sqrt(2))  # a probit of variance 1 + 1.09
    covered = 0
    for _ in range(400):
        ease = rng.normal(1.5, 1.0, size=(samples, 1)) + rng.normal(0, 0.3, size=5)
        right = (rng.normal(size=(samples, 5)) < ease).astype(float)
        interval = mean_over_draws(right, 0.95)
        covered += interval["low"] <= truth <= interval["high"]

    assert 0.95 - 0.033 < covered / 400 < 0.99


def test_a_mean_over_draws_that_agree_on_everything_has_no_width():
    assert mean_over_draws(np.ones((20, 3)), 0.95) == {"value": 1, "low": 1, "high": 1}


def test_the_normal_interval_has_the_width_of_its_level():
    interval = standard_interval(3.0, 0.5, 0.95)

    assert interval["high"] - 3 == pytest.approx(0.5 * 1.959963984540054)
    assert 3 - interval["low"] == pytest.approx(0.5 * 1.959963984540054)


@pytest.mark.parametrize("trainings", [2, 3, 10])
def test_interval_over_trainings_is_students_and_covers_as_often_as_it_says(trainings):
    drawn = np.random.default_rng(4).normal(3.0, 0.2, size=(4000, trainings))
    spreads = [over_trainings(values, 0.9) for values in drawn]
    first = spreads[0]
    assert first["mean"] == pytest.approx(drawn[0].mean())
    assert first["deviation"] == pytest.approx(stats.tstd(drawn[0]))
    known = stats.t.interval(0.9, trainings - 1, drawn[0].mean(), stats.sem(drawn[0]))
    assert (first["low"], first["high"]) == pytest.approx(known)

    covered = np.mean([spread["low"] <= 3.0 <= spread["high"] for spread in spreads])
    assert covered == pytest.approx(0.9, abs=4 * math.sqrt(0.9 * 0.1 / len(drawn)))
