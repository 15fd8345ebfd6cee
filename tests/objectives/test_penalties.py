"""Penalties against independent computations."""

import pytest
import torch
from torch.distributions import Bernoulli, kl_divergence

from aepipe.objectives.penalties import kl_sparsity, l1

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
