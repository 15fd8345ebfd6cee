"""Terms that are added to a reconstruction error."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, final

from pydantic import Field, PositiveFloat, PositiveInt

from aepipe.params.base import OpenFraction, Section


class L1(Section):
    """Sum of the code's absolute activations, as in sparse coding (Olshausen and Field 1996)."""

    kind: Literal["l1"]
    weight: PositiveFloat
    """Factor of the penalty, beside a reconstruction error summed over features."""


class WeightL1(Section):
    """Sum of the absolute weights of encoder and decoder, biases left out (Tibshirani 1996)."""

    kind: Literal["weight_l1"]
    weight: PositiveFloat
    """Factor of the penalty."""


class WeightL2(Section):
    """Sum of the squared weights of encoder and decoder, biases left out (Krogh and Hertz 1992)."""

    kind: Literal["weight_l2"]
    weight: PositiveFloat
    """Factor of the penalty."""


class KLSparsity(Section):
    """Divergence of each sigmoid unit's mean activation from a target (Lee et al. 2008)."""

    kind: Literal["kl_sparsity"]
    weight: PositiveFloat
    """Factor of the penalty."""
    target: OpenFraction
    """Mean activation that is wanted of each unit."""
    decay: OpenFraction | None = None
    """Of a running estimate of the mean, per batch; left out: the mean of the batch alone."""


class Contractive(Section):
    """Squared norm of the Jacobian of one sigmoid layer, exact (Rifai et al. 2011, ICML)."""

    kind: Literal["contractive"]
    weight: PositiveFloat
    """Factor of the penalty, the paper's lambda."""


class ContractiveHutchinson(Section):
    """Squared norm of any encoder's Jacobian, by random projections (Hutchinson 1990)."""

    kind: Literal["contractive_hutchinson"]
    weight: PositiveFloat
    """Factor of the penalty."""
    projections: PositiveInt
    """For each sample and step; each costs a pass backward."""


class ContractiveHigherOrder(Section):
    """How much any encoder's Jacobian changes nearby (Rifai et al. 2011, ECML PKDD)."""

    kind: Literal["contractive_higher_order"]
    weight: PositiveFloat
    """Factor of the penalty, the paper's gamma."""
    deviation: PositiveFloat
    """Of the normal noise that leads to the points nearby, in scaled units."""
    samples: PositiveInt
    """Points nearby for each sample and step; each costs two passes backward."""


Penalty = Annotated[
    L1
    | WeightL1
    | WeightL2
    | KLSparsity
    | Contractive
    | ContractiveHutchinson
    | ContractiveHigherOrder,
    Field(discriminator="kind"),
]


@final
@dataclass(frozen=True, slots=True)
class CodeFacts:
    """What decides which penalties an encoder can have.

    Attributes:
        activation: of the code.
        layers: of the encoder.
        sparse: whether only some of the code's units count.
        batch_normalised: whether a sample's code depends on the rest of its batch in training.
    """

    activation: str
    layers: int
    sparse: bool
    batch_normalised: bool


def penalty_problems(penalties: Sequence[Penalty], code: CodeFacts) -> list[str]:
    """Give what stands against training an encoder with ``penalties``: what, why, what to do."""
    problems = [
        f".penalties: {kind} stands {count} times; add the weights up in one"
        for kind, count in Counter(penalty.kind for penalty in penalties).items()
        if count > 1
    ]
    for penalty in penalties:
        problems += _unmet(penalty, code)
    return problems


def _unmet(penalty: Penalty, code: CodeFacts) -> list[str]:
    if isinstance(penalty, KLSparsity) and code.activation != "sigmoid":
        return [
            "kl_sparsity needs units in (0, 1): a code with activation sigmoid, "
            f"not {code.activation}; or use l1"
        ]
    if isinstance(penalty, Contractive):
        sparse = ", of which only some count" if code.sparse else ""
        if (code.activation, code.layers, code.sparse) != ("sigmoid", 1, False):
            return [
                "contractive is the closed form for an encoder of 1 sigmoid layer, and this one "
                f"has {code.layers} with a {code.activation} code{sparse}; use "
                "contractive_hutchinson, which estimates the same for any encoder"
            ]
    sampled = isinstance(penalty, ContractiveHutchinson | ContractiveHigherOrder)
    if sampled and code.batch_normalised:
        return [
            f"{penalty.kind} needs codes of samples that do not depend on each other, and batch "
            "normalisation makes them; use layer normalisation, or none"
        ]
    return []
