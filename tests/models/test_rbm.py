"""The restricted Boltzmann machine against its own energy function, summed out by hand."""

import itertools
import math

import pytest
import torch

from aepipe.models.rbm import RestrictedBoltzmannMachine, bits

KINDS = pytest.mark.parametrize(
    ("visible", "hidden"),
    [("bernoulli", "bernoulli"), ("gaussian", "bernoulli"), ("bernoulli", "gaussian")],
)


def machine(visible: str, hidden: str, features: int = 4, units: int = 3):
    torch.manual_seed(0)
    model = RestrictedBoltzmannMachine((features,), units, visible, hidden, 0.25, "drawn").double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(std=0.8)
    return model


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(7)


def states(units: int) -> torch.Tensor:
    return torch.tensor(list(itertools.product([0.0, 1.0], repeat=units)), dtype=torch.float64)


def energy(model, visible, hidden) -> torch.Tensor:
    """Hinton (2010), equations 1 and 17, for one pair of states."""
    own_visible = -(model.visible_bias @ visible)
    if model.visible == "gaussian":
        own_visible = (visible - model.visible_bias).square().sum() / (2 * 0.25)
        visible = visible / 0.5
    own_hidden = -(model.hidden_bias @ hidden)
    if model.hidden == "gaussian":
        own_hidden = (hidden - model.hidden_bias).square().sum() / 2
    return own_visible + own_hidden - hidden @ model.weight @ visible


@KINDS
def test_the_free_energy_is_the_energy_with_the_hidden_units_summed_out(visible, hidden):
    model = machine(visible, hidden, units=3 if hidden == "bernoulli" else 1)
    x = torch.rand(4, dtype=torch.float64, generator=generator())
    if hidden == "bernoulli":
        each = torch.stack([-energy(model, x, h) for h in states(3)])
        expected = -torch.logsumexp(each, dim=0)
    else:
        grid = torch.linspace(-20, 20, 20001, dtype=torch.float64)
        each = torch.stack([-energy(model, x, h[None]) for h in grid]).exp()
        expected = -torch.trapezoid(each, grid).log()
    torch.testing.assert_close(model.free_energy(x[None])[0], expected)


@KINDS
def test_conditional_means_are_those_of_the_joint_distribution(visible, hidden):
    model = machine(visible, hidden)
    x, h = torch.rand(4, dtype=torch.float64), torch.rand(3, dtype=torch.float64)

    def mean_of(own: str, energies) -> torch.Tensor:
        """Of the last unit: its two states, or the minimum of its parabola."""
        if own == "bernoulli":
            return torch.softmax(torch.stack([-energies(0.0), -energies(1.0)]), dim=0)[1]
        low, middle, high = (energies(value) for value in (-1.0, 0.0, 1.0))
        return (low - high) / (2 * (low + high - 2 * middle))

    def with_last(values, value):
        return torch.cat([values[:-1], torch.tensor([value], dtype=torch.float64)])

    expected = mean_of(hidden, lambda value: energy(model, x, with_last(h, value)))
    torch.testing.assert_close(model.encode(x[None])[0, -1], expected)
    expected = mean_of(visible, lambda value: energy(model, with_last(x, value), h))
    torch.testing.assert_close(model.mean(model.decode(h[None]))[0, -1], expected)


@KINDS
def test_gibbs_chains_reach_the_model_distribution(visible, hidden):
    model = machine(visible, hidden)
    v = torch.zeros(20000, 4, dtype=torch.float64)
    noise = generator()
    for _ in range(30):
        v = model.gibbs_step(v, noise)
    if visible == "bernoulli":
        weight = torch.softmax(-model.free_energy(states(4)), dim=0)
        expected = weight @ states(4)
    else:
        pulls = model.visible_input(states(3))  # means given each hidden state
        gain = (pulls.square() - model.visible_bias.square()).sum(dim=1) / (2 * 0.25)
        expected = torch.softmax(states(3) @ model.hidden_bias + gain, dim=0) @ pulls
    torch.testing.assert_close(v.mean(dim=0), expected, atol=0.02, rtol=0)


