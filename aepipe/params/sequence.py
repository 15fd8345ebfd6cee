"""Architectures that read samples step by step: series, or images as rows."""

from typing import Any, Literal, Self

from pydantic import NonNegativeFloat, PositiveInt, model_validator

from aepipe.params.base import OpenFraction, Section


class Lstm(Section):
    """One LSTM reads the steps to a linear code, another unfolds it (Srivastava et al. 2015)."""

    kind: Literal["lstm"]
    hidden_size: PositiveInt
    """Units of each layer."""
    layers: PositiveInt
    """Of the encoder and of the decoder."""
    decoder: Literal["unconditional", "conditional"]
    """``conditional`` sees the step before, the true one in training and its own afterwards;
    ``unconditional`` the code alone, which is far faster to evaluate."""
    reversed: bool
    """Whether the decoder gives the last step first, as in the paper."""
    code_size: PositiveInt

    def recurrence(self) -> dict[str, Any]:
        """Give what both halves are built from."""
        return self.model_dump(mode="json", exclude={"kind", "code_size"})


class MaskedSteps(Section):
    """Steps that the encoder is not shown and the decoder has to supply (He et al. 2022)."""

    fraction: OpenFraction
    """Of the steps of each sample, drawn anew each time; at least one, and never all."""
    visible_weight: NonNegativeFloat
    """Weight of the errors on steps that are shown; 0 counts hidden steps alone, as the paper."""


class Transformer(Section):
    """Attention layers read the steps to a linear code, others unfold it (Vaswani et al. 2017)."""

    kind: Literal["transformer"]
    width: PositiveInt
    """Features of a token; even, and a multiple of ``heads``."""
    heads: PositiveInt
    """Of each attention layer."""
    layers: PositiveInt
    """Of the encoder and of the decoder."""
    code_size: PositiveInt
    masking: MaskedSteps | None = None
    """Reconstruct from a part of the steps; left out, from all of them."""

    def attention(self) -> dict[str, Any]:
        """Give what both halves are built from."""
        return self.model_dump(mode="json", exclude={"kind", "code_size", "masking"})

    @model_validator(mode="after")
    def _heads_divide_the_width(self) -> Self:
        if self.width % self.heads or self.width % 2:
            raise ValueError(
                f"width {self.width} is odd or no multiple of heads {self.heads}: heads share it, "
                "and the positional encoding has a sine and a cosine of each wave; try "
                f"{2 * self.heads * max(1, round(self.width / (2 * self.heads)))}"
            )
        return self
