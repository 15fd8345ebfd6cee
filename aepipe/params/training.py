"""Corruption, penalties, and the schedule of a training."""

from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt

from aepipe.params.base import Fraction, Section, Sequence


class NoCorruption(Section):
    """The input as it is."""

    kind: Literal["none"]


class Masking(Section):
    """A fraction of the components is set to 0 (Vincent et al. 2010)."""

    kind: Literal["masking"]
    fraction: Fraction
    """Probability for each component."""


class Gaussian(Section):
    """Additive isotropic Gaussian noise."""

    kind: Literal["gaussian"]
    standard_deviation: NonNegativeFloat
    """In scaled units: 1 is the whole range of ``scaling: range``."""


class SaltAndPepper(Section):
    """A fraction of the components is set to the lowest or the highest value, by a fair coin."""

    kind: Literal["salt_and_pepper"]
    fraction: Fraction
    """Probability for each component."""


class Pairs(Section):
    """The noisy version that the data source itself supplies; needs a ``pairs`` source."""

    kind: Literal["pairs"]


Corruption = Annotated[
    NoCorruption | Masking | Gaussian | SaltAndPepper | Pairs, Field(discriminator="kind")
]


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
Reconstruction = Literal["squared", "bernoulli"]


class Training(Section):
    """Mini-batch gradient descent with Adam; the epoch best on validation is kept."""

    epochs: PositiveInt
    """At most this many passes over the training split."""
    batch_size: PositiveInt
    """Samples per step."""
    learning_rate: PositiveFloat
    """Adam's step size at the start."""
    schedule: Literal["constant", "cosine"]
    """``cosine`` lowers the step size to 0 over ``epochs`` (Loshchilov and Hutter 2017)."""
    weight_decay: NonNegativeFloat
    """Decoupled (AdamW), per unit of learning rate."""
    patience: PositiveInt
    """Epochs without a better validation loss after which training stops."""
    precision: Literal["float32", "bfloat16"]
    """``bfloat16`` runs matrix products in that precision (autocast); it changes results."""


class CorruptionSection(Section):
    """On what the trained models are tested for robustness."""

    conditions: Sequence[Annotated[Masking | Gaussian | SaltAndPepper, Field(discriminator="kind")]]
    """Each is applied to the validation and test splits with a fixed seed."""
