"""Kinds of corruption, and the section that tests trained models with them."""

from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat

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


class CorruptionSection(Section):
    """On what the trained models are tested for robustness."""

    conditions: Sequence[Annotated[Masking | Gaussian | SaltAndPepper, Field(discriminator="kind")]]
    """Each is applied to the validation and test splits with a fixed seed."""
