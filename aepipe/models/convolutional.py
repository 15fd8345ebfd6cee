"""Convolutional autoencoder, and the encoder and decoder that other networks share with it."""

from collections.abc import Sequence
from itertools import pairwise
from typing import final

import torch
from torch import Tensor, nn

from aepipe.models.outputs import Reconstruction, activation, mean
from aepipe.models.sizes import Convolutions, output_paddings, sides


@final
class ConvolutionalAutoencoder(nn.Module):
    """Convolutions down to a linear code, and a mirror image of them back.

    The encoder is strided (Springenberg et al. 2015, "Striving for simplicity", ICLR workshop) or
    max pooled (Masci et al. 2011, "Stacked convolutional auto-encoders", ICANN). The decoder has
    transposed convolutions (Zeiler et al. 2010, "Deconvolutional networks", CVPR), or resizes by
    nearest neighbour and then convolves, which leaves no checkerboard (Odena et al. 2016,
    "Deconvolution and checkerboard artifacts", Distill).

    Args:
        shape: ``(channels, height, width)`` of one image.
        convolutions: of both directions.
        code_size: features of the code, linear.
        reconstruction: what the raw output of ``decode`` means.

    Shapes:
        input and output ``(batch, *shape)``; code ``(batch, code_size)``.

    Raises:
        ValueError: the image is too small for so many layers, or cannot be given back.
    """

    def __init__(
        self,
        shape: Sequence[int],
        convolutions: Convolutions,
        code_size: int,
        reconstruction: Reconstruction,
    ) -> None:
        super().__init__()
        self.shape = tuple(shape)
        self.code_size = code_size
        self.reconstruction = reconstruction
        self.stride = convolutions["stride"]
        self.encoder = convolutional_encoder(shape, convolutions)
        self.encoder.append(nn.Linear(flat_size(shape, convolutions), code_size))
        self.decoder = convolutional_decoder(shape, convolutions, code_size)

    def encode(self, x: Tensor) -> Tensor:
        """Give the code ``(batch, code_size)`` of ``x``, ``(batch, *shape)``."""
        code: Tensor = self.encoder(x)
        return code

    def decode(self, code: Tensor) -> Tensor:
        """Give the raw output ``(batch, *shape)``."""
        raw: Tensor = self.decoder(code)
        return raw

    def mean(self, raw: Tensor) -> Tensor:
        """Turn the raw output into the units of the input."""
        return mean(raw, self.reconstruction)


def flat_size(shape: Sequence[int], convolutions: Convolutions) -> int:
    """Give the number of features that :func:`convolutional_encoder` ends with.

    Raises:
        ValueError: see :func:`sizes.sides`.
    """
    deepest = sides(shape, convolutions)[-1]
    return torch.Size((convolutions["channels"][-1], *deepest)).numel()


def convolutional_encoder(shape: Sequence[int], convolutions: Convolutions) -> nn.Sequential:
    """Convolutions, each with its activation, then all features of the deepest maps in a row.

    Args:
        shape: ``(channels, height, width)`` of one image.
        convolutions: of both directions.

    Shapes:
        input ``(batch, *shape)``; output ``(batch, flat_size(shape, convolutions))``.

    Raises:
        ValueError: see :func:`sizes.sides`.
    """
    sides(shape, convolutions)
    kernel, stride, padding = (convolutions[key] for key in ("kernel", "stride", "padding"))
    pooled = convolutions["encoder"] == "pooled"
    layers: list[nn.Module] = []
    for before, after in pairwise([shape[0], *convolutions["channels"]]):
        step = 1 if pooled else stride
        bias = not convolutions["batch_norm"]  # the norm subtracts it, and has a shift of its own
        layers.append(nn.Conv2d(before, after, kernel, step, padding, bias=bias))
        layers += _hidden(after, convolutions)
        if pooled:
            layers.append(nn.MaxPool2d(stride))
    return nn.Sequential(*layers, nn.Flatten())


def convolutional_decoder(
    shape: Sequence[int], convolutions: Convolutions, code_size: int
) -> nn.Sequential:
    """Mirror of :func:`convolutional_encoder`, from a code to an image, linear at the end.

    Args:
        shape: ``(channels, height, width)`` of one image.
        convolutions: of both directions.
        code_size: features of the code.

    Shapes:
        input ``(batch, code_size)``; output ``(batch, *shape)``.

    Raises:
        ValueError: see :func:`sizes.sides`.
    """
    found = sides(shape, convolutions)
    planes = [shape[0], *convolutions["channels"]]
    flat = flat_size(shape, convolutions)
    layers: list[nn.Module] = [
        nn.Linear(code_size, flat),
        nn.Unflatten(1, (planes[-1], *found[-1])),
        activation(convolutions["activation"]),
    ]
    for layer in reversed(range(len(planes) - 1)):
        layers.append(_widening(layer, shape, convolutions))
        if layer:
            layers += _hidden(planes[layer], convolutions)
    return nn.Sequential(*layers)


def _hidden(planes: int, convolutions: Convolutions) -> list[nn.Module]:
    norm: list[nn.Module] = [nn.BatchNorm2d(planes)] if convolutions["batch_norm"] else []
    return [*norm, activation(convolutions["activation"])]


def _widening(layer: int, shape: Sequence[int], convolutions: Convolutions) -> nn.Module:
    """Undo the encoder's ``layer``, counted from 0."""
    found = sides(shape, convolutions)
    after, before = [shape[0], *convolutions["channels"]][layer : layer + 2]
    kernel, stride, padding = (convolutions[key] for key in ("kernel", "stride", "padding"))
    bias = layer == 0 or not convolutions["batch_norm"]  # as in the encoder; none follows the last
    match convolutions["decoder"]:
        case "transposed":
            missing = output_paddings(found, convolutions)[layer]
            return nn.ConvTranspose2d(before, after, kernel, stride, padding, missing, bias=bias)
        case "resize":
            # an even kernel has no middle: the pixel that it lacks is added below and to the right
            odd = [nn.ZeroPad2d((0, 1, 0, 1))] if kernel % 2 == 0 else []
            resize = nn.Upsample(size=found[layer], mode="nearest")
            return nn.Sequential(
                resize, *odd, nn.Conv2d(before, after, kernel, padding=(kernel - 1) // 2, bias=bias)
            )
