import pytest
import torch

from aepipe.training.state import TALLIED, Tally

COUNTS = (1, TALLIED - 1, TALLIED, TALLIED + 1, 2 * TALLIED + 5)


def terms(count: int, *networks: int) -> torch.Tensor:
    """Two terms of so many batches, of one network or of several."""
    return torch.rand(count, 2, *networks, generator=torch.Generator().manual_seed(count))


def tallied(drawn: torch.Tensor, size: int = 4) -> Tally:
    tally = Tally()
    for first, second in drawn:
        tally.add({"first": first, "second": second}, size)
    return tally


@pytest.mark.parametrize("count", COUNTS)
def test_means_are_those_of_all_batches_however_many(count):
    drawn = terms(count)
    tally = tallied(drawn)
    tally.add({"first": torch.tensor(9.0), "second": torch.tensor(1.0)}, 1)  # a smaller last one
    expected = (4 * drawn.double().sum(dim=0) + torch.tensor([9.0, 1.0])) / (4 * count + 1)
    assert list(tally.means("train")) == ["train_first", "train_second", "train_total"]
    found = torch.tensor([*tally.means("train").values()], dtype=torch.float64)
    torch.testing.assert_close(found[:2], expected, rtol=1e-12, atol=0.0)
    torch.testing.assert_close(found[2], expected.sum(), rtol=1e-6, atol=0.0)


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("networks", [(), (3,)], ids=["one network", "three"])
def test_a_tally_goes_on_from_its_values(count, networks):
    drawn = terms(count + 3, *networks)
    whole, begun = tallied(drawn), tallied(drawn[:count])
    later = Tally(begun.names, begun.sizes, begun.values)
    for first, second in drawn[count:]:
        later.add({"first": first, "second": second}, 4)
    assert torch.equal(later.values, whole.values)
    assert later.sizes == whole.sizes


@pytest.mark.parametrize("count", COUNTS)
def test_the_last_batch_can_be_changed_in_place(count):
    tally = tallied(terms(count))
    before = tally.values[:-1].clone()
    tally.last.copy_(torch.tensor([1.0, 2.0, 3.0]))
    assert tally.values[-1].tolist() == [1.0, 2.0, 3.0]
    assert torch.equal(tally.values[:-1], before)


def test_terms_are_kept_without_their_gradients():
    weight = torch.ones((), requires_grad=True)
    tally = Tally()
    total = tally.add({"only": 3 * weight}, 1)
    total.backward()
    assert weight.grad == 3
    assert not tally.values.requires_grad
