"""Convolutional architectures."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, NonNegativeInt, PositiveInt, model_validator

from aepipe.params.base import Section


class Convolutions(Section):
    """Convolutions down and up again; images only."""

    channels: Annotated[tuple[PositiveInt, ...], Field(strict=False, min_length=1)]
    """Feature maps after each layer of the encoder; each narrows height and width by ``stride``."""
    kernel: PositiveInt
    """Side k of the filters, in pixels."""
    stride: PositiveInt
    """Factor s. A convolution makes floor((in + 2p - k)/s) + 1 pixels of a side."""
    padding: NonNegativeInt
    """Zeros p on each side; (k - 1)/2 lets the stride alone decide the size."""
    encoder: Literal["strided", "pooled"]
    """``strided`` convolutions, or convolutions of stride 1 and max pooling by ``stride``."""
    decoder: Literal["transposed", "resize"]
    """``transposed`` convolutions make (in - 1)s - 2p + k + output_padding pixels of a side, and
    leave a checkerboard; ``resize`` by nearest neighbour and then convolve leaves none (Odena et
    al. 2016)."""
    activation: Literal["relu", "silu", "tanh"]
    batch_norm: bool = False
    """Whether hidden feature maps are normalised over the batch (Ioffe and Szegedy 2015)."""

    def convolutions(self) -> dict[str, Any]:
        """Give all but the code: what the networks and the check of their sizes are told."""
        return self.model_dump(mode="json", exclude={"kind", "code_size"})

    @model_validator(mode="after")
    def _sees_every_pixel(self) -> Self:
        if self.stride > self.kernel:
            raise ValueError(
                f"stride {self.stride} is more than kernel {self.kernel}, so that some pixels are "
                "never read; raise kernel, or lower stride"
            )
        if self.padding >= self.kernel:
            raise ValueError(
                f"padding {self.padding} is not below kernel {self.kernel}, so that some outputs "
                f"would see nothing but zeros; {(self.kernel - 1) // 2} is usual"
            )
        return self


class Convolutional(Convolutions):
    """Convolutions to a linear code and back; images only."""

    kind: Literal["convolutional"]
    code_size: PositiveInt
