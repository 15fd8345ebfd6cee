"""Architectures and the sections that train them."""

from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from aepipe.params.base import Name, Section, Sequence
from aepipe.params.training import Corruption, Penalty, Reconstruction, Training

DATASET = "data/dataset"
STACK = "models/stack"

Activation = Literal["sigmoid", "tanh", "relu", "silu", "linear"]


class Layer(Section):
    """One greedily trained denoising autoencoder of the stack (Vincent et al. 2010)."""

    input: str
    """What it is trained on: ``data/dataset``, or ``models/stack/LAYER`` of the layer below."""
    units: PositiveInt
    """Width of the layer, which is the size of its code."""
    activation: Activation
    """Of the code."""
    tied: bool
    """Whether the decoder is the encoder's transpose."""
    reconstruction: Reconstruction
    """``bernoulli``: cross-entropy, for inputs in [0, 1]; ``squared``: squared error."""
    corruption: Corruption
    """Of the layer's input while it is trained; what is passed upward is clean."""
    penalties: Sequence[Penalty]
    """Added to the reconstruction error."""
    training: Training

    @model_validator(mode="after")
    def _kl_needs_sigmoid(self) -> Self:
        if self.activation != "sigmoid" and any(p.kind == "kl_sparsity" for p in self.penalties):
            raise ValueError(
                f"kl_sparsity needs units in (0, 1): activation sigmoid, not {self.activation}"
            )
        return self


class Stack(Section):
    """The stacked autoencoder, trained from the bottom up, one stage per layer."""

    layers: Annotated[dict[Name, Layer], Field(min_length=1)]
    """In order from the bottom; each names the layer below as its ``input``."""

    @model_validator(mode="after")
    def _chains(self) -> Self:
        problems = _chain_problems(self.layers)
        if problems:
            raise ValueError("\n".join(problems))
        return self


class Unroll(Section):
    """Fine-tuning of the whole stack as one deep autoencoder (Hinton and Salakhutdinov 2006)."""

    corruption: Corruption
    training: Training


class Finetune(Section):
    """Fine-tuning of the stack with a softmax head, and its control from random weights."""

    corruption: Corruption
    """Of the input while training, as regularisation."""
    dropout: Annotated[float, Field(ge=0, lt=1)]
    """Probability of dropping each hidden unit while training."""
    training: Training


class BernoulliDecoder(Section):
    """Pixels are coin tosses; needs data in [0, 1] (Kingma and Welling 2014, appendix C.1)."""

    kind: Literal["bernoulli"]


class GaussianDecoder(Section):
    """Pixels are normal around the decoder's mean (Kingma and Welling 2014, appendix C.2)."""

    kind: Literal["gaussian"]
    variance: PositiveFloat | Literal["learned"]
    """Fixed, in squared scaled units; or one learned value for all features."""


Decoder = Annotated[BernoulliDecoder | GaussianDecoder, Field(discriminator="kind")]


class Vae(Section):
    """Variational autoencoder with a diagonal Gaussian posterior (Kingma and Welling 2014)."""

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


class Dense(Section):
    """Mirror-image multilayer perceptron, linear at the code."""

    kind: Literal["dense"]
    widths: Sequence[PositiveInt]
    """Hidden widths of the encoder, input side first."""
    code_size: PositiveInt
    activation: Activation

    @model_validator(mode="after")
    def _narrows(self) -> Self:
        if self.widths and self.code_size >= min(self.widths):
            raise ValueError(
                f"code_size {self.code_size} is not below the narrowest width, "
                f"{min(self.widths)}, which would be the real bottleneck"
            )
        return self


class Convolutional(Section):
    """Strided convolutions down, nearest-neighbour resizing and convolutions up; images only."""

    kind: Literal["convolutional"]
    channels: Annotated[tuple[PositiveInt, ...], Field(strict=False, min_length=1)]
    """Feature maps after each halving of height and width."""
    code_size: PositiveInt
    activation: Literal["relu", "silu", "tanh"]


class KSparse(Section):
    """One linear layer of which only the k largest activations count (Makhzani and Frey 2013)."""

    kind: Literal["k_sparse"]
    code_size: PositiveInt
    k: PositiveInt
    """Active units while training."""
    evaluation_factor: Annotated[float, Field(ge=1)]
    """Active units when encoding are ``evaluation_factor * k`` (the paper uses about 3)."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.evaluation_factor * self.k > self.code_size:
            raise ValueError(
                f"evaluation_factor {self.evaluation_factor} x k {self.k} is more than "
                f"code_size {self.code_size}; lower one of them"
            )
        return self


Architecture = Annotated[Dense | Convolutional | KSparse, Field(discriminator="kind")]


class Model(Section):
    """One entry of ``models:``, trained, evaluated and compared like the stack."""

    architecture: Architecture
    reconstruction: Reconstruction
    corruption: Corruption
    penalties: Sequence[Penalty]
    training: Training

    @model_validator(mode="after")
    def _kl_needs_sigmoid(self) -> Self:
        # codes of every architecture here are linear
        if any(p.kind == "kl_sparsity" for p in self.penalties):
            raise ValueError(
                "kl_sparsity needs units in (0, 1), and this architecture's code is linear; "
                "use it in a layer of stack with activation sigmoid, or use l1"
            )
        return self


def _chain_problems(stack: dict[str, Layer]) -> list[str]:
    problems: list[str] = []
    expected = DATASET
    for name, layer in stack.items():
        if layer.input != expected:
            known = [DATASET, *(f"{STACK}/{other}" for other in stack)]
            what = "is no stage" if layer.input not in known else "is not the layer below"
            problems.append(
                f".layers.{name}.input = {layer.input!r}: {what}; expected {expected!r}"
            )
        expected = f"{STACK}/{name}"
    for (below, lower), (name, layer) in pairwise(stack.items()):
        if layer.reconstruction == "bernoulli" and lower.activation != "sigmoid":
            problems.append(
                f".layers.{name}.reconstruction = 'bernoulli' needs inputs in [0, 1], but "
                f"layer {below} has activation {lower.activation!r}; use 'squared' here, "
                "or 'sigmoid' there"
            )
    return problems
