"""Von Mises-Fisher sampling, density and divergence against quadrature and known limits."""

import math

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.stats import kstest, norm, vonmises_fisher
from torch.nn.functional import normalize

from aepipe.models.von_mises_fisher import (
    VonMisesFisher,
    depth_slope,
    draw_depth,
    gauss_legendre,
    log_area,
    moments,
)

SIZES = pytest.mark.parametrize("coordinates", [2, 3, 4, 11, 101])
EXTREMES = [1e-3, 1.0, 30.0, 1e3, 1e5]


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def spread(coordinates: int, kappas: list[float], **options: object) -> VonMisesFisher:
    direction = normalize(torch.randn(coordinates, generator=generator(9), **options), dim=-1)
    kappa = torch.tensor(kappas, **options)[:, None]
    return VonMisesFisher(direction.expand(len(kappas), -1), kappa)


def depths(coordinates: int, kappa: float, count: int) -> torch.Tensor:
    with torch.no_grad():
        return draw_depth(
            torch.full((count,), kappa, dtype=torch.float64), coordinates, generator()
        )


def distribution(coordinates: int, kappa: float, y: float) -> float:
    """Probability of a depth below ``y``, by adaptive quadrature in ``u = y r^2``."""
    power = (coordinates - 3) / 2
    mode = 0.5 * (coordinates - 1) / (kappa + coordinates)

    def unscaled(u: float) -> float:
        return math.exp(-2 * kappa * (u - mode)) * ((u * (1 - u)) / (mode * (1 - mode))) ** power

    def below(top: float) -> float:  # with the sine, no end has a root
        top_angle = math.asin(math.sqrt(top))
        middle = min(math.asin(math.sqrt(mode)), top_angle / 2)
        return quad(
            lambda a: unscaled(math.sin(a) ** 2) * math.sin(2 * a),
            1e-12,
            top_angle,
            points=[middle, min(2 * middle, top_angle)],
            limit=400,
        )[0]

    return below(y) / below(1 - 1e-13)


@SIZES
@pytest.mark.parametrize("kappa", [1e-3, 3.0, 100.0])
def test_depths_have_the_distribution_they_should(coordinates, kappa):
    drawn = depths(coordinates, kappa, 400).numpy()
    whole = np.array([distribution(coordinates, kappa, min(y, 1 - 1e-9)) for y in drawn])
    assert kstest(whole, "uniform").pvalue > 1e-3


@SIZES
@pytest.mark.parametrize("kappa", EXTREMES)
def test_samples_have_length_one_and_the_mean_resultant_length(coordinates, kappa):
    posterior = spread(coordinates, [kappa], dtype=torch.float64)
    z = posterior.sample(3000, generator())[:, 0]
    torch.testing.assert_close(z.norm(dim=-1), torch.ones(3000, dtype=torch.float64))
    heights = 1 - (z - posterior.direction).square().sum(dim=-1) / 2
    expected = moments(posterior.concentration[:, 0].double(), coordinates)[1].item()
    error = heights.std().item() / math.sqrt(3000)
    assert heights.mean().item() == pytest.approx(expected, abs=4.5 * error)


def test_beside_the_direction_samples_favour_none():
    posterior = spread(5, [20.0], dtype=torch.float64)
    z = posterior.sample(20_000, generator())[:, 0]
    across = z - (z @ posterior.direction.T) * posterior.direction
    _, _, frame = torch.linalg.svd(posterior.direction)  # the last rows span what is orthogonal
    parts = across @ frame[1:].T
    torch.testing.assert_close(parts.mean(dim=0), torch.zeros(4).double(), atol=5e-3, rtol=0)
    covariance = parts.T @ parts / len(parts)
    isotropic = torch.eye(4).double() * covariance.diagonal().mean()
    torch.testing.assert_close(covariance, isotropic, atol=1e-3, rtol=0)


@pytest.mark.parametrize("coordinates", [2, 3, 4, 11, 51])
@pytest.mark.parametrize("kappa", [0.5, 20.0, 1000.0])
def test_a_depth_moves_with_the_concentration_as_its_quantile_does(coordinates, kappa):
    def derivative(y: float) -> float:
        step, narrow = 1e-3 * kappa, 1e-4 * min(y, 1 - y)
        by_kappa = distribution(coordinates, kappa + step, y) - distribution(
            coordinates, kappa - step, y
        )
        density = distribution(coordinates, kappa, y + narrow) - distribution(
            coordinates, kappa, y - narrow
        )
        return -(by_kappa / (2 * step)) / (density / (2 * narrow))

    y = depths(coordinates, kappa, 4)
    found = depth_slope(torch.full_like(y, kappa), y, coordinates)
    expected = torch.tensor([derivative(each.item()) for each in y], dtype=torch.float64)
    torch.testing.assert_close(found, expected, rtol=2e-4, atol=0)


