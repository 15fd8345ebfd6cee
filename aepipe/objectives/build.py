"""From params sections to losses; the only place that knows sections, networks and terms."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, assert_never, final

from torch import Generator, Tensor
from torch.nn.functional import cross_entropy

from aepipe.models.dense import Classifier
from aepipe.models.vae import VariationalAutoencoder, sample
from aepipe.objectives.divergence import kl_to_standard_normal
from aepipe.objectives.penalties import kl_sparsity, l1
from aepipe.objectives.reconstruction import bernoulli, gaussian, squared_error
from aepipe.params.training import L1, KLSparsity, Penalty

Corrupt = Callable[[Tensor, Generator], Tensor]
Terms = dict[str, Tensor]


@final
@dataclass(frozen=True, slots=True)
class Batch:
    """Samples of one step.

    Attributes:
        input: ``(batch, *shape)``, what the network is shown before corruption: the clean samples,
            or the noisy version that the data source supplies.
        target: ``(batch, *shape)``, the clean samples.
        label: ``(batch,)``, integers; empty where training does not use labels.
    """

    input: Tensor
    target: Tensor
    label: Tensor


Loss = Callable[[Batch, Generator, int], Terms]


class Autoencoder(Protocol):
    """Any network with a code and a reconstruction."""

    def encode(self, x: Tensor) -> Tensor:
        """Give the code."""
        ...

    def decode(self, code: Tensor) -> Tensor:
        """Give the raw output."""
        ...


def autoencoder_loss(
    model: Autoencoder,
    reconstruction: Literal["squared", "bernoulli"],
    corrupt: Corrupt,
    penalties: Sequence[Penalty],
) -> Loss:
    """Reconstruct the clean sample from a corrupted one, with penalties on the code.

    Vincent et al. (2010), JMLR 11:3371, section 3.
    """
    distance = bernoulli if reconstruction == "bernoulli" else squared_error

    def loss(batch: Batch, noise: Generator, epoch: int) -> Terms:
        code = model.encode(corrupt(batch.input, noise))
        raw = model.decode(code)
        # the loss in float32, whatever the matrix products were done in
        terms = {"reconstruction": distance(raw.float(), batch.target.view_as(raw))}
        for penalty in penalties:
            terms[penalty.kind] = penalty.weight * _penalty(penalty, code.float())
        return terms

    return loss


def vae_loss(model: VariationalAutoencoder, kl_weight: float, warmup_epochs: int) -> Loss:
    """Negative evidence lower bound with one sample of the posterior.

    Kingma and Welling (2014), equation 10 with L = 1; ``kl_weight`` other than 1 is Higgins et al.
    (2017); the warm-up is Sonderby et al. (2016), section 2.3.
    """

    def loss(batch: Batch, noise: Generator, epoch: int) -> Terms:
        mean, log_variance = (value.float() for value in model.posterior(batch.input))
        raw = model.decode(sample(mean, log_variance, noise)).float()
        weight = kl_weight * min(1.0, epoch / warmup_epochs if warmup_epochs else 1.0)
        divergence = kl_to_standard_normal(mean, log_variance).sum(dim=1).mean()
        if model.likelihood == "bernoulli":
            reconstruction = bernoulli(raw, batch.target)
        else:
            reconstruction = gaussian(raw, batch.target, model.log_variance)
        return {"reconstruction": reconstruction, "kl": weight * divergence}

    return loss


def classification_loss(model: Classifier, corrupt: Corrupt) -> Loss:
    """Cross-entropy of the label, in nats; samples are corrupted in training only."""

    def loss(batch: Batch, noise: Generator, epoch: int) -> Terms:
        logits = model(corrupt(batch.input, noise) if model.training else batch.input)
        return {"cross_entropy": cross_entropy(logits.float(), batch.label)}

    return loss


def _penalty(penalty: Penalty, code: Tensor) -> Tensor:
    match penalty:
        case L1():
            return l1(code)
        case KLSparsity(target=target):
            return kl_sparsity(code, target)
        case _:
            assert_never(penalty)
