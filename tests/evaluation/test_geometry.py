"""Laws of the figures of an encoder's shape."""

import numpy as np
import pytest
import torch
from scipy.stats import ortho_group

from aepipe.evaluation.geometry import (
    Encoder,
    dead_units,
    effective_dimension,
    geometry_figures,
    jacobian_norms,
    saturated,
)
from aepipe.evaluation.uncertainty import Bootstrap

SETTINGS = Bootstrap(confidence=0.95, resamples=200, seed=0)
RNG = np.random.default_rng(0)


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def dimension(codes) -> float:
    return effective_dimension(codes, 0.95)["value"]


def test_equal_variances_in_some_directions_count_as_that_many_dimensions():
    signs = np.array(np.meshgrid(*[[-1.0, 1.0]] * 4)).reshape(4, -1).T  # 16 x 4, uncorrelated
    codes = np.concatenate([signs, np.zeros((16, 3))], axis=1) @ ortho_group.rvs(
        7, random_state=RNG
    )
    assert dimension(codes) == pytest.approx(4)
    assert dimension(5 + 3 * codes) == pytest.approx(4)


def test_effective_dimension_is_the_participation_ratio_of_the_covariances_eigenvalues():
    for shape in ((30, 6), (6, 30)):
        codes = RNG.normal(size=shape) * np.linspace(0.1, 3, shape[1])
        values = np.linalg.eigvalsh(np.cov(codes.T))
        expected = values.sum() ** 2 / np.square(values).sum()
        assert dimension(codes) == pytest.approx(expected)


def test_the_interval_of_the_effective_dimension_covers_that_of_the_distribution():
    """Of 400 intervals at 95 %, whose share has a standard error of 1.1 %."""
    rng = np.random.default_rng(1)
    variances = np.array([4.0, 2.0, 1.0, 0.5])
    truth = variances.sum() ** 2 / np.square(variances).sum()
    covered = 0
    for _ in range(400):
        interval = effective_dimension(rng.normal(size=(400, 4)) * np.sqrt(variances), 0.95)
        covered += interval["low"] <= truth <= interval["high"]
    assert covered / 400 == pytest.approx(0.95, abs=0.035)  # three of them


def test_codes_that_are_all_the_same_have_no_dimension():
    assert effective_dimension(np.full((4, 3), 0.5), 0.95) is None


def test_dead_units_are_those_that_never_change():
    codes = RNG.normal(size=(20, 5))
    codes[:, 1], codes[:, 4] = 0, 1e6
    assert dead_units(codes) == 2
    codes[3, 1] = 1e-9  # a unit that moves a little is alive
    assert dead_units(codes) == 1


def test_saturated_units_lie_within_five_percent_of_an_end_of_their_range():
    codes = np.array([[0.01, 0.5, 0.96, 0.94], [0.06, 0.2, 0.3, 0.4]])
    assert saturated(codes, (0.0, 1.0)) == pytest.approx([2 / 4, 0])
    assert saturated(2 * codes - 1, (-1.0, 1.0)) == pytest.approx([2 / 4, 0])


def encoder(units: int) -> torch.nn.Module:
    torch.manual_seed(0)
    return torch.nn.Sequential(
        torch.nn.Flatten(), torch.nn.Linear(12, 9), torch.nn.Tanh(), torch.nn.Linear(9, units)
    )


def true_norms(network, x):
    jacobians = torch.vmap(torch.func.jacrev(lambda row: network(row[None])[0]))(x)
    return jacobians.flatten(1).norm(dim=1).detach().numpy()


def test_the_jacobians_norm_is_exact_where_the_code_is_small():
    network, x = encoder(5), torch.rand(7, 3, 4)
    norms = jacobian_norms(network, x, 5, generator())
    np.testing.assert_allclose(norms, true_norms(network, x), rtol=1e-5)


def test_the_jacobians_norm_is_estimated_closely_where_the_code_is_large():
    network, x = encoder(40), torch.rand(50, 3, 4)
    norms = jacobian_norms(network, x, 39, generator())
    expected = true_norms(network, x)
    # each within the spread of its 39 projections, their mean far closer
    assert np.all(np.abs(norms / expected - 1) < 3 * (2 / 39) ** 0.5)
    assert norms.mean() == pytest.approx(expected.mean(), rel=0.05)


def test_figures_do_not_depend_on_how_the_encoder_came_by_its_weights():
    network = encoder(4).eval().requires_grad_(False)  # as a loaded model is
    samples = RNG.random((10, 3, 4), dtype=np.float32)
    figures = geometry_figures(Encoder(network, None), samples, 8, 1, SETTINGS)
    assert figures["jacobian_norm"]["low"] > 0
    assert figures["saturated_units"] is None
    assert figures["dead_units"] == 0
    assert 1 <= figures["effective_dimension"]["value"] <= 4


def test_an_encoder_that_torch_cannot_differentiate_has_no_jacobian():
    turned = Encoder(lambda x: torch.from_numpy(x.detach().numpy().reshape(len(x), -1)), (0.0, 1.0))
    figures = geometry_figures(turned, RNG.random((5, 3), dtype=np.float32), 8, 1, SETTINGS)
    assert figures["jacobian_norm"] is None
    assert figures["saturated_units"] is not None
