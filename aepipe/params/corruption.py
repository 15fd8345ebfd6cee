"""Kinds of corruption, and the section that tests trained models with them."""

from typing import Annotated, Literal, Self

from pydantic import Field, NonNegativeFloat, model_validator

from aepipe.params.base import Fraction, Section, Sequence

Drawn = Literal["anew", "fixed"]


class NoCorruption(Section):
    """The input as it is."""

    kind: Literal["none"]


class Masking(Section):
    """A fraction of the components is set to 0 (Vincent et al. 2010)."""

    kind: Literal["masking"]
    fraction: Fraction
    """Probability for each component."""
    drawn: Drawn = "anew"
    """``anew`` at each presentation; ``fixed``: a sample keeps its noise over all epochs."""


class Gaussian(Section):
    """Additive isotropic Gaussian noise (Vincent et al. 2010)."""

    kind: Literal["gaussian"]
    standard_deviation: NonNegativeFloat
    """In scaled units: 1 is the whole range of ``scaling: range``."""
    drawn: Drawn = "anew"
    """``anew`` at each presentation; ``fixed``: a sample keeps its noise over all epochs."""


class SaltAndPepper(Section):
    """A fraction is set to the lowest or highest value, by a fair coin (Vincent et al. 2010)."""

    kind: Literal["salt_and_pepper"]
    fraction: Fraction
    """Probability for each component."""
    drawn: Drawn = "anew"
    """``anew`` at each presentation; ``fixed``: a sample keeps its noise over all epochs."""


class InputDropout(Section):
    """A fraction of the components is set to 0, and the others grow (Srivastava et al. 2014)."""

    kind: Literal["dropout"]
    fraction: Annotated[float, Field(ge=0, lt=1)]
    """Probability p for each component; survivors are multiplied by 1 / (1 - p)."""
    drawn: Drawn = "anew"
    """``anew`` at each presentation; ``fixed``: a sample keeps its noise over all epochs."""


class Block(Section):
    """A patch of each image, or a run of each series, is set to 0 (Pathak et al. 2016)."""

    kind: Literal["block"]
    size: Annotated[float, Field(gt=0, le=1)]
    """Of the patch's height and width, or the run's length, as a fraction of the sample's."""
    drawn: Drawn = "anew"
    """``anew`` at each presentation; ``fixed``: a sample keeps its noise over all epochs."""


class Pairs(Section):
    """The noisy version that the data source itself supplies; needs a ``pairs`` source."""

    kind: Literal["pairs"]


Selective = Masking | SaltAndPepper | InputDropout | Block  # leave some components as they are
Noise = Selective | Gaussian
Corruption = Annotated[NoCorruption | Noise | Pairs, Field(discriminator="kind")]


class Emphasis(Section):
    """Weights in the reconstruction error (Vincent et al. 2010, section 6.2)."""

    corrupted: NonNegativeFloat
    """The paper's alpha: of the components that the corruption touches."""
    intact: NonNegativeFloat
    """The paper's beta: of all others; 0 is its full emphasis."""

    @model_validator(mode="after")
    def _weighs_something(self) -> Self:
        if self.corrupted == self.intact == 0:
            raise ValueError("weights of 0 and 0 leave nothing to learn; raise one of them")
        return self


class CorruptionSection(Section):
    """On what the trained models are tested for robustness."""

    conditions: Sequence[Annotated[Noise, Field(discriminator="kind")]]
    """Each is applied to the validation and test splits with a fixed seed."""

    @model_validator(mode="after")
    def _is_drawn_once(self) -> Self:
        twice = [i for i, noise in enumerate(self.conditions) if noise in self.conditions[:i]]
        if twice:
            raise ValueError(f".conditions.{twice[0]}: the same as one before it; leave one out")
        fixed = [str(i) for i, noise in enumerate(self.conditions) if noise.drawn != "anew"]
        if fixed:
            raise ValueError(
                f"conditions {', '.join(fixed)}: drawn 'fixed' is for training; each condition is "
                "drawn once with a seed of its own, so leave drawn out"
            )
        return self


def emphasis_problems(emphasis: Emphasis | None, corruption: Corruption) -> list[str]:
    """Give what stands against weighing components by what ``corruption`` does to them."""
    if emphasis is None or isinstance(corruption, Selective):
        return []
    return [
        f"emphasis tells corrupted components from intact ones, and corruption {corruption.kind!r} "
        "does not; use masking, salt_and_pepper, dropout or block, or leave emphasis out"
    ]
