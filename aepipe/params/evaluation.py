"""How representations are judged, shown and registered."""

from typing import Annotated, Literal, Self

from pydantic import Field, JsonValue, PositiveFloat, PositiveInt, model_validator

from aepipe.params.base import Name, OpenFraction, Section

OWN_PROBES = (
    "linear",
    "nearest_neighbours",
    "support_vectors",
    "random_forest",
    "gradient_boosting",
)
HEADS = ("finetuned", "control")  # what stands beside the probes in the tables


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


class Estimator(Section):
    """Any classifier of scikit-learn, on standardised codes."""

    estimator: Annotated[str, Field(pattern=r"^[A-Z][A-Za-z0-9]*$")]
    """Its class name, such as GaussianNB; one that needs no other estimator inside it."""
    settings: dict[str, JsonValue] = Field(default_factory=dict)
    """Values of its own parameters; those that are not named keep scikit-learn's defaults."""
    candidates: dict[str, Annotated[tuple[JsonValue, ...], Field(strict=False, min_length=1)]] = (
        Field(default_factory=dict)
    )
    """Parameters with several values; the combination is chosen on validation."""


class Probes(Section):
    """Classifiers trained on frozen codes; one that is left out is not run."""

    linear: LinearProbe | None = None
    """The one whose accuracy under corruption is told; without it, none is."""
    nearest_neighbours: NearestNeighbours | None = None
    support_vectors: SupportVectors | None = None
    random_forest: RandomForest | None = None
    gradient_boosting: GradientBoosting | None = None
    others: dict[Name, Estimator] = Field(default_factory=dict)
    """Further classifiers of scikit-learn, by names of your own."""
    rows: PositiveInt
    """At most this many training samples (stratified), the same for every representation."""

    @model_validator(mode="after")
    def _some(self) -> Self:
        if not self.others and all(getattr(self, name) is None for name in OWN_PROBES):
            raise ValueError(
                f"no probe is declared; expected one of {', '.join(OWN_PROBES)}, or others"
            )
        taken = [name for name in self.others if name in (*OWN_PROBES, *HEADS)]
        if taken:
            raise ValueError(
                "\n".join(f".others.{n}: the name is taken; choose another" for n in taken)
            )
        return self


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
    rows: PositiveInt
    """At most this many test samples."""
    binarised: bool
    """Whether networks with a Bernoulli decoder are judged on coins thrown with the grey values,
    as those that are trained so."""


class Geometry(Section):
    """How an encoder fills its code and follows its input (Rifai et al. 2011)."""

    rows: PositiveInt
    """At most this many test samples."""
    projections: PositiveInt
    """Passes backward for the norm of the Jacobian; exact for a code with no more units."""


class Evaluate(Section):
    """Evaluation on the test split, which no other stage reads."""

    representations: Annotated[dict[Name, str], Field(min_length=1)]
    """Name and model folder of what stands beside the entries of ``models:``."""
    probes: Probes
    partition: Partition | None
    """For likelihoods of restricted Boltzmann machines; null leaves them out."""
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
    geometry: Geometry | None
    """Of every encoder; null leaves it out."""


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
