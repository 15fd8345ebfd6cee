"""Restricted Boltzmann machines, as entries of ``models:`` and as layers of the stack."""

from typing import Annotated, Literal, Self

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from aepipe.params.base import Section
from aepipe.params.training import Training

HiddenUnits = Literal["bernoulli", "gaussian"]


class BernoulliVisible(Section):
    """Each visible unit is a bit; needs samples in [0, 1]."""

    kind: Literal["bernoulli"]
    values: Literal["drawn", "nearest", "means"]
    """What a value between 0 and 1 is: ``drawn`` takes it for the probability of a bit, drawn anew
    each time; ``nearest`` takes the nearer bit; ``means`` uses it as it is, and lets chains carry
    means as well (Hinton and Salakhutdinov 2006): the usual choice for layers of a stack."""


class GaussianVisible(Section):
    """Each visible unit is normal around its mean (Hinton 2010, section 13.2)."""

    kind: Literal["gaussian"]
    variance: PositiveFloat
    """Of each unit, in squared scaled units; 1 is usual for standardised data."""


Visible = Annotated[BernoulliVisible | GaussianVisible, Field(discriminator="kind")]


class ContrastiveDivergence(Section):
    """Chains that start at the data (Hinton 2002)."""

    kind: Literal["contrastive_divergence"]
    steps: PositiveInt
    """Of each chain: the k of CD-k."""


class PersistentChains(Section):
    """Chains that go on from where they were (Tieleman 2008)."""

    kind: Literal["persistent"]
    steps: PositiveInt
    """Of each chain per update."""
    chains: PositiveInt
    """How many; about the batch size is usual."""


Gradient = Annotated[ContrastiveDivergence | PersistentChains, Field(discriminator="kind")]


class Rbm(Section):
    """Restricted Boltzmann machine, whose code is the mean of the hidden units (Hinton 2002)."""

    kind: Literal["rbm"]
    code_size: PositiveInt
    """Hidden units."""
    visible: Visible
    hidden: HiddenUnits
    """``gaussian`` gives an unbounded, linear code (Hinton and Salakhutdinov 2006)."""
    gradient: Gradient
    """How the model's own distribution is sampled while it learns."""
    training: Training

    @model_validator(mode="after")
    def _bounded_below(self) -> Self:
        _refuse_two_gaussian_layers(self.visible, self.hidden)
        return self


class RbmLayer(Section):
    """One greedily trained restricted Boltzmann machine of the stack (Hinton et al. 2006)."""

    kind: Literal["rbm"]
    input: str
    """What it is trained on: ``data/dataset``, or ``models/stack/LAYER`` of the layer below."""
    units: PositiveInt
    """Hidden units; what is passed upward is their mean."""
    visible: Visible
    hidden: HiddenUnits
    """``gaussian`` gives an unbounded, linear code (Hinton and Salakhutdinov 2006)."""
    gradient: Gradient
    """How the model's own distribution is sampled while it learns."""
    training: Training

    @model_validator(mode="after")
    def _bounded_below(self) -> Self:
        _refuse_two_gaussian_layers(self.visible, self.hidden)
        return self


def _refuse_two_gaussian_layers(visible: Visible, hidden: HiddenUnits) -> None:
    if visible.kind == hidden == "gaussian":
        raise ValueError(
            "visible.kind and hidden are both gaussian, and such an energy has no minimum once a "
            "weight is large (Hinton 2010, section 13.3); make one of them bernoulli"
        )
