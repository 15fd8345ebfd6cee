"""Variational autoencoders."""

from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, PositiveInt

from aepipe.params.base import Section, Sequence
from aepipe.params.training import Training


class BernoulliDecoder(Section):
    """Pixels are coin tosses; needs data in [0, 1] (Kingma and Welling 2014, appendix C.1)."""

    kind: Literal["bernoulli"]


class GaussianDecoder(Section):
    """Pixels are normal around the decoder's mean (Kingma and Welling 2014, appendix C.2)."""

    kind: Literal["gaussian"]
    variance: PositiveFloat | Literal["learned"]
    """Fixed, in squared scaled units; or one learned value for all features."""


Decoder = Annotated[BernoulliDecoder | GaussianDecoder, Field(discriminator="kind")]


class Variational(Section):
    """Variational autoencoder with a diagonal Gaussian posterior (Kingma and Welling 2014)."""

    kind: Literal["variational"]
    widths: Sequence[PositiveInt]
    """Hidden widths of the encoder, input side first; the decoder mirrors them."""
    code_size: PositiveInt
    """Dimensions of the latent variable."""
    activation: Literal["tanh", "relu", "silu"]
    decoder: Decoder
    kl_weight: PositiveFloat
    """1 is the evidence lower bound; other values are a beta-VAE's (Higgins et al. 2017)."""
    warmup_epochs: Annotated[int, Field(ge=0)]
    """Epochs over which the weight of the KL term rises linearly from 0."""
    training: Training
