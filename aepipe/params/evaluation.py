"""How representations are judged, shown and registered."""

from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, PositiveInt

from aepipe.params.base import Name, OpenFraction, Section


class Generate(Section):
    """Pictures of what the VAE has learned; all from the validation split and the prior."""

    samples: PositiveInt
    """Draws from the prior."""
    reconstructions: PositiveInt
    """Validation samples shown beside their reconstructions."""
    interpolations: PositiveInt
    """Pairs of validation samples between whose codes is interpolated."""
    steps: Annotated[int, Field(ge=3)]
    """Columns of an interpolation or traversal, both ends included."""
    traversal_range: PositiveFloat
    """A traversal moves one latent dimension from minus to plus this many standard deviations."""
    traversal_dimensions: PositiveInt
    """How many dimensions are traversed, those of the largest KL first."""


class LinearProbe(Section):
    """Multinomial logistic regression on standardised codes."""

    inverse_penalties: Annotated[tuple[PositiveFloat, ...], Field(strict=False, min_length=1)]
    """Candidates for C, chosen on validation."""


class NearestNeighbours(Section):
    """k-nearest-neighbour vote on standardised codes."""

    neighbours: Annotated[tuple[PositiveInt, ...], Field(strict=False, min_length=1)]
    """Candidates for k, chosen on validation."""


class SupportVectors(Section):
    """Support vector machine with a Gaussian kernel on standardised codes."""

    inverse_penalties: Annotated[tuple[PositiveFloat, ...], Field(strict=False, min_length=1)]
    """Candidates for C, chosen on validation."""
    gammas: Annotated[tuple[PositiveFloat, ...], Field(strict=False, min_length=1)]
    """Candidates for the kernel's gamma times the code size, chosen on validation."""


class RandomForest(Section):
    """Random forest (Breiman 2001)."""

    trees: PositiveInt
    leaf_sizes: Annotated[tuple[PositiveInt, ...], Field(strict=False, min_length=1)]
    """Candidates for the least samples in a leaf, chosen on validation."""


class GradientBoosting(Section):
    """Histogram gradient boosting, stopped early on validation."""

    rounds: PositiveInt
    """At most this many."""
    learning_rates: Annotated[tuple[PositiveFloat, ...], Field(strict=False, min_length=1)]
    """Candidates, chosen on validation."""


class Probes(Section):
    """Classifiers trained on frozen codes."""

    linear: LinearProbe
    nearest_neighbours: NearestNeighbours
    support_vectors: SupportVectors
    random_forest: RandomForest
    gradient_boosting: GradientBoosting
    rows: PositiveInt
    """At most this many training samples (stratified), the same for every representation."""


class Likelihood(Section):
    """How well variational networks explain test samples, in nats (Burda et al. 2016)."""

    samples: PositiveInt
    """Draws of the latent variable behind each; 500 and 5,000 are usual."""
    rows: PositiveInt
    """At most this many test samples."""
    binarised: bool
    """Whether networks with a Bernoulli decoder are judged on coins thrown with the grey values,
    as those that are trained so."""


class Evaluate(Section):
    """Evaluation on the test split, which no other stage reads."""

    representations: Annotated[dict[Name, str], Field(min_length=1)]
    """Name and model folder of what stands beside the entries of ``models:``."""
    probes: Probes
    confidence: OpenFraction
    """Level of every interval."""
    resamples: PositiveInt
    """Bootstrap resamples behind intervals of means, and behind paired tests of errors."""
    examples: PositiveInt
    """Test samples whose reconstructions are shown."""
    batch_size: PositiveInt
    """Samples encoded at once; changes memory, not results."""
    likelihood: Likelihood | None
    """Of variational networks; null leaves it out."""


class Registered(Section):
    """A model that ``register`` puts into the MLflow registry."""

    kind: Literal["encoder", "classifier", "vae"]
    """It predicts codes and reconstructions; probabilities and labels; codes and samples."""
    model: Literal["models/autoencoder", "models/classifier", "models/vae"]
    """Folder of the trained model."""


class Registry(Section):
    """What is registered, and under which alias."""

    experiment: str
    """MLflow experiment of the training runs and of the registered versions."""
    alias: Name
    """Alias that the newest version carries."""
    models: Annotated[dict[str, Registered], Field(min_length=1)]
    """Registered name and what it is."""