@SIZES
@pytest.mark.parametrize("kappa", EXTREMES)
def test_the_mean_gradient_of_a_depth_is_that_of_the_mean_depth(coordinates, kappa):
    y = depths(coordinates, kappa, 2000)
    slopes = depth_slope(torch.full_like(y, kappa), y, coordinates)
    assert torch.isfinite(slopes).all()
    assert (slopes <= 0).all()  # more concentration, less depth
    k = torch.tensor([kappa], dtype=torch.float64, requires_grad=True)
    length = moments(k, coordinates)[1]
    (curvature,) = torch.autograd.grad(length.sum(), k)
    error = slopes.std().item() / math.sqrt(len(slopes))
    assert -2 * slopes.mean().item() == pytest.approx(curvature.item(), abs=9 * error)


def test_gradients_of_an_expectation_have_no_bias():
    """For ``f = a . z`` the expectation is ``A(kappa) a . mu``, with gradients in closed form."""
    weight = torch.tensor([0.3, -1.2, 0.5], dtype=torch.float64)
    raw = torch.tensor([[0.2, 0.9, -0.4]], dtype=torch.float64, requires_grad=True)
    kappa = torch.tensor([[4.0]], dtype=torch.float64, requires_grad=True)

    def gradients(value: torch.Tensor) -> torch.Tensor:
        return torch.cat([g.flatten() for g in torch.autograd.grad(value, (raw, kappa))])

    direction = normalize(raw, dim=-1)
    length = moments(kappa, 3)[1]
    expected = gradients((length * direction @ weight).sum())
    drawn = VonMisesFisher(normalize(raw, dim=-1), kappa).sample(200_000, generator())
    torch.testing.assert_close(gradients((drawn @ weight).mean()), expected, atol=4e-3, rtol=0)


@pytest.mark.parametrize("coordinates", [3, 11])
@pytest.mark.parametrize("kappa", [0.5, 20.0, 400.0])
def test_density_and_entropy_are_scipys(coordinates, kappa):
    posterior = spread(coordinates, [kappa], dtype=torch.float64)
    other = vonmises_fisher(posterior.direction[0].numpy(), kappa)
    z = posterior.sample(5, generator())[:, 0]
    expected = torch.from_numpy(other.logpdf(z.numpy()))
    torch.testing.assert_close(posterior.log_density(z[:, None])[:, 0], expected)
    assert posterior.entropy().item() == pytest.approx(other.entropy())


@SIZES
def test_divergence_is_the_mean_logarithm_of_the_ratio_of_densities(coordinates):
    posterior = spread(coordinates, [0.5, 5.0, 50.0, 5000.0], dtype=torch.float64)
    z = posterior.sample(20_000, generator())
    ratio = posterior.log_density(z) + log_area(coordinates)
    error = ratio.std(dim=0) / math.sqrt(len(ratio))
    assert ((ratio.mean(dim=0) - posterior.divergence()[:, 0]).abs() < 5 * error).all()


@SIZES
def test_divergence_grows_from_its_known_beginning_to_its_known_end(coordinates):
    small = spread(coordinates, [1e-3]).divergence().item()
    assert small == pytest.approx(1e-6 / (2 * coordinates), rel=1e-5)
    large = spread(coordinates, [1e5]).divergence().item()  # there a Gaussian on the tangent plane
    flat = (coordinates - 1) * norm(scale=1e5**-0.5).entropy()
    assert large == pytest.approx(
        log_area(coordinates) - flat, rel=1e-2 if coordinates > 50 else 1e-3
    )


@SIZES
def test_float32_samples_and_gradients_are_finite_at_the_extremes(coordinates):
    direction = normalize(torch.randn(5, coordinates, generator=generator()), dim=-1)
    direction.requires_grad_()
    kappa = torch.tensor(EXTREMES)[:, None].requires_grad_()
    posterior = VonMisesFisher(direction, kappa)
    z = posterior.sample(50, generator())
    (
        posterior.log_density(z).sum() + z.square()[..., 0].sum() + posterior.divergence().sum()
    ).backward()
    assert z.dtype == torch.float32
    torch.testing.assert_close(z.norm(dim=-1), torch.ones(50, 5), atol=1e-5, rtol=0)
    assert torch.isfinite(direction.grad).all()
    assert torch.isfinite(kappa.grad).all()


def test_draws_depend_on_the_generator_alone():
    posterior = spread(11, [1.0, 10.0, 1000.0])
    torch.manual_seed(1)
    first = posterior.sample(4, generator(5))
    torch.manual_seed(2)
    assert torch.equal(first, posterior.sample(4, generator(5)))
    assert not torch.equal(first, posterior.sample(4, generator(6)))


def test_quadrature_integrates_polynomials_exactly():
    node, weight = gauss_legendre(8)
    for power in range(16):
        assert (weight * node**power).sum().item() == pytest.approx(1 / (power + 1), rel=1e-13)
