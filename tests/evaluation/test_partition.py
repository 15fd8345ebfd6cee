"""The normaliser by enumeration and by annealing."""

import itertools
import math

import pytest
import torch

from aepipe.errors import ParamsError
from aepipe.evaluation.partition import annealed, enumerated, ladder
from aepipe.models.rbm import RestrictedBoltzmannMachine


def machine(visible="bernoulli", hidden="bernoulli", features=9, units=6, scale=0.8):
    torch.manual_seed(0)
    model = RestrictedBoltzmannMachine((features,), units, visible, hidden, 0.25, "drawn")
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(std=scale)
    return model


def generator(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def states(units: int) -> torch.Tensor:
    return torch.tensor(list(itertools.product([0.0, 1.0], repeat=units)), dtype=torch.float64)


def test_both_layers_give_the_same_sum():
    wide, high = machine(features=9, units=6), machine(features=9, units=6).double()
    over_visible = torch.logsumexp(-high.free_energy(states(9)), dim=0).item()
    assert enumerated(wide).value == pytest.approx(over_visible, abs=1e-9)


def test_blocks_of_states_change_nothing(monkeypatch):
    whole = enumerated(machine())
    monkeypatch.setattr("aepipe.evaluation.partition.STATES_AT_ONCE", 7)
    assert enumerated(machine()).value == pytest.approx(whole.value, abs=1e-12)


def test_gaussian_visible_units_give_a_density_that_integrates_to_one():
    model = machine(visible="gaussian", features=1, units=4).double()
    grid = torch.linspace(-12, 12, 20001, dtype=torch.float64)
    density = (-model.free_energy(grid[:, None]) - enumerated(model).value).exp()
    assert torch.trapezoid(density, grid).item() == pytest.approx(1.0, abs=1e-9)


def test_without_weights_it_is_a_product():
    model = machine(scale=0.0)
    found = enumerated(model)
    assert found.value == found.low == found.high == pytest.approx(15 * math.log(2))


@pytest.mark.parametrize(
    ("visible", "hidden", "units"),
    [("bernoulli", "bernoulli", 6), ("gaussian", "bernoulli", 6), ("bernoulli", "gaussian", 2)],
)
def test_annealing_agrees_with_enumeration_within_its_interval(visible, hidden, units):
    model = machine(visible, hidden, units=units, scale=0.6)
    exact = enumerated(model).value
    found = annealed(model, torch.full((9,), 0.4), 200, 400, generator())
    assert found.low < exact < found.high
    assert found.high - found.low < 0.5
    assert found.low < found.value < found.high


def test_more_chains_narrow_the_interval():
    model = machine()
    few, many = (annealed(model, torch.full((9,), 0.5), n, 50, generator()) for n in (50, 5000))
    assert (many.high - many.low) < 0.3 * (few.high - few.low)


def test_a_machine_without_weights_is_exact_at_once():
    model = machine(scale=0.0)
    means = torch.full((9,), 0.5)
    assert annealed(model, means, 3, 2, generator()).value == pytest.approx(15 * math.log(2))


def test_equal_generators_give_equal_estimates():
    model, means = machine(), torch.full((9,), 0.5)
    one, two = (annealed(model, means, 10, 20, generator()) for _ in range(2))
    assert one == two
    assert one != annealed(model, means, 10, 20, generator(2))


def test_temperatures_rise_from_0_to_1_and_are_closest_at_the_end():
    rungs = torch.tensor(ladder(1000))
    steps = rungs.diff()
    assert len(steps) == 1000
    assert (rungs[0], rungs[-1]) == (0.0, 1.0)
    assert (steps > 0).all()
    assert steps[0] > 50 * steps[-1]
    assert ladder(1) == [0.0, 1.0]


def test_layers_too_large_to_enumerate_are_refused_with_their_size():
    with pytest.raises(ParamsError, match="the hidden one, has 21, and at most 20"):
        enumerated(machine(features=30, units=21))
    with pytest.raises(ParamsError, match="the visible one, has 30"):
        enumerated(machine(hidden="gaussian", features=30, units=2))
