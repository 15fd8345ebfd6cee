"""The entries of ``models:``, one union of everything in the catalogue."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from aepipe.params.base import Section, Sequence
from aepipe.params.convolutional import Convolutional
from aepipe.params.corruption import Corruption, Emphasis, NoCorruption, emphasis_problems
from aepipe.params.dense import Dense, Linear, Reconstruction
from aepipe.params.energy import Rbm
from aepipe.params.penalties import CodeFacts, Penalty, penalty_problems
from aepipe.params.privacy import (
    Attribute,
    AttributeClassifiers,
    PrivacyWeights,
    attribute_problems,
)
from aepipe.params.sequence import Lstm, MaskedSteps, Transformer
from aepipe.params.sparsity import KSparse, sparsity_problems
from aepipe.params.training import Training
from aepipe.params.variational import Variational

Architecture = Annotated[
    Linear | Dense | Convolutional | Lstm | Transformer, Field(discriminator="kind")
]


class Autoencoder(Section):
    """A network that is trained to reconstruct its uncorrupted input."""

    kind: Literal["autoencoder"]
    architecture: Architecture
    reconstruction: Reconstruction
    """``bernoulli``: cross-entropy, for data in [0, 1]; ``squared`` or ``absolute``: error."""
    corruption: Corruption
    """Of the input while training."""
    emphasis: Emphasis | None = None
    """Left out: all components weigh the same in the reconstruction error."""
    sparsity: KSparse | None = None
    """Left out: all units of the code count."""
    penalties: Sequence[Penalty]
    """Added to the reconstruction error."""
    training: Training

    @property
    def code_size(self) -> int:
        """Features of a code."""
        return self.architecture.code_size

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        facts = code_facts(self.architecture, self.sparsity is not None)
        problems = [
            *penalty_problems(self.penalties, facts),
            *sparsity_problems(self.sparsity, self.code_size, self.training.epochs),
            *self._sequence_problems(),
            *emphasis_problems(self.emphasis, self.corruption),
        ]
        if problems:
            raise ValueError("\n".join(problems))
        return self

    def _sequence_problems(self) -> list[str]:
        """Ways of showing steps that a wrapped network could not be trained in."""
        match self.architecture:
            case Lstm(decoder="conditional") if self.sparsity:
                return [".sparsity: not with decoder conditional; use decoder unconditional"]
            case Transformer(masking=MaskedSteps()) if self.sparsity:
                return [".sparsity: not with masking; leave one of them out"]
            case _:
                return []


class SemiAdversarial(Section):
    """A network that keeps one attribute readable and hides another (Mirjalili et al. 2018)."""

    kind: Literal["semi_adversarial"]
    architecture: Architecture
    reconstruction: Reconstruction
    keep: Attribute
    """The attribute that stays readable: groups by name, each a list of classes."""
    hide: Attribute
    """The attribute that is hidden; keep must not tell it."""
    hiding: Literal["other", "uniform"]
    """What the frozen classifier of ``hide`` is to say: ``other``, the opposite of the truth, as in
    the paper, for two groups; ``uniform``, every group as likely, for any number."""
    weights: PrivacyWeights
    classifiers: AttributeClassifiers
    training: Training

    @property
    def code_size(self) -> int:
        """Features of a code."""
        return self.architecture.code_size

    @model_validator(mode="after")
    def _attributes(self) -> Self:
        problems = attribute_problems(self.keep, self.hide)
        if self.hiding == "other" and len(self.hide) > 2:
            problems.append(
                f".hiding = 'other' needs two groups, and hide has {len(self.hide)}: "
                f"{', '.join(self.hide)}; use 'uniform'"
            )
        if problems:
            raise ValueError("\n".join(problems))
        return self


OneNetwork = Autoencoder | Variational | Rbm  # what one loss trains
Model = Annotated[OneNetwork | SemiAdversarial, Field(discriminator="kind")]


def corruption_of(model: Model) -> Corruption:
    """Give the corruption of the samples that ``model`` is shown in training; most have none."""
    return model.corruption if isinstance(model, Autoencoder) else NoCorruption(kind="none")


def code_facts(architecture: Architecture, sparse: bool) -> CodeFacts:
    """Give what decides which penalties the encoder of ``architecture`` can have."""
    if isinstance(architecture, Linear):
        return CodeFacts("linear", 1, sparse, batch_normalised=False)
    if isinstance(architecture, Dense):
        return CodeFacts(
            architecture.code_activation,
            len(architecture.widths) + 1,
            sparse,
            batch_normalised=architecture.normalisation == "batch",
        )
    if isinstance(architecture, Convolutional):
        layers = len(architecture.channels) + 1
        return CodeFacts("linear", layers, sparse, batch_normalised=architecture.batch_norm)
    # sequences end in a linear code, after what each layer does at every step
    return CodeFacts("linear", architecture.layers + 1, sparse, batch_normalised=False)
