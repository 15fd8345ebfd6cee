"""Sequences: images as rows, ends that are read once, decoders in both orders, attention."""

import math

import numpy as np
import pytest
import torch
from torch.nn.functional import softmax

from aepipe.models.lstm import LstmAutoencoder
from aepipe.models.sizes import sequence
from aepipe.models.steps import as_steps, from_steps, lengths
from aepipe.models.transformer import AttentionLayer, TransformerAutoencoder, positions

SHAPES = [(9,), (7, 3), (2, 5, 3)]


def lstm(shape, decoder="unconditional", turned=False, layers=2) -> LstmAutoencoder:
    torch.manual_seed(0)
    halves = {"hidden_size": 8, "layers": layers, "decoder": decoder, "reversed": turned}
    return LstmAutoencoder(shape, halves, 4, "squared")


def transformer(shape, layers=2) -> TransformerAutoencoder:
    torch.manual_seed(0)
    halves = {"width": 8, "heads": 2, "layers": layers}
    return TransformerAutoencoder(shape, halves, None, 4, "squared")


NETWORKS = pytest.mark.parametrize("build", [lstm, transformer])


@pytest.mark.parametrize("shape", SHAPES)
def test_samples_read_as_steps_come_back(shape):
    x = torch.randn(4, *shape)
    steps = as_steps(x, shape)
    assert steps.shape == (4, *sequence(shape))
    assert torch.equal(from_steps(steps, shape), x)


def test_a_step_of_an_image_is_a_row_of_all_its_channels():
    x = torch.randn(4, 2, 5, 3)
    steps = as_steps(x, (2, 5, 3))
    assert torch.equal(steps[1, 3], torch.cat([x[1, 0, 3], x[1, 1, 3]]))


def test_the_length_is_what_is_left_when_equal_steps_at_the_end_are_taken_away():
    rows = torch.randint(0, 2, (300, 6, 1), generator=torch.Generator().manual_seed(0)).float()
    expected = []
    for row in rows.tolist():
        while len(row) > 1 and row[-1] == row[-2]:
            row.pop()
        expected.append(len(row))
    assert lengths(rows).tolist() == expected
    assert {1, 2, 6} <= set(expected)
    assert lengths(torch.zeros(2, 1, 3)).tolist() == [1, 1]


@NETWORKS
def test_a_code_does_not_depend_on_how_far_a_series_was_filled_up(build):
    series = torch.randn(3, 6, 2)
    short, long = build((6, 2)), build((11, 2))
    long.load_state_dict(short.state_dict())
    filled = torch.cat([series, series[:, -1:].expand(-1, 5, -1)], dim=1)
    torch.testing.assert_close(long.encode(filled), short.encode(series))


@NETWORKS
def test_a_code_depends_on_every_step_that_is_read_and_on_their_order(build):
    model, series = build((6, 2)), torch.randn(1, 6, 2)
    code = model.encode(series)
    for step in range(6):
        changed = series.clone()
        changed[0, step] += 1
        assert not torch.allclose(model.encode(changed), code, atol=1e-4)
    assert not torch.allclose(model.encode(series.flip(1)), code, atol=1e-4)


@NETWORKS
def test_series_of_different_lengths_do_not_disturb_each_other(build):
    model, series = build((8, 2)), torch.randn(5, 8, 2)
    for row, length in enumerate([1, 3, 8, 5, 2]):
        series[row, length:] = series[row, length - 1]
    alone = torch.cat([model.encode(row[None]) for row in series])
    torch.testing.assert_close(model.encode(series), alone)


@pytest.mark.parametrize("turned", [False, True])
def test_a_conditional_decoder_told_its_own_output_gives_what_it_unfolds(turned):
    model, code = lstm((7, 3), "conditional", turned), torch.randn(2, 4)
    unfolded = model.decode(code)
    torch.testing.assert_close(model.decode_towards(code, unfolded), unfolded)


@pytest.mark.parametrize("turned", [False, True])
def test_a_conditional_decoder_sees_the_steps_before_and_no_other(turned):
    model, code, target = (
        lstm((7, 3), "conditional", turned),
        torch.randn(1, 4),
        torch.randn(1, 7, 3),
    )
    given = model.decode_towards(code, target)
    for step in range(7):
        changed = target.clone()
        changed[0, step] += 1
        differs = (model.decode_towards(code, changed) != given).any(dim=2)[0].tolist()
        later = range(step) if turned else range(step + 1, 7)
        assert [number for number, other in enumerate(differs) if other] == [*later]


