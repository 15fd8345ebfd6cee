"""Judgements of codes and reconstructions that are made only where they are declared."""

from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, PositiveInt

from aepipe.params.base import OpenFraction, Section, Sequence
from aepipe.params.data import ClassName


class MeanPlusDeviations(Section):
    """The mean of the training errors plus so many of their standard deviations."""

    kind: Literal["mean_plus_deviations"]
    deviations: NonNegativeFloat


class Quantile(Section):
    """The training error that a share ``level`` of training samples does not exceed."""

    kind: Literal["quantile"]
    level: OpenFraction


Threshold = Annotated[MeanPlusDeviations | Quantile, Field(discriminator="kind")]


class Anomaly(Section):
    """Anomalies told by their reconstruction error; for every representation that reconstructs."""

    normal: Annotated[Sequence[ClassName], Field(min_length=1)]
    """Classes that are normal; all others are anomalous. ``data.train_on`` declares on which
    classes models are trained."""
    threshold: Threshold
    """Error above which a sample counts as anomalous, from errors of training samples alone."""
    positive: Literal["normal", "anomalous"]
    """Which of both precision and recall are of."""
    error: Literal["squared", "absolute"]
    """Summed over features."""


class Concepts(Section):
    """For each class the single unit of the code that detects it best (Le et al. 2012)."""

    choose_on: Literal["train", "valid"]
    """Split whose codes choose the unit, at most ``probes.rows`` of them; it is judged on test."""


class Retrieval(Section):
    """Training samples retrieved by the cosine of their codes with a test sample's."""

    at: Annotated[Sequence[PositiveInt], Field(min_length=1)]
    """Numbers of samples retrieved, at each of which precision is told. They come from at most
    ``probes.rows`` labelled training samples."""
