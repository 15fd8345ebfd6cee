"""Dense architectures."""

from typing import Annotated, Literal, Self

from pydantic import Field, PositiveInt, model_validator

from aepipe.params.base import Section, Sequence

Activation = Literal["sigmoid", "tanh", "relu", "silu", "linear"]
Reconstruction = Literal["squared", "bernoulli", "absolute"]
Capacity = Literal["undercomplete", "overcomplete"]


class Linear(Section):
    """One linear layer each way: with squared error, PCA's subspace (Baldi and Hornik 1989)."""

    kind: Literal["linear"]
    code_size: PositiveInt
    tied: bool
    """Whether the decoder is the encoder's transpose."""
    capacity: Capacity = "undercomplete"
    """Whether the code has fewer units than the samples have features, or more."""


class Dense(Section):
    """Mirror-image multilayer perceptron (Hinton and Salakhutdinov 2006)."""

    kind: Literal["dense"]
    widths: Sequence[PositiveInt]
    """Hidden widths of the encoder, input side first; none for a single layer."""
    code_size: PositiveInt
    activation: Activation
    """Of the hidden layers."""
    code_activation: Activation = "linear"
    """Of the code."""
    tied: bool = False
    """Whether each layer of the decoder is the transpose of its image in the encoder."""
    capacity: Capacity = "undercomplete"
    """Whether the code has fewer units than the samples have features, or more."""
    dropout: Annotated[float, Field(gt=0, lt=1)] | None = None
    """Probability of dropping each hidden unit while training (Srivastava et al. 2014)."""
    normalisation: Literal["batch", "layer"] | None = None
    """Of the hidden layers, before their activation: over the batch (Ioffe and Szegedy 2015), or
    over the layer's units (Ba et al. 2016)."""

    @model_validator(mode="after")
    def _narrows(self) -> Self:
        if not self.widths:
            if self.dropout is not None or self.normalisation is not None:
                raise ValueError(
                    "dropout and normalisation act on hidden layers, and widths is empty; "
                    "list widths, or leave them out"
                )
            return self
        narrowest = min(self.widths)
        if self.capacity == "undercomplete" and self.code_size >= narrowest:
            raise ValueError(
                f"code_size {self.code_size} is not below the narrowest width, "
                f"{narrowest}, which would be the real bottleneck; lower code_size, or raise widths"
            )
        if self.capacity == "overcomplete" and self.code_size > narrowest:
            raise ValueError(
                f"code_size {self.code_size} is above the narrowest width, {narrowest}, so that "
                "the code cannot fill its units; widen the hidden layers"
            )
        return self
