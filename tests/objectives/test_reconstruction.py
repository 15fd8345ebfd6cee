"""Reconstruction terms against independent computations."""

import math

import pytest
import torch
from torch.distributions import Bernoulli, Normal

from aepipe.objectives.reconstruction import (
    absolute_error,
    bernoulli,
    distance,
    emphasis,
    gaussian,
    squared_error,
)

RAW = torch.randn(7, 1, 4, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
TARGET = torch.rand(7, 1, 4, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
LOG_VARIANCE = torch.tensor(-1.3, dtype=torch.float64)

TERMS = {
    "squared_error": squared_error,
    "bernoulli": bernoulli,
    "absolute_error": absolute_error,
    "gaussian": lambda raw, target: gaussian(raw, target, LOG_VARIANCE),
}


def test_squared_error_sums_over_features_and_averages_over_the_batch():
    by_hand = sum(((r - t) ** 2).sum().item() for r, t in zip(RAW, TARGET, strict=True)) / 7
    assert squared_error(RAW, TARGET).item() == pytest.approx(by_hand)


def test_absolute_error_is_least_at_the_median_and_squared_error_at_the_mean():
    values = torch.tensor([[0.0], [1.0], [8.0]], dtype=torch.float64)
    guesses = torch.linspace(0, 8, 801, dtype=torch.float64)
    of = {
        error: min(guesses, key=lambda g: error(g.expand_as(values), values).item()).item()
        for error in (absolute_error, squared_error)
    }
    assert of[absolute_error] == pytest.approx(1)
    assert of[squared_error] == pytest.approx(3)


def test_absolute_error_sums_over_features_and_averages_over_the_batch():
    expected = (RAW - TARGET).flatten(1).norm(p=1, dim=1).mean()
    torch.testing.assert_close(absolute_error(RAW, TARGET), expected)


def test_each_name_gives_its_own_error():
    names = ("squared", "bernoulli", "absolute")
    assert [distance(name) for name in names] == [squared_error, bernoulli, absolute_error]


@pytest.mark.parametrize("error", [squared_error, bernoulli, absolute_error])
def test_emphasis_splits_the_error_into_its_corrupted_and_intact_parts(error):
    touched = torch.rand(RAW.shape, generator=torch.Generator().manual_seed(2)) < 0.3
    corrupted = error(RAW, TARGET, emphasis(touched, 1.0, 0.0))
    intact = error(RAW, TARGET, emphasis(touched, 0.0, 1.0))
    both = error(RAW, TARGET, emphasis(touched, 2.0, 0.5))
    torch.testing.assert_close(both, 2 * corrupted + 0.5 * intact)
    torch.testing.assert_close(corrupted + intact, error(RAW, TARGET))


def test_full_emphasis_ignores_intact_components():
    touched = torch.zeros(2, 3, dtype=torch.bool)
    touched[:, 0] = True
    raw = torch.tensor([[1.0, 9.0, 9.0], [3.0, 9.0, 9.0]])
    value = squared_error(raw, torch.zeros(2, 3), emphasis(touched, 1.0, 0.0))
    assert value.item() == pytest.approx((1 + 9) / 2)


def test_bernoulli_is_the_likelihood_of_binary_targets():
    binary = (TARGET > 0.5).double()
    expected = -Bernoulli(logits=RAW).log_prob(binary).sum() / 7
    torch.testing.assert_close(bernoulli(RAW, binary), expected)


def test_bernoulli_is_least_at_the_target_where_it_is_the_entropy():
    logits = torch.logit(TARGET)
    entropy = Bernoulli(probs=TARGET).entropy().sum() / 7
    torch.testing.assert_close(bernoulli(logits, TARGET), entropy)
    assert bernoulli(logits + 0.1, TARGET) > entropy


def test_bernoulli_survives_extreme_logits():
    value = bernoulli(torch.full((2, 3), 1e4), torch.zeros(2, 3))
    assert value.item() == pytest.approx(3e4)


def test_gaussian_is_the_normal_likelihood():
    scale = torch.full_like(RAW, math.exp(LOG_VARIANCE.item() / 2))
    expected = -Normal(RAW, scale).log_prob(TARGET).sum() / 7
    torch.testing.assert_close(gaussian(RAW, TARGET, LOG_VARIANCE), expected)


@pytest.mark.parametrize("term", TERMS.values(), ids=TERMS)
def test_terms_do_not_depend_on_batch_size(term):
    repeated = term(RAW.repeat(9, 1, 1, 1), TARGET.repeat(9, 1, 1, 1))
    torch.testing.assert_close(repeated, term(RAW, TARGET))


@pytest.mark.parametrize("term", TERMS.values(), ids=TERMS)
def test_wrong_shapes_are_refused(term):
    with pytest.raises((RuntimeError, ValueError)):
        term(RAW, TARGET[:, :, :3])