def test_an_unconditional_decoder_is_told_nothing():
    model, code = lstm((7, 3)), torch.randn(2, 4)
    assert torch.equal(model.decode_towards(code, torch.randn(2, 7, 3)), model.decode(code))


def test_the_reversed_decoder_gives_the_same_steps_in_the_other_order():
    forward, backward, code = lstm((7, 3)), lstm((7, 3), turned=True), torch.randn(2, 4)
    assert torch.equal(backward.decode(code), forward.decode(code).flip(1))


def test_the_decoder_computes_the_equations_of_an_lstm():
    model, code = lstm((5,), layers=1), torch.randn(1, 4)
    weights = dict(model.decoder.named_parameters())
    hidden, cell = model.to_state(code)[0].chunk(2)
    hidden, given = torch.tanh(hidden), []
    for _ in range(5):
        gates = weights["weight_ih_l0"] @ code[0] + weights["bias_ih_l0"]
        gates = gates + weights["weight_hh_l0"] @ hidden + weights["bias_hh_l0"]
        entering, forgetting, candidate, leaving = gates.chunk(4)
        cell = torch.sigmoid(forgetting) * cell
        cell = cell + torch.sigmoid(entering) * torch.tanh(candidate)
        hidden = torch.sigmoid(leaving) * torch.tanh(cell)
        given.append(model.to_step(hidden))
    torch.testing.assert_close(model.decode(code)[0], torch.cat(given))


def test_positions_are_the_published_waves():
    found = positions(50, 6, torch.device("cpu")).numpy()
    for t in (0, 1, 7, 49):
        for i in range(3):
            angle = t / 10000 ** (2 * i / 6)
            np.testing.assert_allclose(found[t, 2 * i], math.sin(angle), atol=1e-6)
            np.testing.assert_allclose(found[t, 2 * i + 1], math.cos(angle), atol=1e-6)


def test_attention_mixes_the_seen_values_with_softmax_weights():
    torch.manual_seed(0)
    layer, tokens = AttentionLayer(6, 2), torch.randn(1, 4, 6)
    unseen = torch.tensor([[False, True, False, False]])
    normed = layer.attention_norm(tokens)[0]
    query, key, value = (normed @ w.T + b for w, b in zip(
        layer.to_heads.weight.chunk(3), layer.to_heads.bias.chunk(3), strict=True
    ))  # fmt: skip
    mixed = []
    for head in (slice(0, 3), slice(3, 6)):
        scores = query[:, head] @ key[:, head].T / math.sqrt(3)
        scores[:, 1] = -torch.inf
        mixed.append(softmax(scores, dim=1) @ value[:, head])
    after = tokens[0] + layer.from_heads(torch.cat(mixed, dim=1))
    torch.testing.assert_close(layer(tokens, unseen)[0], after + layer.perceptron(after))


def test_what_is_hidden_from_the_transformer_has_no_influence():
    model, series = transformer((6, 2)), torch.randn(2, 6, 2)
    hidden = torch.zeros(2, 6, dtype=torch.bool)
    hidden[0, 2:4], hidden[1, 0] = True, True
    changed = torch.where(hidden[:, :, None], torch.randn(2, 6, 2), series)
    torch.testing.assert_close(model.encode(changed, hidden), model.encode(series, hidden))
    assert not torch.allclose(model.encode(series, hidden), model.encode(series))


def test_a_series_as_short_as_one_step_has_a_code():
    assert torch.isfinite(transformer((6,)).encode(torch.full((2, 6), 0.3))).all()
    assert torch.isfinite(lstm((6,)).encode(torch.full((2, 6), 0.3))).all()


@NETWORKS
def test_the_jacobian_of_a_code_can_be_differentiated_again(build):
    model = build((5, 2), layers=1).double()
    x = torch.randn(2, 5, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradgradcheck(model.encode, (x,))


@NETWORKS
def test_a_differentiated_input_has_the_same_code(build):
    model, x = build((9, 2)), torch.randn(3, 9, 2)
    torch.testing.assert_close(model.encode(x.clone().requires_grad_()), model.encode(x))
