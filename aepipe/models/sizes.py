"""What a sample's shape becomes in convolutions and in sequences, computed without torch."""

from collections.abc import Sequence
from itertools import pairwise
from math import prod
from typing import Literal, TypedDict

Down = Literal["strided", "pooled"]
Up = Literal["transposed", "resize"]
IMAGE_DIMENSIONS = 3  # channels, height, width

CONVOLUTION = "out = floor((in + 2p - k)/s) + 1"
TRANSPOSED = "out = (in - 1)s - 2p + k + output_padding"


class Convolutions(TypedDict):
    """How an image is narrowed to a code and widened again, the same in every layer.

    Attributes:
        channels: feature maps after each layer, input side first; the decoder mirrors them.
        kernel: side k of the filters, in pixels.
        stride: factor s by which a layer narrows height and width.
        padding: zeros p on each side of what a convolution reads.
        encoder: ``strided`` convolutions, or convolutions of stride 1 with max ``pooled`` outputs.
        decoder: ``transposed`` convolutions, or nearest-neighbour ``resize`` and a convolution.
        activation: of the hidden layers.
        batch_norm: whether hidden feature maps are normalised over the batch.
    """

    channels: Sequence[int]
    kernel: int
    stride: int
    padding: int
    encoder: Down
    decoder: Up
    activation: Literal["relu", "silu", "tanh"]
    batch_norm: bool


def sides(shape: Sequence[int], convolutions: Convolutions) -> list[tuple[int, int]]:
    """Give heights and widths before, between and after the encoder's layers.

    Args:
        shape: ``(channels, height, width)`` of one image.
        convolutions: of the encoder, and of the decoder that has to give the same sides back.

    Raises:
        ValueError: no image, or a layer has nothing to give or cannot be undone; with the formula.
    """
    if len(shape) != IMAGE_DIMENSIONS:
        raise ValueError(
            f"convolutional needs images, (channels, height, width), and these samples have shape "
            f"{tuple(shape)}; use dense layers instead"
        )
    found = [(shape[1], shape[2])]
    for layer in range(1, len(convolutions["channels"]) + 1):
        height, width = (narrowed(side, convolutions, layer) for side in found[-1])
        found.append((height, width))
    if convolutions["decoder"] == "transposed":
        output_paddings(found, convolutions)
    if convolutions["batch_norm"] and found[-1] == (1, 1):
        raise ValueError(
            f"batch_norm after layer {len(found) - 1} would see maps of 1 x 1, of which a batch of "
            "one sample has nothing to average; list fewer channels, or set batch_norm to false"
        )
    return found


def narrowed(side: int, convolutions: Convolutions, layer: int) -> int:
    """Give the side that the encoder's ``layer``, counted from 1, makes of ``side``.

    Dumoulin and Visin (2016), "A guide to convolution arithmetic for deep learning", relationship
    6; pooling by s without padding is relationship 7, floor(in/s).

    Raises:
        ValueError: it is less than 1, or there is nothing to narrow.
    """
    k, s, p = convolutions["kernel"], convolutions["stride"], convolutions["padding"]
    pooled = convolutions["encoder"] == "pooled"
    if k > side + 2 * p:
        raise ValueError(
            f"layer {layer}: kernel {k} is larger than the padded side {side} + 2 x {p} = "
            f"{side + 2 * p} ({CONVOLUTION}); list fewer channels, or a smaller kernel"
        )
    between = (side + 2 * p - k) // (1 if pooled else s) + 1
    out = between // s if pooled else between
    if out < 1 or (side == 1 and s > 1):
        what = f"the {between} pixels of its convolution" if pooled else f"a side of {side}"
        raise ValueError(
            f"layer {layer}: stride {s} cannot narrow {what} ({CONVOLUTION}, k = {k}, s = {s}, "
            f"p = {p}); list fewer channels, or a smaller stride"
        )
    return out


def output_paddings(
    found: Sequence[tuple[int, int]], convolutions: Convolutions
) -> list[tuple[int, int]]:
    """Give for each layer what a transposed convolution has to add to give its input's sides back.

    Dumoulin and Visin (2016), relationship 14: several sides are narrowed to one and the same, and
    ``output_padding``, from 0 to s - 1, tells which of them it was.

    Args:
        found: sides before, between and after the encoder's layers.
        convolutions: of both.

    Raises:
        ValueError: no output padding gives them back, with the numbers.
    """
    k, s, p = convolutions["kernel"], convolutions["stride"], convolutions["padding"]
    missing: list[tuple[int, int]] = []
    for layer, (wide, narrow) in enumerate(pairwise(found), start=1):
        bare = [(side - 1) * s - 2 * p + k for side in narrow]
        height, width = (want - have for want, have in zip(wide, bare, strict=True))
        missing.append((height, width))
        for want, side, have in zip(wide, narrow, bare, strict=True):
            if not 0 <= want - have < s:
                raise ValueError(
                    f"layer {layer}: a transposed convolution gives ({side} - 1) x {s} - 2 x {p} + "
                    f"{k} = {have} pixels of {side} ({TRANSPOSED}), up to {have + s - 1} with "
                    f"output_padding below the stride, and {want} are wanted; use decoder resize, "
                    "or other kernel, stride and padding"
                )
    return missing


def sequence(shape: Sequence[int]) -> tuple[int, int]:
    """Give the number of steps and the features of a step of samples of ``shape``.

    ``(steps,)`` and ``(steps, channels)`` are series; an image is a sequence of its rows.
    """
    if len(shape) == IMAGE_DIMENSIONS:
        channels, height, width = shape
        return height, channels * width
    return shape[0], prod(shape[1:])
