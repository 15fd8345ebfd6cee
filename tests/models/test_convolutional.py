"""Convolutions: sizes known beforehand, images given back, impossible ones refused with numbers."""

from itertools import pairwise, product

import pytest
import torch
from torch import nn
from torch.nn.functional import conv2d, interpolate, linear, silu

from aepipe.models.convolutional import (
    ConvolutionalAutoencoder,
    convolutional_decoder,
    convolutional_encoder,
    flat_size,
)
from aepipe.models.sizes import Convolutions, output_paddings, sides


def convolutions(**changes) -> Convolutions:
    common = {"channels": [3, 4], "kernel": 3, "stride": 2, "padding": 1, "encoder": "strided"}
    return common | {"decoder": "resize", "activation": "silu", "batch_norm": False} | changes


def maps(encoder: nn.Sequential, shape) -> list[tuple[int, int]]:
    """Heights and widths that really come out of each layer."""
    kind = nn.MaxPool2d if any(isinstance(m, nn.MaxPool2d) for m in encoder) else nn.Conv2d
    x, found = torch.zeros(1, *shape), [tuple(shape[1:])]
    for module in encoder[:-1]:
        x = module(x)
        if isinstance(module, kind):
            found.append(tuple(x.shape[2:]))
    return found


@pytest.mark.parametrize("decoder", ["resize", "transposed"])
@pytest.mark.parametrize("encoder", ["strided", "pooled"])
def test_sizes_are_those_of_the_network_wherever_they_are_not_refused(encoder, decoder):
    tried = 0
    for side, kernel, stride, padding in product(range(3, 12), (1, 2, 3, 4, 5), (1, 2, 3), (0, 1)):
        chosen = convolutions(
            channels=[1, 2], kernel=kernel, stride=stride, padding=padding, encoder=encoder,
            decoder=decoder,
        )  # fmt: skip
        shape = (1, side, side + 2)
        try:
            promised = sides(shape, chosen)
        except ValueError:
            continue
        tried += 1
        network = convolutional_encoder(shape, chosen)
        assert maps(network, shape) == promised
        assert network(torch.zeros(1, *shape)).shape == (1, flat_size(shape, chosen))
        assert convolutional_decoder(shape, chosen, 2)(torch.zeros(1, 2)).shape == (1, *shape)
    assert tried > 40


def transposed_side(side: int, *geometry: int) -> int | None:
    try:
        return nn.ConvTranspose2d(1, 1, *geometry)(torch.zeros(1, 1, side, side)).shape[-1]
    except RuntimeError:  # torch has nothing to give
        return None


def test_what_is_refused_no_output_padding_could_mend():
    refused = 0
    for side, kernel, stride, padding in product(range(4, 15), (2, 3, 4, 5), (2, 3), (0, 1, 2)):
        chosen = convolutions(
            channels=[1], kernel=kernel, stride=stride, padding=padding, encoder="pooled"
        )
        try:
            narrow = sides((1, side, side), chosen)[-1][0]
        except ValueError:
            continue
        given = [transposed_side(narrow, kernel, stride, padding, e) for e in range(stride)]
        try:
            sides((1, side, side), chosen | {"decoder": "transposed"})
        except ValueError:
            refused += 1
            assert side not in given
        else:
            assert side in given
    assert refused > 20


def test_a_strided_encoder_can_always_be_undone_by_transposed_convolutions():
    for side, kernel, padding in product(range(4, 30), (2, 3, 4, 5), (0, 1)):
        chosen = convolutions(channels=[1], kernel=kernel, padding=padding, stride=2)
        if kernel <= side + 2 * padding:
            found = sides((1, side, side), chosen)
            assert all(0 <= extra < 2 for extra in output_paddings(found, chosen)[0])


def test_the_default_form_computes_resized_convolutions_step_by_step():
    torch.manual_seed(0)
    model = ConvolutionalAutoencoder((2, 7, 10), convolutions(), 5, "squared")
    weights = list(model.parameters())
    x = torch.randn(3, 2, 7, 10)
    down = silu(conv2d(x, weights[0], weights[1], stride=2, padding=1))
    down = silu(conv2d(down, weights[2], weights[3], stride=2, padding=1))
    code = linear(down.flatten(1), weights[4], weights[5])
    up = silu(linear(code, weights[6], weights[7]).view(3, 4, 2, 3))
    up = silu(conv2d(interpolate(up, size=(4, 5)), weights[8], weights[9], padding=1))
    up = conv2d(interpolate(up, size=(7, 10)), weights[10], weights[11], padding=1)
    torch.testing.assert_close(model.encode(x), code)
    torch.testing.assert_close(model.decode(code), up)


