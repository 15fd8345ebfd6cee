"""How representations are judged, shown and registered."""

import re
from typing import Annotated, Literal, Self

from pydantic import Field, JsonValue, PositiveFloat, PositiveInt, model_validator

from aepipe.params.base import Name, OpenFraction, Section, Sequence
from aepipe.params.gates import Condition
from aepipe.params.judgements import Further

OWN_PROBES = (
    "linear",
    "nearest_neighbours",
    "support_vectors",
    "random_forest",
    "gradient_boosting",
)
HEADS = ("finetuned", "control")  # what stands beside the probes in the tables
OWN_ALIASES = ("champion", "previous")


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
    scale: Literal["each", "together"] = "each"
    """``each`` unit to variance 1; ``together``: all units by one factor, so that units that are
    rarely active, as of sparse codes, stay small."""


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


class Evaluate(Section):
    """Evaluation on the test split, which nothing that learns or chooses reads."""

    representations: Annotated[dict[Name, str], Field(min_length=1)]
    """Name and model folder of what stands beside the entries of ``models:``."""
    seeds: PositiveInt
    """Trainings of every model, each with a seed of its own; the first is the one that is used, and
    more than one tell how much of a figure is chance."""
    probes: Probes
    confidence: OpenFraction
    """Level of every interval."""
    resamples: PositiveInt
    """Bootstrap resamples behind intervals of means, and behind paired tests of errors."""
    examples: PositiveInt
    """Test samples whose reconstructions are shown."""
    batch_size: PositiveInt
    """Samples encoded at once; changes memory, not results."""
    further: Further
    """Judgements that not every pipeline needs."""


class Appraise(Section):
    """What variational networks generate, against the test split and for copies of training."""

    networks: Annotated[dict[Name, str], Field(min_length=1)]
    """Name and model folder of each, the name that it is evaluated under."""
    feature_space: Literal["classifier", "pixels"]
    """In what samples are compared: the code below the fine-tuned classifier's head, or as they
    are."""
    samples: Annotated[int, Field(ge=3)]
    """Draws from the prior, against as many test samples; fewer where those are fewer."""
    neighbours: PositiveInt
    """A sample's ball reaches to this neighbour: k of precision, recall, density and coverage."""
    shown: PositiveInt
    """Pairs of a generated sample and the training sample nearest to it."""

    @model_validator(mode="after")
    def _fewer_neighbours(self) -> Self:
        if self.neighbours >= self.samples:
            raise ValueError(
                f".neighbours: {self.neighbours} is not below samples, {self.samples}; lower it"
            )
        return self


class Registered(Section):
    """A model that ``register`` puts into the MLflow registry."""

    kind: Literal["encoder", "classifier", "vae"]
    """It predicts codes and reconstructions; probabilities and labels; codes and samples."""
    model: Annotated[str, Field(pattern=r"^models/[a-z][a-z0-9_]*$")]
    """Folder of the trained model: one that the pipeline always makes, or that of an entry of
    ``models:``."""


class Registry(Section):
    """What is registered, under which alias, and what makes it the champion."""

    experiment: str
    """MLflow experiment of the training runs and of the registered versions."""
    alias: Name
    """Alias that the newest version carries."""
    models: Annotated[dict[str, Registered], Field(min_length=1)]
    """Registered name and what it is."""
    gates: dict[str, Sequence[Condition]]
    """By registered name what a version must show to become ``champion``; where there is nothing,
    only a person moves that alias."""

    @model_validator(mode="after")
    def _can_be_registered(self) -> Self:
        if self.alias == "latest" or re.fullmatch(r"v\d+", self.alias):
            raise ValueError(
                f".alias = {self.alias!r}: MLflow keeps latest and v1, v2, ... for itself; choose "
                "another"
            )
        odd = [name for name in self.models if not name.strip() or set(name) & set("/:")]
        if odd:
            raise ValueError(f".models.{odd[0]}: expected a name without / and :; rename it")
        if self.alias in OWN_ALIASES:
            raise ValueError(
                f".alias = {self.alias!r}: moves by gates and rollbacks alone; choose another"
            )
        return self