def test_started_from_data_its_visible_units_alone_have_the_means_of_the_data():
    means = torch.tensor([[0.0, 0.2], [0.5, 1.0]])
    bernoulli = RestrictedBoltzmannMachine((2, 2), 3, "bernoulli", "bernoulli", 1.0, "means")
    bernoulli.start_from(means)
    found = bernoulli.mean(bernoulli.decode(torch.zeros(1, 3)))[0]
    torch.testing.assert_close(found, means, atol=1.1e-3, rtol=0)
    gaussian = RestrictedBoltzmannMachine((2, 2), 3, "gaussian", "bernoulli", 1.0, "means")
    gaussian.start_from(means)
    assert torch.equal(gaussian.decode(torch.zeros(1, 3))[0], means)


def test_bits_have_the_given_probabilities_and_are_nothing_but_0_and_1():
    probabilities = torch.tensor([0.0, 0.3, 1.0]).repeat(20000, 1)
    drawn = bits(probabilities, generator())
    assert drawn.unique().tolist() == [0.0, 1.0]
    assert drawn[:, 0].sum() == 0
    assert drawn[:, 2].mean() == 1
    assert drawn[:, 1].mean().item() == pytest.approx(0.3, abs=0.01)


def test_samples_are_drawn_rounded_or_left_as_they_are():
    x = torch.rand(5, 2, 2)
    plain = RestrictedBoltzmannMachine((2, 2), 3, "bernoulli", "bernoulli", 1.0, "means")
    assert torch.equal(plain.units(x, generator()), x.flatten(1))
    drawn = RestrictedBoltzmannMachine((2, 2), 3, "bernoulli", "bernoulli", 1.0, "drawn")
    assert torch.equal(drawn.units(x, generator()), bits(x.flatten(1), generator()))
    nearest = RestrictedBoltzmannMachine((2, 2), 3, "bernoulli", "bernoulli", 1.0, "nearest")
    assert torch.equal(nearest.units(x, generator()), (x.flatten(1) > 0.5).float())


def test_chains_of_means_stay_means_and_chains_of_bits_stay_bits():
    for values, exact in (("means", False), ("nearest", True), ("drawn", True)):
        model = RestrictedBoltzmannMachine((4,), 3, "bernoulli", "bernoulli", 1.0, values)
        v = model.gibbs_step(torch.rand(50, 4), generator())
        assert torch.equal(v, v.round()) is exact


def test_a_chain_of_means_has_the_means_of_a_chain_of_bits():
    torch.manual_seed(0)
    model = RestrictedBoltzmannMachine((4,), 3, "bernoulli", "bernoulli", 1.0, "means")
    start, noise = torch.rand(1, 4).repeat(20000, 1), generator()
    means = model.gibbs_step(start, noise).mean(dim=0)
    model.values = "nearest"
    drawn = model.gibbs_step(start, noise).mean(dim=0)
    torch.testing.assert_close(drawn, means, atol=0.02, rtol=0)


def test_two_gaussian_layers_are_refused():
    with pytest.raises(ValueError, match="both gaussian"):
        RestrictedBoltzmannMachine((4,), 3, "gaussian", "gaussian", 1.0, "means")


def test_a_larger_variance_scales_what_units_hear_of_each_other():
    model = machine("gaussian", "bernoulli")
    x, h = torch.rand(2, 4, dtype=torch.float64), torch.rand(2, 3, dtype=torch.float64)
    heard = x @ model.weight.T / math.sqrt(0.25) + model.hidden_bias
    torch.testing.assert_close(model.hidden_input(x), heard)
    told = h @ model.weight * math.sqrt(0.25) + model.visible_bias
    torch.testing.assert_close(model.visible_input(h), told)
