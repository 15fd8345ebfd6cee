"""The entries of ``sweep:``, each one model with many settings of some of its numbers."""

from typing import Annotated, Literal, Self

from pydantic import Field, JsonValue, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from aepipe.params.base import Section, Sequence
from aepipe.params.evaluation import LinearProbe
from aepipe.params.models import Autoencoder


class Uniform(Section):
    """A number, each between two ends as likely."""

    kind: Literal["uniform"]
    low: float
    high: float

    @model_validator(mode="after")
    def _ascends(self) -> Self:
        _require_ascent(self.low, self.high)
        return self


class LogUniform(Section):
    """A number, each order of magnitude between two ends as likely."""

    kind: Literal["log_uniform"]
    low: PositiveFloat
    high: PositiveFloat

    @model_validator(mode="after")
    def _ascends(self) -> Self:
        _require_ascent(self.low, self.high)
        return self


class Integers(Section):
    """A whole number, each from ``low`` to ``high`` as likely, both included."""

    kind: Literal["integers"]
    low: int
    high: int

    @model_validator(mode="after")
    def _ascends(self) -> Self:
        _require_ascent(self.low, self.high)
        return self


class Choice(Section):
    """One of several values, each as likely."""

    kind: Literal["choice"]
    values: Annotated[Sequence[JsonValue], Field(min_length=1)]


Range = Annotated[Uniform | LogUniform | Integers | Choice, Field(discriminator="kind")]


class Grid(Section):
    """Every combination of the values."""

    kind: Literal["grid"]
    values: Annotated[
        dict[str, Annotated[Sequence[JsonValue], Field(min_length=1)]], Field(min_length=1)
    ]
    """By key path in ``model``: ``training.learning_rate``, ``penalties.0.weight``."""


class RandomSample(Section):
    """Combinations that are drawn (Bergstra and Bengio 2012): more values of each number."""

    kind: Literal["random"]
    members: PositiveInt
    """Drawn combinations; one that is drawn twice counts once."""
    ranges: Annotated[dict[str, Range], Field(min_length=1)]
    """By key path in ``model``. Each has a stream of its own, derived from the pipeline's seed."""


class ByClassification(Section):
    """Lowest error of a linear classifier on the codes of the validation split.

    Vincent et al. (2010), section 6, chose by the validation error of classification, too, for
    denoising errors under different noises say nothing about each other. Theirs was the fine-tuned
    network's; here the codes are frozen. Of equals, the lowest reconstruction error.
    """

    by: Literal["classification"]
    probe: LinearProbe
    rows: PositiveInt
    """Labelled training samples at most that it is fitted on."""


class ByReconstruction(Section):
    """Lowest reconstruction error of the validation split, uncorrupted, without penalties."""

    by: Literal["reconstruction"]


class ByLoss(Section):
    """Lowest loss on the validation split, as training sees it."""

    by: Literal["loss"]


Choose = Annotated[ByClassification | ByReconstruction | ByLoss, Field(discriminator="by")]


class Sweep(Section):
    """One model, trained with many settings in one program."""

    model: Autoencoder
    """As an entry of ``models:``; what ``search`` names takes other values."""
    search: Annotated[Grid | RandomSample, Field(discriminator="kind")]
    seeds: Annotated[Sequence[NonNegativeInt], Field(min_length=1)] | None = None
    """Each setting is trained with each, and judged by the mean; left out: the pipeline's own."""
    choose: Choose
    """What decides on the validation split which setting is best."""


def _require_ascent(low: float, high: float) -> None:
    if low >= high:
        raise ValueError(f"low {low} is not below high {high}; change one of them")
