"""Decoders' likelihoods against torch's distributions and against sums over all values."""

import pytest
import torch
from torch.distributions import Bernoulli, Normal

from aepipe.models.likelihood import LEAST_LOG_SCALE, build_likelihood

RAW = torch.randn(2, 7, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
X = torch.rand(7, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
LEVELS = 256


def pixels(rows: int, features: int) -> torch.Tensor:
    drawn = torch.randint(LEVELS, (rows, features), generator=torch.Generator().manual_seed(2))
    drawn[0, :2] = torch.tensor([0, LEVELS - 1])
    return drawn.double() / (LEVELS - 1)


def discretised(spread: float) -> tuple[torch.nn.Module, torch.Tensor]:
    location = torch.rand(7, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    log_scale = torch.full_like(location, spread).log()
    likelihood = build_likelihood({"kind": "discretised_logistic", "levels": LEVELS})
    return likelihood, torch.cat([location, log_scale], dim=-1)


def test_bernoulli_is_torchs_for_coins():
    coins = (X > 0.5).double()
    expected = Bernoulli(logits=RAW).log_prob(coins.expand_as(RAW)).sum(dim=-1)
    torch.testing.assert_close(build_likelihood({"kind": "bernoulli"})(RAW, coins), expected)


@pytest.mark.parametrize("kind", ["gaussian", "gaussian_learned"])
def test_gaussian_is_torchs(kind):
    likelihood = build_likelihood({"kind": kind, "variance": 0.3})
    expected = Normal(RAW, 0.3**0.5).log_prob(X).sum(dim=-1)
    torch.testing.assert_close(likelihood(RAW, X), expected, rtol=1e-6, atol=1e-6)
    assert likelihood.log_variance.requires_grad == (kind == "gaussian_learned")


@pytest.mark.parametrize("spread", [1e-3, 0.05, 10.0])
def test_probabilities_of_all_values_add_up_to_one(spread):
    likelihood, raw = discretised(spread)
    values = torch.arange(LEVELS, dtype=torch.float64) / (LEVELS - 1)
    one = torch.cat([raw[:, :1], raw[:, 5:6]], dim=-1)  # of the first feature alone
    each = torch.stack([likelihood(one, value.expand(7, 1)) for value in values])
    torch.testing.assert_close(each.logsumexp(dim=0), torch.zeros(7).double(), atol=1e-9, rtol=0)


@pytest.mark.parametrize("spread", [0.02, 0.3])
def test_the_mean_is_the_sum_over_all_values(spread):
    likelihood, raw = discretised(spread)
    values = torch.arange(LEVELS, dtype=torch.float64) / (LEVELS - 1)
    expected = torch.zeros(7, 5, dtype=torch.float64)
    for feature in range(5):
        one = torch.stack([raw[:, feature], raw[:, 5 + feature]], dim=-1)
        for value in values:
            expected[:, feature] += value * likelihood(one, value.expand(7, 1)).exp()
    torch.testing.assert_close(likelihood.mean(raw), expected)


def test_interior_values_have_the_difference_of_two_sigmoids():
    likelihood, raw = discretised(0.05)
    x = pixels(7, 5).clamp(1 / 255, 254 / 255)
    location, scale = raw[:, :5], raw[:, 5:].exp()
    upper, lower = (torch.sigmoid((x + h - location) / scale) for h in (0.5 / 255, -0.5 / 255))
    torch.testing.assert_close(likelihood(raw, x), (upper - lower).log().sum(dim=-1))


def test_extreme_outputs_give_finite_values_and_gradients():
    likelihood = build_likelihood({"kind": "discretised_logistic", "levels": LEVELS})
    raw = torch.tensor([[-50.0, 50.0, 0.5, 0.5, -90.0, -90.0, 60.0, -90.0]], requires_grad=True)
    value = likelihood(raw, torch.tensor([[1.0, 0.0, 0.5 / 255 * 2, 1.0]]))
    value.sum().backward()
    assert torch.isfinite(value).all()
    assert torch.isfinite(raw.grad).all()
    assert LEAST_LOG_SCALE < 0


@pytest.mark.parametrize(
    "arguments",
    [{"kind": "bernoulli"}, {"kind": "gaussian", "variance": 1.0},
     {"kind": "discretised_logistic", "levels": 4}],
    ids=lambda a: a["kind"],
)  # fmt: skip
def test_a_sample_does_not_depend_on_the_others(arguments):
    likelihood = build_likelihood(arguments)
    raw = torch.randn(3, 6, 5 * likelihood.outputs, dtype=torch.float64)
    x = torch.randint(4, (6, 5)).double() / 3
    alone = torch.cat([likelihood(raw[:, i : i + 1], x[i : i + 1]) for i in range(6)], dim=1)
    torch.testing.assert_close(likelihood(raw, x), alone)


def test_wrong_shapes_are_refused():
    with pytest.raises(RuntimeError):
        build_likelihood({"kind": "bernoulli"})(RAW, X[:, :3])
    with pytest.raises(RuntimeError):
        build_likelihood({"kind": "discretised_logistic", "levels": 9})(RAW, X)
