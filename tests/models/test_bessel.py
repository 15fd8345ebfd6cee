"""Moments on the sphere against arbitrary precision, from small to large concentrations."""

import mpmath
import pytest
import torch
from scipy.special import ive

from aepipe.models.bessel import THRESHOLD, log_moment
from aepipe.models.von_mises_fisher import moments

CONCENTRATIONS = [1e-3, 0.1, 1.0, 10.0, THRESHOLD - 0.01, THRESHOLD + 0.01, 100.0, 1e3, 1e5]
SIZES = pytest.mark.parametrize("coordinates", [2, 3, 4, 11, 12, 41, 101])


def exact(kappa: float, coordinates: int) -> tuple[mpmath.mpf, mpmath.mpf, mpmath.mpf]:
    with mpmath.workdps(50):
        k, v = mpmath.mpf(kappa), mpmath.mpf(coordinates) / 2 - 1
        low, high = (mpmath.besseli(order, k, maxterms=10**6) for order in (v, v + 1))
        slope = high / low
        curvature = 1 - slope**2 - (coordinates - 1) * slope / k
        return mpmath.log(mpmath.gamma(v + 1) * (2 / k) ** v * low), slope, curvature


@SIZES
def test_value_slope_and_curvature_have_eleven_digits(coordinates):
    kappa = torch.tensor(CONCENTRATIONS, dtype=torch.float64)
    found = torch.stack(log_moment(kappa, coordinates)).T
    expected = [[float(each) for each in exact(k, coordinates)] for k in CONCENTRATIONS]
    torch.testing.assert_close(
        found, torch.tensor(expected, dtype=torch.float64), rtol=1e-11, atol=0
    )


@SIZES
def test_the_slope_is_the_ratio_of_scipys_bessel_functions(coordinates):
    kappa = torch.tensor([0.5, 5.0, 50.0, 500.0], dtype=torch.float64)
    v = coordinates / 2 - 1
    expected = torch.from_numpy(ive(v + 1, kappa.numpy()) / ive(v, kappa.numpy()))
    torch.testing.assert_close(log_moment(kappa, coordinates)[1], expected, rtol=1e-11, atol=0)


@SIZES
def test_gradients_are_those_of_finite_differences(coordinates):
    kappa = torch.tensor([0.3, 4.0, 29.0, 31.0, 300.0], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda k: moments(k, coordinates), (kappa,), eps=1e-5)


def test_nothing_is_lost_where_series_and_expansion_meet():
    kappa = THRESHOLD + torch.tensor([-1e-9, 0.0, 1e-9], dtype=torch.float64)
    for each in log_moment(kappa, 11):
        torch.testing.assert_close(each, each[1].expand(3), rtol=1e-9, atol=0)


def test_without_concentration_the_distribution_is_uniform():
    value, slope, curvature = log_moment(torch.zeros(1, dtype=torch.float64), 11)
    assert value.item() == 0
    assert slope.item() == 0
    assert curvature.item() == pytest.approx(1 / 11)  # variance of a coordinate on the sphere


def test_a_hundred_thousand_coordinates_are_not_too_many():
    value, slope, _ = log_moment(torch.tensor([1.0, 1e4], dtype=torch.float64), 100_000)
    assert value[0].item() == pytest.approx(1 / (2 * 100_000), rel=1e-4)
    assert 0 < slope[1].item() < 1
