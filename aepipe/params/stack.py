"""The stack and what is made of it."""

from itertools import pairwise
from typing import Annotated, Literal, Self, assert_never

from pydantic import Field, PositiveInt, model_validator

from aepipe.params.base import Name, Section, Sequence
from aepipe.params.corruption import Corruption, Emphasis, NoCorruption, emphasis_problems
from aepipe.params.dense import Activation, Reconstruction
from aepipe.params.energy import RbmLayer
from aepipe.params.penalties import CodeFacts, Penalty, penalty_problems
from aepipe.params.sparsity import KSparse, sparsity_problems
from aepipe.params.training import Training

DATASET = "data/dataset"
STACK = "models/stack"
BOUNDED = ("sigmoid", "tanh", "bernoulli")  # codes with a smallest and a largest value


class AutoencoderLayer(Section):
    """One greedily trained denoising autoencoder of the stack (Vincent et al. 2010)."""

    kind: Literal["autoencoder"]
    input: str
    """What it is trained on: ``data/dataset``, or ``models/stack/LAYER`` of the layer below."""
    units: PositiveInt
    """Width of the layer, which is the size of its code."""
    activation: Activation
    """Of the code."""
    tied: bool
    """Whether the decoder is the encoder's transpose."""
    reconstruction: Reconstruction
    """``bernoulli``: cross-entropy, for inputs in [0, 1]; ``squared`` or ``absolute``: error."""
    corruption: Corruption
    """Of the layer's input while it is trained; what is passed upward is clean."""
    emphasis: Emphasis | None = None
    """Left out: all components weigh the same in the reconstruction error."""
    sparsity: KSparse | None = None
    """Left out: all units of the code count."""
    penalties: Sequence[Penalty]
    """Added to the reconstruction error."""
    training: Training

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        facts = CodeFacts(self.activation, 1, self.sparsity is not None, batch_normalised=False)
        problems = [
            *penalty_problems(self.penalties, facts),
            *sparsity_problems(self.sparsity, self.units, self.training.epochs),
            *emphasis_problems(self.emphasis, self.corruption),
        ]
        if problems:
            raise ValueError("\n".join(problems))
        return self


Layer = Annotated[AutoencoderLayer | RbmLayer, Field(discriminator="kind")]


def corruption_of_layer(layer: Layer) -> Corruption:
    """Give the corruption of what ``layer`` is shown in training; not every kind has one."""
    return layer.corruption if isinstance(layer, AutoencoderLayer) else NoCorruption(kind="none")


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
        (key, kind, otherwise), (units, gives, needed) = _shown(layer), _code(lower)
        if kind == "bernoulli" and gives != needed:
            problems.append(
                f".layers.{name}.{key} = 'bernoulli' needs inputs in [0, 1], but "
                f"layer {below} has {units} {gives!r}; use {otherwise!r} here, "
                f"or {needed!r} there"
            )
        problems += [
            f".layers.{name}.corruption = {line}"
            for line in _noise_problems(corruption_of_layer(layer), (units, gives), below)
        ]
    return problems


def _noise_problems(noise: Corruption, code: tuple[str, str], below: str) -> list[str]:
    """Noise that a code cannot have, for it has no neighbours or no bounds."""
    units, gives = code
    if noise.kind == "block":
        return [
            f"'block' hides neighbours, and units of the code of layer {below} have none; use "
            "masking"
        ]
    if noise.kind == "salt_and_pepper" and gives not in BOUNDED:
        return [
            f"'salt_and_pepper' needs a smallest and a largest value, and layer {below} has "
            f"{units} {gives!r}; use masking or gaussian here, or {BOUNDED[0]!r} there"
        ]
    return []


def _shown(layer: Layer) -> tuple[str, str, str]:
    """Where a layer says what its input is, what it says, and what it says of unbounded input."""
    match layer:
        case AutoencoderLayer():
            return "reconstruction", layer.reconstruction, "squared"
        case RbmLayer():
            return "visible.kind", layer.visible.kind, "gaussian"
        case _:
            assert_never(layer)


def _code(layer: Layer) -> tuple[str, str, str]:
    """Where a layer says what its code is, what it says, and what it says of one in [0, 1]."""
    match layer:
        case AutoencoderLayer():
            return "activation", layer.activation, "sigmoid"
        case RbmLayer():
            return "hidden", layer.hidden, "bernoulli"
        case _:
            assert_never(layer)
