"""Bounds against closed forms, and the schedules of their weights."""

import pytest
import torch
from torch.distributions import Bernoulli, Normal, kl_divergence

from aepipe.models.files import Blueprint, construct
from aepipe.objectives.loss import Batch
from aepipe.objectives.variational import (
    Weighting,
    cyclical,
    evidence_lower_bound,
    free,
    importance_weighted_bound,
    linear_warmup,
    presented,
)

TRUNK = {"convolutions": None, "widths": [9], "nonlinearity": "tanh"}
NETWORK = Blueprint(
    "variational",
    {"shape": [6], "trunk": TRUNK, "code_size": 4, "likelihood": {"kind": "bernoulli"},
     "latent": "gaussian"},
)  # fmt: skip
PLAIN = Weighting(1.0, lambda epoch: 1.0, 0.0)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def network() -> torch.nn.Module:
    torch.manual_seed(0)
    return construct(NETWORK).eval()


def batch(rows: int = 5) -> Batch:
    x = torch.rand(rows, 6, generator=generator(1))
    return Batch(x, x, torch.empty(0, dtype=torch.int64))


def test_terms_are_those_of_torchs_distributions(network):
    terms = evidence_lower_bound(network, PLAIN, True)(batch(), generator(2), 1)
    noise = generator(2)
    x = (torch.rand(5, 6, generator=noise) < batch().input).float()
    posterior = network.posterior(x)
    z = posterior.sample(1, noise)[0]
    fit = Bernoulli(logits=network.decode(z)).log_prob(x).sum() / 5
    known = Normal(posterior.mean, (posterior.log_variance / 2).exp())
    kl = kl_divergence(known, Normal(0.0, 1.0)).sum() / 5
    torch.testing.assert_close(terms["reconstruction"], -fit, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(terms["kl"], kl, rtol=1e-5, atol=1e-5)


def test_either_part_alone_is_a_matter_of_weights(network):
    whole = evidence_lower_bound(network, PLAIN, False)(batch(), generator(), 1)
    weighting = Weighting(0.0, lambda epoch: 2.0, 0.0)
    divergence = evidence_lower_bound(network, weighting, False)(batch(), generator(), 1)
    assert divergence["reconstruction"].item() == 0
    torch.testing.assert_close(divergence["kl"], 2 * whole["kl"])
    weighting = Weighting(3.0, lambda epoch: 0.0, 0.0)
    fit = evidence_lower_bound(network, weighting, False)(batch(), generator(), 1)
    torch.testing.assert_close(fit["reconstruction"], 3 * whole["reconstruction"])
    assert fit["kl"].item() == 0


def test_one_importance_sample_gives_the_evidence_lower_bound_on_average(network):
    many = Batch(*(batch().input.repeat(4000, 1),) * 2, torch.empty(0, dtype=torch.int64))
    elbo = sum(evidence_lower_bound(network, PLAIN, False)(many, generator(), 1).values())
    bound = importance_weighted_bound(network, 1, False)(many, generator(), 1)["bound"]
    assert bound.item() == pytest.approx(elbo.item(), abs=0.02)


def test_more_importance_samples_make_the_bound_tighter(network):
    many = Batch(*(batch().input.repeat(500, 1),) * 2, torch.empty(0, dtype=torch.int64))
    values = [
        importance_weighted_bound(network, count, False)(many, generator(), 1)["bound"].item()
        for count in (1, 5, 50)
    ]
    assert values == sorted(values, reverse=True)
    assert values[0] > values[-1]


def test_gradients_of_the_importance_weighted_bound_weigh_the_draws(network):
    """Burda et al. (2016), equation 14: each draw's gradient by its normalised weight."""
    from aepipe.models.vae import log_weights

    network.zero_grad()
    importance_weighted_bound(network, 6, False)(batch(), generator(), 1)["bound"].backward()
    found = [p.grad.clone() for p in network.parameters()]
    network.zero_grad()
    weights = log_weights(network, network.infer(batch().input, 6, generator()), batch().target)
    shares = weights.softmax(dim=0).detach()
    (-(shares * weights).sum(dim=0).mean()).backward()
    for parameter, gradient in zip(network.parameters(), found, strict=True):
        torch.testing.assert_close(gradient, parameter.grad, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("binarised", [False, True])
def test_terms_are_means_over_the_batch(network, binarised):
    rows = 3000
    many = Batch(*(batch().input.repeat(rows, 1),) * 2, torch.empty(0, dtype=torch.int64))
    loss = evidence_lower_bound(network, PLAIN, binarised)
    few = [loss(batch(), generator(seed), 1)["reconstruction"].item() for seed in range(300)]
    assert loss(many, generator(), 1)["reconstruction"].item() == pytest.approx(
        sum(few) / len(few), abs=0.1
    )


def test_a_group_below_the_free_bits_costs_them_and_has_no_gradient():
    divergence = torch.tensor([[[0.1, 2.0], [0.3, 4.0]]], requires_grad=True)
    cost = free(divergence, 0.5)
    assert cost.item() == pytest.approx(0.5 + 3.0)  # 0.2 is below
    cost.backward()
    assert divergence.grad.tolist() == [[[0.0, 0.5], [0.0, 0.5]]]
    assert free(divergence, 0.0).item() == pytest.approx(3.2)
    torch.testing.assert_close(free(divergence.repeat(1, 7, 1), 0.5), cost)


def test_coins_fall_alike_for_input_and_target_and_with_the_pixels_chances():
    x = torch.rand(4, 6, generator=generator(3)).repeat(5000, 1)
    shown, target = presented(Batch(x, x, torch.empty(0)), generator())
    assert torch.equal(shown, target)
    assert set(shown.unique().tolist()) == {0.0, 1.0}
    share = shown.view(5000, 4, 6).mean(dim=0)
    torch.testing.assert_close(share, x[:4], atol=0.03, rtol=0)
    again, _ = presented(Batch(x, x, torch.empty(0)), generator())
    assert torch.equal(shown, again)  # as in validation, each epoch the same


def test_coins_of_certain_pixels_are_certain():
    x = torch.tensor([[0.0, 1.0]]).repeat(1000, 1)
    assert torch.equal(presented(Batch(x, x, torch.empty(0)), generator())[0], x)


def test_a_warm_up_rises_to_the_weight_and_stays():
    schedule = linear_warmup(2.0, 4)
    assert [schedule(epoch) for epoch in (1, 2, 4, 9)] == [0.5, 1.0, 2.0, 2.0]
    assert linear_warmup(0.7, 0)(1) == 0.7


def test_a_cycle_rises_stays_and_begins_again():
    schedule = cyclical(1.0, 2, 0.5, 20)
    expected = [0.0, 0.2, 0.4, 0.6, 0.8, 1.0, 1.0, 1.0, 1.0, 1.0]
    assert [schedule(epoch) for epoch in range(1, 21)] == pytest.approx(expected * 2)
    assert schedule(20) == 1.0  # with which validation judges every epoch
