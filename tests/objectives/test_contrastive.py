"""The gradients of contrastive divergence, and the criterion beside it."""

import itertools

import pytest
import torch

from aepipe.models.pseudo_likelihood import log_pseudo_likelihood
from aepipe.models.rbm import RestrictedBoltzmannMachine
from aepipe.objectives.contrastive import (
    ContrastiveDivergence,
    PersistentContrastiveDivergence,
    contrast,
    run_chains,
)
from aepipe.objectives.loss import Batch


def machine(visible="bernoulli", hidden="bernoulli", values="drawn", features=5, units=3):
    torch.manual_seed(0)
    model = RestrictedBoltzmannMachine((features,), units, visible, hidden, 1.0, values)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(std=0.7)
    return model


def generator(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def data(rows: int = 40, features: int = 5) -> torch.Tensor:
    return (torch.rand(rows, features, generator=generator(5)) < 0.4).float()


def batch(x: torch.Tensor) -> Batch:
    return Batch(x, x, torch.empty(0, dtype=torch.int64))


def gradients(model, terms) -> dict[str, torch.Tensor]:
    value = sum(terms.values()) if isinstance(terms, dict) else terms
    found = torch.autograd.grad(value, list(model.parameters()))
    return {name: g for (name, _), g in zip(model.named_parameters(), found, strict=True)}


def states(units: int) -> torch.Tensor:
    return torch.tensor(list(itertools.product([0.0, 1.0], repeat=units)))


@pytest.mark.parametrize(
    ("visible", "hidden"),
    [("bernoulli", "bernoulli"), ("gaussian", "bernoulli"), ("bernoulli", "gaussian")],
)
def test_the_gradient_is_the_difference_of_the_two_correlations(visible, hidden):
    model = machine(visible, hidden)
    start, end = torch.rand(8, 5), torch.rand(6, 5)
    found = gradients(model, contrast(model, start, end))

    def correlation(v):
        return model.encode(v).T @ v / len(v)

    torch.testing.assert_close(found["weight"], correlation(end) - correlation(start))
    expected = end.mean(dim=0) - start.mean(dim=0)
    torch.testing.assert_close(found["visible_bias"], expected)
    expected = model.encode(end).mean(dim=0) - model.encode(start).mean(dim=0)
    torch.testing.assert_close(found["hidden_bias"], expected)


def exact_gradients(model, x) -> dict[str, torch.Tensor]:
    """Of the mean negative log-likelihood, its normaliser summed over all states, by autograd."""
    log_partition = torch.logsumexp(-model.free_energy(states(5)), dim=0)
    return gradients(model, model.free_energy(x).mean() + log_partition)


def test_with_long_chains_it_is_the_gradient_of_the_likelihood():
    model, x = machine(), data()
    chains = x.repeat(1000, 1)
    far = ContrastiveDivergence(model, steps=25)
    found = gradients(model, far(batch(chains), generator(), 1))
    for name, expected in exact_gradients(model, x).items():
        torch.testing.assert_close(found[name], expected, atol=0.01, rtol=0)


def test_persistent_chains_come_to_the_gradient_of_the_likelihood_with_one_step_each():
    model, x = machine(), data()
    loss = PersistentContrastiveDivergence(model, steps=1, chains=20000)
    noise = generator()
    for _ in range(40):
        loss(batch(x), noise, 1)
    found = gradients(model, loss(batch(x), noise, 1))
    for name, expected in exact_gradients(model, x).items():
        torch.testing.assert_close(found[name], expected, atol=0.015, rtol=0)


def test_one_step_from_the_data_is_not_yet_that_gradient():
    model, x = machine(), data()
    with torch.no_grad():
        model.weight.mul_(3)  # so that chains forget slowly
    exact = exact_gradients(model, x)["weight"]
    errors = []
    for steps in (1, 100):
        loss = ContrastiveDivergence(model, steps)
        found = gradients(model, loss(batch(x.repeat(500, 1)), generator(), 1))["weight"]
        errors.append((found - exact).abs().max().item())
    assert errors[0] > 3 * errors[1]


def test_persistent_chains_are_state_that_is_saved_and_resumed():
    model, x = machine(), data()
    one = PersistentContrastiveDivergence(model, steps=2, chains=7)
    one(batch(x), generator(), 1)
    assert list(one.state_dict()) == ["chains"]
    assert not list(one.parameters())
    two = PersistentContrastiveDivergence(model, steps=2, chains=7)
    two.load_state_dict(one.state_dict())
    for loss in (one, two):
        loss(batch(x), generator(3), 2)
    assert torch.equal(one.chains, two.chains)


def test_equal_generators_give_equal_chains():
    model, x = machine(), data()
    assert torch.equal(run_chains(model, x, 3, generator()), run_chains(model, x, 3, generator()))
    assert not torch.equal(
        run_chains(model, x, 3, generator()), run_chains(model, x, 3, generator(2))
    )


def conditional(model, x) -> torch.Tensor:
    """Sum over bits of ln p(bit | others), from the probabilities of all states."""
    joint = torch.softmax(-model.free_energy(states(5)), dim=0)
    place = (x.long() * torch.tensor([16, 8, 4, 2, 1])).sum(dim=1)
    total = torch.zeros(len(x))
    for bit in (16, 8, 4, 2, 1):
        other = joint[place ^ bit]
        total += (joint[place] / (joint[place] + other)).log()
    return total


@pytest.mark.parametrize("hidden", ["bernoulli", "gaussian"])
def test_the_pseudo_likelihood_is_the_sum_of_conditionals_of_the_joint_distribution(hidden):
    model, x = machine(hidden=hidden), data()
    found = log_pseudo_likelihood(model, x, 5, generator())
    torch.testing.assert_close(found, conditional(model, x), atol=1e-4, rtol=1e-4)


def test_looking_at_some_bits_estimates_it_without_bias():
    model, x = machine(), data(1).repeat(20000, 1)
    estimate = log_pseudo_likelihood(model, x, 2, generator())
    assert estimate.std() > 0.1
    torch.testing.assert_close(estimate.mean(), conditional(model, x[:1])[0], atol=0.05, rtol=0)


def test_in_validation_it_judges_by_pseudo_likelihood_and_by_the_nearer_bits():
    model, x = machine(values="means").eval(), data()
    for loss in (
        ContrastiveDivergence(model, 1),
        PersistentContrastiveDivergence(model, 1, 4),
    ):
        found = loss(batch(0.2 + 0.6 * x), generator(), 1)
        assert found.keys() == {"pseudo_likelihood"}
        expected = -conditional(model, x).mean()
        torch.testing.assert_close(found["pseudo_likelihood"], expected, atol=1e-4, rtol=1e-4)


def test_gaussian_visible_units_are_judged_by_their_reconstruction():
    model, x = machine(visible="gaussian").eval(), torch.randn(9, 5)
    found = ContrastiveDivergence(model, 1)(batch(x), generator(), 1)
    expected = (model.decode(model.encode(x)) - x).square().sum(dim=1).mean()
    torch.testing.assert_close(found, {"reconstruction": expected})


def test_neither_value_depends_on_batch_size():
    model, x = machine(), data(4)
    end = data(6)
    one, many = contrast(model, x, end), contrast(model, x.repeat(16, 1), end.repeat(9, 1))
    torch.testing.assert_close(one, many)
    found = [
        log_pseudo_likelihood(model, rows, 5, generator()).mean() for rows in (x, x.repeat(9, 1))
    ]
    torch.testing.assert_close(found[0], found[1])


@pytest.mark.parametrize("visible", ["bernoulli", "gaussian"])
def test_what_training_shows_is_the_criterion_and_not_the_contrast(visible):
    model, x = machine(visible), data(4000)
    with torch.no_grad():
        shown = ContrastiveDivergence(model.train(), 1)(batch(x), generator(), 1)
        judged = ContrastiveDivergence(model.eval(), 1)(batch(x), generator(), 1)
    torch.testing.assert_close(shown, judged, rtol=0.05, atol=0)  # fewer bits in training


def test_extreme_weights_keep_the_criterion_finite():
    model, x = machine(), data()
    with torch.no_grad():
        model.weight.mul_(1e4)
    assert torch.isfinite(log_pseudo_likelihood(model, x, 5, generator())).all()


def test_samples_of_another_size_are_refused():
    model = machine()
    with pytest.raises(RuntimeError, match="shape"):
        ContrastiveDivergence(model, 1)(batch(torch.rand(4, 6)), generator(), 1)
