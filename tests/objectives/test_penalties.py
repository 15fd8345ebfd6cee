"""Penalties against independent computations."""

import pytest
import torch
from torch.distributions import Bernoulli, kl_divergence

from aepipe.models.dense import DenseLayer
from aepipe.objectives.loss import Seen
from aepipe.objectives.penalties import (
    RunningSparsity,
    kl_sparsity,
    l1,
    weight_l1,
    weight_l2,
    weights_of,
)

CODE = torch.rand(11, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def test_l1_is_the_mean_absolute_sum():
    signed = CODE - 0.5
    expected = sum(row.norm(p=1).item() for row in signed) / 11
    assert l1(signed).item() == pytest.approx(expected)


def test_kl_sparsity_is_the_divergence_between_bernoullis():
    target = torch.tensor(0.1, dtype=torch.float64)
    expected = kl_divergence(Bernoulli(target), Bernoulli(CODE.mean(dim=0))).sum()
    torch.testing.assert_close(kl_sparsity(CODE, 0.1), expected)


def test_kl_sparsity_vanishes_at_the_target_and_stays_finite_for_dead_units():
    at_target = torch.full((5, 3), 0.2, dtype=torch.float64)
    assert kl_sparsity(at_target, 0.2).item() == pytest.approx(0, abs=1e-12)
    dead = torch.zeros(5, 3, requires_grad=True)
    kl_sparsity(dead, 0.2).backward()
    assert torch.isfinite(dead.grad).all()


@pytest.mark.parametrize("penalty", [l1, lambda code: kl_sparsity(code, 0.1)])
def test_penalties_do_not_depend_on_batch_size(penalty):
    torch.testing.assert_close(penalty(CODE.repeat(8, 1)), penalty(CODE))


def seen(code: torch.Tensor, training: bool = True) -> Seen:
    return Seen(code, code, lambda x: x, torch.Generator(), training)


def test_running_sparsity_starts_at_the_divergence_of_the_first_batch():
    running = RunningSparsity(6, 0.1, 0.9).double()
    torch.testing.assert_close(running(seen(CODE)), kl_sparsity(CODE, 0.1))


def test_running_sparsity_is_the_divergence_of_the_moving_average():
    running = RunningSparsity(6, 0.1, 0.8).double()
    batches = [CODE[:3], CODE[3:7], CODE[7:]]
    *_, value = [running(seen(batch)) for batch in batches]
    weights = torch.tensor([0.8**2, 0.8, 1.0], dtype=torch.float64)
    average = (weights @ torch.stack([batch.mean(dim=0) for batch in batches])) / weights.sum()
    target = torch.tensor(0.1, dtype=torch.float64)
    torch.testing.assert_close(value, kl_divergence(Bernoulli(target), Bernoulli(average)).sum())


def test_running_sparsity_pulls_with_the_slope_at_the_running_estimate():
    running = RunningSparsity(1, 0.1, 0.5).double()
    running(seen(torch.tensor([[0.8]], dtype=torch.float64)))
    code = torch.tensor([[0.2]], dtype=torch.float64, requires_grad=True)
    running(seen(code)).backward()
    average = (0.5 * 0.8 + 0.2) / 1.5
    assert code.grad.item() == pytest.approx(-0.1 / average + 0.9 / (1 - average))


def test_validation_leaves_the_running_estimate_alone_and_looks_at_its_own_batch():
    running = RunningSparsity(6, 0.1, 0.9).double()
    running(seen(CODE[:5]))
    before = {name: value.clone() for name, value in running.state_dict().items()}
    value = running(seen(CODE[5:], training=False))
    torch.testing.assert_close(value, kl_sparsity(CODE[5:], 0.1))
    assert all(torch.equal(after, before[name]) for name, after in running.state_dict().items())
    assert set(before) == {"estimate", "weight"}  # so a checkpoint holds them


def test_a_code_of_another_size_than_the_running_estimate_is_refused():
    with pytest.raises(ValueError, match="a code of 6 units for a running estimate of 4"):
        RunningSparsity(4, 0.1, 0.9)(seen(CODE.float()))


def network() -> torch.nn.Module:
    torch.manual_seed(0)
    return torch.nn.Sequential(
        torch.nn.Conv2d(1, 2, 3), torch.nn.Flatten(), torch.nn.Linear(8, 3), torch.nn.LayerNorm(3)
    )


def test_weight_penalties_are_norms_of_all_weights_and_of_no_bias():
    flat = torch.cat([network()[0].weight.flatten(), network()[2].weight.flatten()])
    torch.testing.assert_close(weight_l1(weights_of(network())), flat.norm(p=1))
    torch.testing.assert_close(weight_l2(weights_of(network())), flat.norm().square())


def test_a_weight_that_encoder_and_decoder_share_counts_once():
    tied = DenseLayer(5, 3, "sigmoid", tied=True, reconstruction="squared")
    torch.testing.assert_close(weight_l2(weights_of(tied)), tied.encoder.weight.square().sum())
    free = DenseLayer(5, 3, "sigmoid", tied=False, reconstruction="squared")
    assert len(weights_of(free)) == 2


def test_the_gradient_of_the_l2_penalty_is_twice_the_weight():
    layer = torch.nn.Linear(4, 3)
    weight_l2(weights_of(layer)).backward()
    torch.testing.assert_close(layer.weight.grad, 2 * layer.weight.detach())
    assert layer.bias.grad is None
