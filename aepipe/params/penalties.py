"""Terms that are added to a reconstruction error."""

from typing import Annotated, Literal

from pydantic import Field, PositiveFloat

from aepipe.params.base import Section


class L1(Section):
    """Mean absolute activation of the code."""

    kind: Literal["l1"]
    weight: PositiveFloat
    """Factor of the penalty, beside a reconstruction error summed over features."""


class KLSparsity(Section):
    """Kullback-Leibler divergence of each sigmoid unit's mean activation from a target."""

    kind: Literal["kl_sparsity"]
    weight: PositiveFloat
    """Factor of the penalty."""
    target: Annotated[float, Field(gt=0, lt=1)]
    """Mean activation that is wanted of each unit."""


Penalty = Annotated[L1 | KLSparsity, Field(discriminator="kind")]
