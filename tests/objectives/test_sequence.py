"""Sequences in training: what is hidden, what it weighs, what a decoder is told."""

import pytest
import torch
from torch import Generator

from aepipe.models.lstm import LstmAutoencoder
from aepipe.models.steps import lengths
from aepipe.models.transformer import TransformerAutoencoder
from aepipe.objectives.reconstruction import squared_error
from aepipe.objectives.sequence import hidden_steps, present, step_weights

READ = torch.tensor([1, 2, 3, 8, 20, 20])


def generator() -> Generator:
    return torch.Generator().manual_seed(4)


def transformer(fraction: float, visible: float) -> TransformerAutoencoder:
    torch.manual_seed(0)
    masking = {"fraction": fraction, "visible_weight": visible}
    halves = {"width": 8, "heads": 2, "layers": 1}
    return TransformerAutoencoder((9, 2), halves, masking, 4, "squared")


def lstm(decoder: str) -> LstmAutoencoder:
    torch.manual_seed(0)
    halves = {"hidden_size": 8, "layers": 1, "decoder": decoder, "reversed": True}
    return LstmAutoencoder((9, 2), halves, 4, "squared")


def made_by(model, x, target=None):
    target = x if target is None else target
    return present(model, (model.encode, model.decode), x, target, generator())


@pytest.mark.parametrize(
    ("fraction", "counts"),
    [(0.01, [0, 1, 1, 1, 1, 1]), (0.5, [0, 1, 2, 4, 10, 10]), (0.99, [0, 1, 2, 7, 19, 19])],
)
def test_the_fraction_of_what_is_read_is_hidden_yet_one_at_least_and_never_all(fraction, counts):
    hidden = hidden_steps(READ, 20, fraction, generator())
    assert hidden.sum(dim=1).tolist() == counts
    assert not (hidden & (torch.arange(20) >= READ[:, None])).any()


def test_every_step_is_hidden_equally_often():
    hidden = hidden_steps(torch.full((20000,), 6), 8, 0.34, generator())
    share = hidden.float().mean(dim=0)
    torch.testing.assert_close(share[:6], torch.full((6,), 2 / 6), atol=0.015, rtol=0)
    assert share[6:].tolist() == [0, 0]


def test_the_same_generator_hides_the_same_steps():
    draws = [hidden_steps(READ, 20, 0.3, generator()) for _ in range(2)]
    assert torch.equal(*draws)


def test_hidden_steps_weigh_one_and_a_filled_up_end_what_its_last_step_does():
    hidden = torch.tensor([[True, False, False, False], [False, True, False, False]])
    weights = step_weights(hidden, torch.tensor([4, 2]), 0.25)
    assert weights.tolist() == [[1, 0.25, 0.25, 0.25], [0.25, 1, 1, 1]]


def test_the_masked_loss_counts_each_step_by_its_weight():
    model, x = transformer(0.4, 0.25), torch.randn(5, 9, 2)
    made = made_by(model, x)
    hidden = hidden_steps(lengths(x), 9, 0.4, generator())
    each = (made.raw - x).square().sum(dim=2)
    expected = (each[hidden].sum() + 0.25 * each[~hidden].sum()) / 5
    torch.testing.assert_close(squared_error(made.raw, x, made.weight), expected)
    torch.testing.assert_close(made.code, model.encode(x, hidden))


def test_with_nothing_hidden_the_loss_is_the_plain_one():
    model, x = transformer(0.4, 1.0), torch.randn(5, 9, 2)
    model.masking = None
    made = made_by(model, x)
    assert made.weight is None
    torch.testing.assert_close(made.raw, model.decode(model.encode(x)))


def test_the_masked_loss_does_not_depend_on_batch_size():
    model, x = transformer(0.4, 0.5), torch.randn(1, 9, 2)
    hidden = hidden_steps(lengths(x), 9, 0.4, generator())
    weight = step_weights(hidden, lengths(x), 0.5)[:, :, None].expand_as(x)
    raw = model.decode(model.encode(x, hidden))
    many = squared_error(raw.repeat(7, 1, 1), x.repeat(7, 1, 1), weight.repeat(7, 1, 1))
    torch.testing.assert_close(many, squared_error(raw, x, weight))


def test_samples_of_one_value_throughout_are_still_finite():
    made = made_by(transformer(0.9, 0.0), torch.full((3, 9, 2), 1e4))
    assert torch.isfinite(made.raw).all()
    assert torch.equal(made.weight, torch.zeros(3, 9, 2))  # their one step is never hidden


def test_a_conditional_decoder_is_told_the_truth_in_training_alone():
    model, x = lstm("conditional"), torch.randn(3, 9, 2)
    code, target = model.encode(x), torch.randn(3, 9, 2)
    made = made_by(model.train(), x, target)
    assert torch.equal(made.raw, model.decode_towards(code, target))
    made = made_by(model.eval(), x, target)
    assert torch.equal(made.raw, model.decode(code))


def test_a_gradient_reaches_every_parameter_of_each_way_of_showing():
    x = torch.randn(16, 9, 2)
    for model in (lstm("conditional"), lstm("unconditional"), transformer(0.5, 0.5)):
        made = made_by(model, x)
        squared_error(made.raw, x, made.weight).backward()
        for name, parameter in model.named_parameters():
            assert parameter.grad.abs().sum() > 0, name
