"""Judgements of codes and reconstructions that are made only where they are declared."""

from typing import Annotated, Literal, Self

from pydantic import Field, NonNegativeFloat, PositiveInt, model_validator

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


class Ascent(Section):
    """Gradient ascent to the input that excites a unit most, of all as long as a test sample."""

    steps: PositiveInt
    step_size: Annotated[float, Field(gt=0, le=1)]
    """Of the first step, as a share of the input's length; it falls to 0 evenly."""


class Concepts(Section):
    """For each class the single unit of the code that detects it best (Le et al. 2012)."""

    choose_on: Literal["train", "valid"]
    """Split whose codes choose the unit, at most ``probes.rows`` of them; it is judged on test."""
    ascent: Ascent | None = None
    """Left out: the input that excites a unit most is looked for among test samples alone."""


class Retrieval(Section):
    """Training samples retrieved by the cosine of their codes with a test sample's."""

    at: Annotated[Sequence[PositiveInt], Field(min_length=1)]
    """Numbers of samples retrieved, at each of which precision is told. They come from at most
    ``probes.rows`` labelled training samples."""


class Partition(Section):
    """How the normaliser of a restricted Boltzmann machine is estimated, for likelihoods.

    Annealed importance sampling (Salakhutdinov and Murray 2008); a machine with a layer of at most
    20 Bernoulli units is enumerated instead.
    """

    chains: Annotated[int, Field(ge=2)]
    """Independent estimates; their spread gives the interval."""
    temperatures: PositiveInt
    """Steps from a machine without interactions; doubling them about halves the variance."""


class Likelihood(Section):
    """How well variational networks explain test samples, in nats (Burda et al. 2016)."""

    samples: PositiveInt
    """Draws of the latent variable behind each; 500 and 5,000 are usual."""
    also: Sequence[PositiveInt] = ()
    """Smaller numbers of draws, the first ones of the same, with which the bound is told too."""
    rows: PositiveInt
    """At most this many test samples."""
    binarised: bool
    """Whether networks with a Bernoulli decoder are judged on coins thrown with the grey values,
    as those that are trained so."""

    @model_validator(mode="after")
    def _fewer(self) -> Self:
        if any(count >= self.samples for count in self.also):
            raise ValueError(
                f".also: {max(self.also)} is not below samples, {self.samples}; raise samples"
            )
        return self


class Geometry(Section):
    """How an encoder fills its code and follows its input (Rifai et al. 2011)."""

    rows: Annotated[int, Field(ge=2)]
    """At most this many test samples."""
    projections: PositiveInt
    """Passes backward for the norm of the Jacobian; exact for a code with no more units."""


class Labels(Section):
    """Accuracy of the linear probe as the number of labels grows; needs ``probes.linear``."""

    counts: Annotated[Sequence[Annotated[int, Field(ge=2)]], Field(min_length=1)]
    """Numbers of labels; all that there are, ``probes.rows`` at most, always come last."""
    draws: Annotated[int, Field(ge=2)]
    """Subsets drawn of each number; their spread is in the interval."""


class Clustering(Section):
    """Agreement of the classes with as many clusters of codes, found by k-means."""

    initialisations: PositiveInt
    """Starts of k-means, of which the tightest clustering is kept."""


class Neighbourhood(Section):
    """Whether samples keep their neighbours as codes (Venna and Kaski 2001)."""

    rows: Annotated[int, Field(ge=3)]
    """At most this many test samples; cost grows with the square."""
    neighbours: PositiveInt
    """Size of a neighbourhood; below half of ``rows``."""

    @model_validator(mode="after")
    def _below_half(self) -> Self:
        if 2 * self.neighbours >= self.rows:
            raise ValueError(
                f".neighbours: {self.neighbours} is not below half of rows, {self.rows}; lower it, "
                "or raise rows"
            )
        return self


class Further(Section):
    """Judgements that are made only where they are declared."""

    anomaly: Anomaly | None = None
    """Detection of anomalies by reconstruction error."""
    concepts: Concepts | None = None
    """Units of the code that detect classes."""
    retrieval: Retrieval | None = None
    """Retrieval with codes."""
    likelihood: Likelihood | None = None
    """Bounds of the likelihood of variational networks."""
    geometry: Geometry | None = None
    """The shape of what every encoder does."""
    labels: Labels | None = None
    """Accuracy as a function of the number of labels."""
    clustering: Clustering | None = None
    """Agreement of clusters of codes with the classes."""
    neighbourhood: Neighbourhood | None = None
    """How far codes keep the neighbours of samples."""
    partition: Partition | None = None
    """Likelihoods of restricted Boltzmann machines."""
