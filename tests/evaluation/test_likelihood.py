"""Likelihood figures against a model whose likelihood is known exactly."""

import math

import numpy as np
import pytest
import torch
from torch.distributions import MultivariateNormal

from aepipe.evaluation.likelihood import (
    DECODED_AT_ONCE,
    Explained,
    active_units,
    explain,
    likelihood_figures,
    rows_at_once,
)
from aepipe.evaluation.uncertainty import Bootstrap
from aepipe.models.files import Blueprint, construct

FEATURES, SIZE, VARIANCE = 6, 2, 0.3
TRUNK = {"convolutions": None, "widths": [], "nonlinearity": "relu"}
LINEAR = Blueprint(
    "variational",
    {"shape": [FEATURES], "trunk": TRUNK, "code_size": SIZE, "latent": "gaussian",
     "likelihood": {"kind": "gaussian", "variance": VARIANCE}},
)  # fmt: skip


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def linear() -> tuple[torch.nn.Module, torch.Tensor, torch.Tensor, torch.Tensor]:
    """A linear-Gaussian network whose posterior is somewhat wrong, samples, and the truth.

    ``x = W z + b + noise`` has the density N(b, W W' + v I): Tipping and Bishop (1999),
    "Probabilistic principal component analysis", equation 6.
    """
    torch.manual_seed(3)
    network = construct(LINEAR).eval()
    weight, bias = network.decoder[0].weight, network.decoder[0].bias
    with torch.no_grad():
        precision = torch.eye(SIZE) + weight.T @ weight / VARIANCE
        pull = torch.linalg.solve(precision, weight.T) / VARIANCE
        network.head.mean.weight.copy_(0.9 * pull)  # 1 would be exact
        network.head.mean.bias.copy_(-0.9 * pull @ bias)
        network.head.log_variance.weight.zero_()
        spread = 1.2 / precision.diagonal()  # the true one is not diagonal either
        network.head.log_variance.bias.copy_(spread.log())
        covariance = weight @ weight.T + VARIANCE * torch.eye(FEATURES)
        truth = MultivariateNormal(bias.double(), covariance.double())
        x = truth.sample((40,)).float()
        return network, x, truth.log_prob(x.double()), covariance


def test_many_draws_give_the_exact_likelihood(linear):
    network, x, exact, _ = linear
    found = explain(network, torch.split(x, 10), 5000, False, generator())
    np.testing.assert_allclose(found.log_likelihood, exact.numpy(), atol=0.05)


def test_the_bound_rises_with_the_draws_from_the_elbo_to_the_likelihood(linear):
    network, x, exact, _ = linear
    means = [
        explain(network, [x] * 20, count, False, generator()).log_likelihood.mean()
        for count in (1, 5, 50, 500)
    ]
    assert means == sorted(means)
    found = explain(network, [x], 2000, False, generator())
    elbo = (found.reconstruction - found.divergence).mean()
    assert means[0] == pytest.approx(elbo, abs=0.1)
    assert exact.mean().item() == pytest.approx(means[-1], abs=0.05)


def test_the_gap_of_the_elbo_is_the_divergence_of_the_posteriors(linear):
    """``log p(x) - ELBO = KL(q(z|x) || p(z|x))``: Kingma and Welling (2014), equation 1."""
    network, x, exact, _ = linear
    with torch.no_grad():
        weight, bias = network.decoder[0].weight.double(), network.decoder[0].bias.double()
        precision = torch.eye(SIZE).double() + weight.T @ weight / VARIANCE
        centre = torch.linalg.solve(precision, weight.T / VARIANCE) @ (x.double() - bias).T
        posterior = network.posterior(x)
        believed = MultivariateNormal(
            posterior.mean.double(), torch.diag_embed(posterior.log_variance.double().exp())
        )
        true = MultivariateNormal(centre.T, precision_matrix=precision)
        gap = torch.distributions.kl_divergence(believed, true)
    found = explain(network, [x], 5000, False, generator())
    bound = found.reconstruction - found.divergence
    np.testing.assert_allclose(exact.numpy() - bound, gap.numpy(), atol=0.15)


def test_draws_that_do_not_fit_in_memory_are_joined(linear, monkeypatch):
    network, x, exact, _ = linear
    monkeypatch.setattr("aepipe.evaluation.likelihood.DECODED_AT_ONCE", 700)
    found = explain(network, [x], 5000, False, generator())
    np.testing.assert_allclose(found.log_likelihood, exact.numpy(), atol=0.05)


def test_bounds_with_fewer_draws_are_those_of_the_first_draws(linear):
    network, x, exact, _ = linear
    rows = x[:10]  # 500 draws at once
    found = explain(network, [rows], 1500, False, generator(), also=(50, 500, 700))
    alone = explain(network, [rows], 500, False, generator())
    np.testing.assert_allclose(found.fewer[500], alone.log_likelihood, rtol=1e-12)
    np.testing.assert_allclose(found.fewer[700], exact[:10].numpy(), atol=0.1)
    assert exact[:10].mean() - 0.1 < found.fewer[50].mean() < exact[:10].mean() + 0.1
    whole = explain(network, [rows], 1500, False, generator())
    np.testing.assert_array_equal(found.log_likelihood, whole.log_likelihood)


def test_rows_and_draws_together_stay_within_bounds():
    assert all(rows_at_once(n) * n <= max(n, DECODED_AT_ONCE) for n in (1, 7, 500, 5000, 50_000))
    assert rows_at_once(50_000) == 1


def test_coins_are_thrown_once_for_each_sample():
    arguments = LINEAR.arguments | {"likelihood": {"kind": "bernoulli"}}
    torch.manual_seed(0)
    network = construct(Blueprint("variational", arguments)).eval()
    grey = torch.full((4, FEATURES), 0.5)
    seen: list[torch.Tensor] = []
    network.trunk.register_forward_hook(lambda module, inputs, output: seen.append(inputs[0]))
    explain(network, [grey], 10, True, generator())
    for shown in seen:
        assert set(shown.unique().tolist()) <= {0.0, 1.0}
        assert torch.equal(shown, seen[0])


def test_active_units_are_those_whose_posterior_mean_varies():
    codes = np.random.default_rng(0).normal(size=(500, 3)) * np.sqrt([1.0, 0.02, 0.005])
    assert active_units(codes) == 2
    assert active_units(np.ones((5, 4))) == 0


def test_figures_have_intervals_and_the_parts_add_up():
    values = np.random.default_rng(1).normal(size=(3, 50))
    codes = np.zeros((50, 2))
    explained = Explained(values[0], values[1], values[2], codes, {5: values[1]})
    figures = likelihood_figures(explained, Bootstrap(0.9, 100, 0))
    for name in (
        "log_likelihood",
        "evidence_lower_bound",
        "reconstruction",
        "divergence",
        "log_likelihood_5",
    ):
        assert figures[name]["low"] <= figures[name]["value"] <= figures[name]["high"]
    parts = figures["reconstruction"]["value"] - figures["divergence"]["value"]
    assert math.isclose(figures["evidence_lower_bound"]["value"], parts)
    assert figures["samples"] == 50
