"""Latent variables and their bounds against torch's own distributions."""

import math

import pytest
import torch
from torch.distributions import Independent, Normal, kl_divergence

from aepipe.models.files import Blueprint, construct
from aepipe.models.latent import DiagonalGaussian, draw_prior, log_prior
from aepipe.models.vae import importance_bound, log_likelihood, log_weights
from aepipe.models.von_mises_fisher import log_area

TRUNK = {"convolutions": None, "widths": [9], "nonlinearity": "tanh"}
COMMON = {
    "shape": [6], "trunk": TRUNK, "code_size": 4, "likelihood": {"kind": "bernoulli"},
}  # fmt: skip
NETWORKS = {
    "gaussian": Blueprint("variational", COMMON | {"latent": "gaussian"}),
    "spherical": Blueprint("variational", COMMON | {"latent": "hyperspherical"}),
    "two_layer": Blueprint(
        "two_layer_variational",
        COMMON | {"upper": {"widths": [7], "code_size": 3, "nonlinearity": "tanh"}},
    ),
}
EACH = pytest.mark.parametrize("name", NETWORKS)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def network(name: str) -> torch.nn.Module:
    torch.manual_seed(1)
    return construct(NETWORKS[name]).eval()


def gaussian() -> tuple[DiagonalGaussian, Independent]:
    mean = torch.randn(5, 3, generator=generator(1), dtype=torch.float64)
    log_variance = torch.randn(5, 3, generator=generator(2), dtype=torch.float64)
    known = Independent(Normal(mean, (log_variance / 2).exp()), 1)
    return DiagonalGaussian(mean, log_variance), known


def test_gaussian_density_and_divergence_are_torchs():
    posterior, known = gaussian()
    z = posterior.sample(7, generator())
    torch.testing.assert_close(posterior.log_density(z), known.log_prob(z))
    prior = Independent(Normal(torch.zeros(3).double(), 1.0), 1)
    torch.testing.assert_close(posterior.divergence().sum(dim=1), kl_divergence(known, prior))


def test_gaussian_draws_have_the_mean_and_variance():
    posterior, known = gaussian()
    drawn = posterior.sample(40_000, generator())
    torch.testing.assert_close(drawn.mean(dim=0), known.mean, atol=0.06, rtol=0)
    torch.testing.assert_close(drawn.var(dim=0), known.variance, atol=0, rtol=0.05)


def test_priors_have_their_density_and_their_draws():
    z = draw_prior("gaussian", 20_000, 3, generator())
    torch.testing.assert_close(log_prior("gaussian", z), Normal(0, 1).log_prob(z).sum(dim=1))
    assert z.std().item() == pytest.approx(1, abs=0.02)
    sphere = draw_prior("hyperspherical", 20_000, 3, generator())
    torch.testing.assert_close(sphere.norm(dim=1), torch.ones(20_000))
    torch.testing.assert_close(sphere.T @ sphere / 20_000, torch.eye(3) / 3, atol=0.01, rtol=0)
    area = 4 * math.pi  # of the unit sphere in three coordinates
    assert log_prior("hyperspherical", sphere)[0].item() == pytest.approx(-math.log(area))


@pytest.mark.parametrize(("coordinates", "area"), [(2, 2 * math.pi), (4, 2 * math.pi**2)])
def test_areas_of_spheres_are_the_known_ones(coordinates, area):
    assert log_area(coordinates) == pytest.approx(math.log(area))


@EACH
def test_the_mean_of_the_log_ratio_is_the_divergence(name):
    model, x = network(name), torch.rand(3, 6, generator=generator(4))
    inference = model.infer(x, 40_000, generator())
    ratio, divergence = inference.log_ratio(), inference.divergence().sum(dim=-1)
    error = 5 * ratio.std(dim=0) / 200 + 1e-5
    assert ((ratio.mean(dim=0) - divergence.mean(dim=0)).abs() < error).all()


@EACH
def test_the_mean_weight_is_the_likelihood_by_the_prior(name):
    """``E_q p(x, z) / q(z)`` is ``E_p p(x | z)``, whatever q is: tries every density at once."""
    model, x = network(name), (torch.rand(3, 6, generator=generator(4)) < 0.5).float()
    with torch.no_grad():
        bound = importance_bound(log_weights(model, model.infer(x, 200_000, generator()), x))
        raw = model.decode(model.prior(50_000, generator(1)))[:, None].expand(-1, 3, -1)
        by_prior = importance_bound(log_likelihood(model, raw, x))
    torch.testing.assert_close(bound, by_prior, atol=0.04, rtol=0)


@EACH
def test_codes_are_where_the_posterior_is_centred_and_priors_have_their_shape(name):
    model, x = network(name), torch.rand(8, 6, generator=generator(4))
    assert torch.equal(model.encode(x), model.posterior(x).code)
    drawn = model.prior(9, generator(3))
    assert drawn.shape == (9, model.code_size)
    assert torch.equal(drawn, model.prior(9, generator(3)))
    assert model.mean(model.decode(drawn)).shape == (9, 6)
    assert model.centre(model.encode(x).mean(dim=0)).shape == (model.code_size,)


@EACH
def test_chance_comes_from_the_generator_alone(name):
    model, x = network(name), torch.rand(8, 6, generator=generator(4))
    torch.manual_seed(5)
    first = model.infer(x, 3, generator(7)).raw
    torch.manual_seed(6)
    assert torch.equal(first, model.infer(x, 3, generator(7)).raw)


def test_the_bound_of_equal_weights_is_that_weight_however_small():
    weights = torch.full((7, 2), -5000.0)
    torch.testing.assert_close(importance_bound(weights), torch.full((2,), -5000.0))


def test_a_posterior_is_never_nearly_uniform():
    model = network("spherical")
    with torch.no_grad():
        model.head.concentration.bias.fill_(-50)
    assert model.posterior(torch.rand(4, 6)).concentration.min() >= 1
