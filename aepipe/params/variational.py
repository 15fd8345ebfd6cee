"""Variational autoencoders."""

from typing import Annotated, Literal, Self

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, model_validator

from aepipe.params.base import Section, Sequence
from aepipe.params.convolutional import Convolutions
from aepipe.params.training import Training

LEAST_COORDINATES = 2  # of a sphere: the circle


class BernoulliDecoder(Section):
    """Pixels are coin tosses; needs data in [0, 1] (Kingma and Welling 2014, appendix C.1)."""

    kind: Literal["bernoulli"]


class GaussianDecoder(Section):
    """Pixels are normal around the decoder's mean (Kingma and Welling 2014, appendix C.2)."""

    kind: Literal["gaussian"]
    variance: PositiveFloat | Literal["learned"]
    """Fixed, in squared scaled units; or one learned value for all features."""


class DiscretisedDecoder(Section):
    """Pixels have so many values; a logistic distribution is cut into them (Salimans et al. 2017).

    Needs whole numbers from 0 to ``levels - 1`` that ``scaling: range`` has brought to [0, 1].
    """

    kind: Literal["discretised_logistic"]
    levels: Annotated[int, Field(ge=2)]
    """Values that a pixel can have: 256 for 8-bit images."""


Decoder = Annotated[
    BernoulliDecoder | GaussianDecoder | DiscretisedDecoder, Field(discriminator="kind")
]


class GaussianPosterior(Section):
    """A diagonal Gaussian posterior, against a standard normal prior (Kingma and Welling 2014)."""

    kind: Literal["gaussian"]


class VonMisesFisherPosterior(Section):
    """A von Mises-Fisher posterior, against a uniform prior on the sphere (Davidson et al. 2018).

    The sphere in ``code_size`` coordinates has ``code_size - 1`` dimensions.
    """

    kind: Literal["von_mises_fisher"]


Posterior = Annotated[GaussianPosterior | VonMisesFisherPosterior, Field(discriminator="kind")]
GAUSSIAN = GaussianPosterior(kind="gaussian")


class Upper(Section):
    """A second latent variable, above the code (Burda et al. 2016, section 5)."""

    widths: Sequence[PositiveInt]
    """Hidden widths from the code to it; the way back mirrors them."""
    code_size: PositiveInt
    """Its features."""


class Cycles(Section):
    """The weight of the KL term rises from 0 again and again (Fu et al. 2019)."""

    count: PositiveInt
    """Cycles in the whole training; the paper has 4."""
    rise: Annotated[float, Field(gt=0, le=1)]
    """Share of a cycle in which the weight rises, before it stays; the paper has 0.5."""


class Variational(Section):
    """Encoder, posterior, decoder and likelihood, trained by a bound (Kingma and Welling 2014)."""

    kind: Literal["variational"]
    convolutions: Convolutions | None = None
    """Before the encoder's dense layers, and mirrored after the decoder's; left out: none."""
    widths: Sequence[PositiveInt]
    """Hidden widths of the encoder's dense layers, input side first; the decoder mirrors them."""
    code_size: PositiveInt
    """Coordinates of the latent variable."""
    posterior: Posterior = GAUSSIAN
    """Family of posterior and prior; left out: Gaussian."""
    upper: Upper | None = None
    """A second latent variable above the code; left out: one."""
    activation: Literal["tanh", "relu", "silu"]
    decoder: Decoder
    binarised: bool = False
    """Each presentation draws every pixel as a coin with its grey value; Bernoulli decoder only."""
    importance_samples: Annotated[int, Field(ge=2)] | None = None
    """Draws behind the importance-weighted bound (Burda et al. 2016); left out: the ELBO."""
    reconstruction_weight: NonNegativeFloat = 1.0
    """Factor of the reconstruction term, 1 where it is left out; 0 leaves the KL term alone."""
    kl_weight: NonNegativeFloat
    """1 is the evidence lower bound; other values are a beta-VAE's (Higgins et al. 2017); 0 leaves
    reconstruction alone."""
    warmup_epochs: Annotated[int, Field(ge=0)]
    """Epochs over which the weight of the KL term rises linearly from 0."""
    cycles: Cycles | None = None
    """Instead of a warm-up."""
    free_bits: PositiveFloat | None = None
    """Nats of each latent dimension that cost nothing (Kingma et al. 2016); of the whole latent
    variable where its posterior is von Mises-Fisher."""
    training: Training

    @model_validator(mode="after")
    def _fits(self) -> Self:
        problems = [*_latent_problems(self), *_objective_problems(self)]
        if problems:
            raise ValueError("; ".join(problems))
        return self


def _latent_problems(config: Variational) -> list[str]:
    problems: list[str] = []
    spherical = isinstance(config.posterior, VonMisesFisherPosterior)
    if spherical and config.code_size < LEAST_COORDINATES:
        problems.append(
            f"posterior von_mises_fisher needs a code_size of at least {LEAST_COORDINATES} "
            f"coordinates, which make a circle, not {config.code_size}; raise it"
        )
    if spherical and config.upper:
        problems.append("upper needs posterior gaussian for both variables; leave one of them out")
    if config.binarised and config.decoder.kind != "bernoulli":
        problems.append(
            f"binarised draws zeros and ones, for decoder bernoulli, not {config.decoder.kind}; "
            "leave it out, or use that decoder"
        )
    return problems


def _objective_problems(config: Variational) -> list[str]:
    problems: list[str] = []
    if not config.kl_weight and not config.reconstruction_weight:
        problems.append(
            "kl_weight and reconstruction_weight are both 0, so nothing is learned; raise one"
        )
    epochs = config.training.epochs
    if config.warmup_epochs > epochs:
        problems.append(
            f"warmup_epochs {config.warmup_epochs} is more than the {epochs} epochs of training, "
            "so that the KL term never has its whole weight; lower it, or raise training.epochs"
        )
    if config.cycles:
        last = config.training.epochs / config.cycles.count
        if config.warmup_epochs:
            problems.append(
                f"cycles and warmup_epochs {config.warmup_epochs}: expected one of them; leave "
                "cycles out, or set warmup_epochs to 0"
            )
        if last * (1 - config.cycles.rise) < 1:
            problems.append(
                f"cycles: {config.cycles.count} in {config.training.epochs} epochs leave no epoch "
                f"at full weight after a rise of {config.cycles.rise}; lower count or rise"
            )
    if config.importance_samples and (
        config.kl_weight != 1
        or config.reconstruction_weight != 1
        or config.warmup_epochs
        or config.cycles
        or config.free_bits
    ):
        problems.append(
            "importance_samples has no KL term to weigh; expected kl_weight 1.0, warmup_epochs 0, "
            "and no reconstruction_weight, cycles or free_bits"
        )
    return problems
