"""Semi-adversarial terms against plain formulas; hiding on a planted toy."""

import math
from functools import cache

import pytest
import torch
from torch.nn.functional import one_hot

from aepipe.models.dense import Classifier, DeepAutoencoder
from aepipe.objectives.loss import Batch
from aepipe.objectives.privacy import (
    Judge,
    Weights,
    semi_adversarial_loss,
    towards_other,
    towards_uniform,
)

SHAPE = (1, 4, 4)  # kept attribute in the upper half, hidden one in the lower


def test_towards_other_is_the_negative_log_probability_of_the_opposite_group():
    logits = torch.tensor([[0.3, -1.0], [2.0, 0.5], [-4.0, 4.0]])
    group = torch.tensor([0, 1, 1])
    probability = logits.exp() / logits.exp().sum(dim=1, keepdim=True)
    expected = -(probability[0, 1].log() + probability[1, 0].log() + probability[2, 0].log()) / 3
    torch.testing.assert_close(towards_other(logits, group), expected)


def test_towards_other_refuses_groups_without_an_opposite():
    with pytest.raises(ValueError, match="3 groups have no opposite"):
        towards_other(torch.zeros(2, 3), torch.zeros(2, dtype=torch.int64))


def test_towards_uniform_is_least_where_every_group_is_as_likely():
    even, uneven = torch.full((5, 3), 7.0), torch.randn(5, 3)
    torch.testing.assert_close(towards_uniform(even), torch.tensor(math.log(3)))
    assert towards_uniform(uneven) > math.log(3)
    probability = torch.softmax(uneven, dim=1)
    torch.testing.assert_close(towards_uniform(uneven), -probability.log().sum() / 15)


def test_terms_do_not_depend_on_the_batch_size():
    logits, group = torch.randn(1, 2), torch.tensor([1])
    for value, repeated in (
        (towards_other(logits, group), towards_other(logits.repeat(9, 1), group.repeat(9))),
        (towards_uniform(logits), towards_uniform(logits.repeat(9, 1))),
    ):
        torch.testing.assert_close(value, repeated)


def test_terms_stay_finite_for_extreme_logits():
    extreme = torch.tensor([[1e4, -1e4]])
    assert towards_other(extreme, torch.tensor([0])) == 2e4
    assert towards_uniform(extreme) == 1e4


def planted(rows: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Samples of four classes: kept group ``label // 2``, hidden group ``label % 2``."""
    generator = torch.Generator().manual_seed(seed)
    label = torch.randint(4, (rows,), generator=generator)
    x = 0.4 * torch.rand(rows, *SHAPE, generator=generator)
    x[:, 0, 0] += 0.5 * (label // 2)[:, None]
    x[:, 0, 3] += 0.5 * (label % 2)[:, None]
    return x, label


def classifier(groups: torch.Tensor, x: torch.Tensor) -> Classifier:
    """A linear classifier with the weights of least squares on clean samples."""
    model = Classifier(SHAPE, [16], ["linear"], int(groups.max()) + 1, 0.0)
    flat = torch.cat([x.flatten(1), torch.ones(len(x), 1)], dim=1)
    weights = torch.linalg.lstsq(flat, 8 * one_hot(groups).float() - 4).solution
    with torch.no_grad():
        model.encoder[0].weight.copy_(torch.eye(16))
        model.encoder[0].bias.zero_()
        model.head.weight.copy_(weights[:-1].T)
        model.head.bias.copy_(weights[-1])
    return model.eval().requires_grad_(False)


@cache
def trained(hiding: str, hide: float = 1.0):
    """A network trained on the toy, its judges, and their weights as they were before."""
    torch.manual_seed(0)
    x, label = planted(512, seed=1)
    of_kept, of_hidden = torch.tensor([0, 0, 1, 1]), torch.tensor([0, 1, 0, 1])
    judges = (
        Judge(classifier(of_kept[label], x), of_kept),
        Judge(classifier(of_hidden[label], x), of_hidden),
    )
    before = [p.clone() for judge in judges for p in judge.classifier.parameters()]
    network = DeepAutoencoder(SHAPE, [16, 8], ["relu", "linear"], ["relu"], "squared")
    loss = semi_adversarial_loss(network, "squared", judges, Weights(1.0, 1.0, hide), hiding)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
    for _ in range(300):
        optimizer.zero_grad()
        torch.stack([*loss(Batch(x, x, label), torch.Generator(), 1).values()]).sum().backward()
        optimizer.step()
    return network, judges, before


def accuracies(network, judges, transform: bool) -> list[float]:
    x, label = planted(512, seed=2)
    if transform:
        x = network.mean(network.decode(network.encode(x)))
    return [
        (judge.classifier(x).argmax(dim=1) == judge.group_of_class[label]).float().mean().item()
        for judge in judges
    ]


def test_the_opposite_is_read_where_something_was_hidden_and_the_rest_is_kept():
    network, judges, _ = trained("other")
    assert min(accuracies(network, judges, transform=False)) > 0.95
    kept, hidden = accuracies(network, judges, transform=True)
    assert kept > 0.95
    assert hidden < 0.1


def test_towards_uniform_the_hidden_attribute_falls_to_chance_and_the_other_stays():
    network, judges, _ = trained("uniform", hide=30.0)
    kept, hidden = accuracies(network, judges, transform=True)
    assert kept > 0.95
    assert abs(hidden - 0.5) < 0.25


def test_whoever_learns_anew_reads_what_only_the_frozen_classifier_no_longer_reads():
    network, judges, _ = trained("other")
    x, label = planted(512, seed=3)
    seen = network.mean(network.decode(network.encode(x))).detach()
    attacker = classifier(judges[1].group_of_class[label], seen)
    fresh = Judge(attacker, judges[1].group_of_class)
    assert accuracies(network, (judges[0], fresh), transform=True)[1] > 0.95


def test_without_a_weight_on_hiding_both_attributes_stay():
    network, judges, _ = trained("uniform", hide=0.0)
    assert min(accuracies(network, judges, transform=True)) > 0.95


def test_gradients_reach_the_network_and_leave_the_frozen_classifiers_alone():
    network, judges, before = trained("other")
    now = [p for judge in judges for p in judge.classifier.parameters()]
    assert all(torch.equal(p, q) and p.grad is None for p, q in zip(now, before, strict=True))
    assert all(p.grad is not None and p.grad.any() for p in network.parameters())


def test_terms_are_weighted_and_named():
    network, judges, _ = trained("uniform")
    x, label = planted(8, seed=3)
    batch = Batch(x, x, label)

    def terms(*weights):
        loss = semi_adversarial_loss(network, "squared", judges, Weights(*weights), "uniform")
        return loss(batch, torch.Generator(), 1)

    once, twice = terms(1.0, 1.0, 1.0), terms(2.0, 3.0, 5.0)
    factors = {"reconstruction": 2, "keep": 3, "hide": 5}
    assert list(once) == list(factors)
    for name, factor in factors.items():
        torch.testing.assert_close(twice[name], factor * once[name])
