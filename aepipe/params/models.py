"""The entries of ``models:``, one union of everything in the catalogue."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from aepipe.params.base import Section, Sequence
from aepipe.params.convolutional import Convolutional
from aepipe.params.corruption import Corruption, NoCorruption
from aepipe.params.dense import Dense, KSparse, Reconstruction
from aepipe.params.energy import Rbm
from aepipe.params.penalties import Penalty
from aepipe.params.sequence import Lstm, Transformer
from aepipe.params.training import Training
from aepipe.params.variational import Variational

Architecture = Annotated[
    Dense | Convolutional | Lstm | Transformer | KSparse, Field(discriminator="kind")
]


class Autoencoder(Section):
    """A network that is trained to reconstruct its uncorrupted input."""

    kind: Literal["autoencoder"]
    architecture: Architecture
    reconstruction: Reconstruction
    corruption: Corruption
    penalties: Sequence[Penalty]
    training: Training

    @property
    def code_size(self) -> int:
        """Features of a code."""
        return self.architecture.code_size

    @model_validator(mode="after")
    def _kl_needs_sigmoid(self) -> Self:
        # codes of every architecture here are linear
        if any(p.kind == "kl_sparsity" for p in self.penalties):
            raise ValueError(
                "kl_sparsity needs units in (0, 1), and this architecture's code is linear; "
                "use it in a layer of stack with activation sigmoid, or use l1"
            )
        return self


Model = Annotated[Autoencoder | Variational | Rbm, Field(discriminator="kind")]


def corruption_of(model: Model) -> Corruption:
    """Give the corruption of the samples that ``model`` is shown in training; most have none."""
    return model.corruption if isinstance(model, Autoencoder) else NoCorruption(kind="none")
