"""Dense architectures."""

from typing import Annotated, Literal, Self

from pydantic import Field, PositiveInt, model_validator

from aepipe.params.base import Section, Sequence

Activation = Literal["sigmoid", "tanh", "relu", "silu", "linear"]
Reconstruction = Literal["squared", "bernoulli"]


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