def test_a_transposed_convolution_is_the_gradient_of_the_strided_one():
    chosen = convolutions(channels=[4], decoder="transposed")
    up = convolutional_decoder((2, 7, 10), chosen, 3)[-1]
    narrow = torch.randn(1, 4, 4, 5)
    wide = torch.zeros(1, 2, 7, 10, requires_grad=True)
    down = conv2d(wide, up.weight, stride=2, padding=1)
    (gradient,) = torch.autograd.grad(down, wide, narrow)
    torch.testing.assert_close(up(narrow) - up.bias[:, None, None], gradient)


def test_pooling_keeps_the_largest_of_each_window():
    torch.manual_seed(0)
    encoder = convolutional_encoder((1, 6, 6), convolutions(channels=[3], encoder="pooled"))
    x = torch.randn(2, 1, 6, 6)
    responses = silu(conv2d(x, encoder[0].weight, encoder[0].bias, padding=1))
    windows = responses.unfold(2, 2, 2).unfold(3, 2, 2)
    assert torch.equal(encoder(x), windows.amax(dim=(4, 5)).flatten(1))


def test_batch_norm_leaves_hidden_maps_with_mean_0_and_variance_1():
    torch.manual_seed(0)
    network = convolutional_encoder((1, 8, 8), convolutions(batch_norm=True))
    x = 3 + 5 * torch.randn(64, 1, 8, 8)
    for module in network:
        x = module(x)
        if isinstance(module, nn.BatchNorm2d):
            torch.testing.assert_close(
                x.mean(dim=(0, 2, 3)), torch.zeros(x.shape[1]), atol=1e-5, rtol=0
            )
            torch.testing.assert_close(
                x.var(dim=(0, 2, 3)), torch.ones(x.shape[1]), atol=0.01, rtol=0
            )


def test_neighbouring_layers_have_the_declared_feature_maps():
    network = convolutional_decoder((2, 8, 8), convolutions(decoder="transposed"), 3)
    found = [m for m in network if isinstance(m, nn.ConvTranspose2d)]
    assert [(m.in_channels, m.out_channels) for m in found] == [*pairwise([4, 3, 2])]


@pytest.mark.parametrize(
    ("shape", "changes", "words"),
    [
        ((64,), {}, r"needs images, .* have shape \(64,\); use dense layers instead"),
        (
            (1, 4, 9),
            {"kernel": 5, "padding": 0},
            r"layer 1: kernel 5 is larger than the padded side 4 \+ 2 x 0 = 4 \(out = floor\(\(in ",
        ),
        (
            (1, 4, 9),
            {"channels": [2, 2, 2]},
            r"layer 3: stride 2 cannot narrow a side of 1 \(.*k = 3, s = 2, p = 1\); list fewer",
        ),
        (
            (1, 8, 8),
            {"encoder": "pooled", "stride": 5, "padding": 0, "kernel": 5},
            r"layer 1: stride 5 cannot narrow the 4 pixels of its convolution",
        ),
        (
            (1, 8, 8),
            {"encoder": "pooled", "decoder": "transposed", "stride": 3, "channels": [2]},
            r"layer 1: .* gives \(2 - 1\) x 3 - 2 x 1 \+ 3 = 4 pixels of 2 \(out = \(in - 1\)s - "
            r"2p \+ k \+ output_padding\), up to 6 with .*, and 8 are wanted; use decoder resize",
        ),
        ((1, 4, 4), {"batch_norm": True}, "after layer 2 would see maps of 1 x 1"),
    ],
)
def test_what_cannot_be_is_refused_with_the_numbers_and_the_formula(shape, changes, words):
    with pytest.raises(ValueError, match=words):
        sides(shape, convolutions(**changes))
    with pytest.raises(ValueError, match=words):
        ConvolutionalAutoencoder(shape, convolutions(**changes), 3, "squared")
