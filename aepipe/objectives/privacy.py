r"""Semi-adversarial terms: what frozen classifiers are to find in a transformed sample.

Mirjalili, Raschka, Namboodiri and Ross (2018), "Semi-adversarial networks: convolutional
autoencoders for imparting privacy to face images", ICB. With the transformed sample
:math:`x'`, the true groups :math:`k` (kept) and :math:`h` (hidden) and frozen classifiers
:math:`p_k, p_h`, the loss is

.. math::
    \lambda_r D(x', x) - \lambda_k \ln p_k(k \mid x') - \lambda_h \ln p_h(1 - h \mid x')
    \tag{1}

where more than two hidden groups, or the choice of it, put the uniform distribution in the place of
the opposite group:

.. math:: - \lambda_h \tfrac{1}{G} \sum_{g=1}^{G} \ln p_h(g \mid x') \tag{2}

What is different from the paper: its kept attribute is identity, held by the distance of a face
matcher's descriptors, and its hidden one is steered by prototype faces that are given to the
decoder; here both attributes are classes, and there are no prototypes.

No adversary learns along, here as in the paper, so what is hidden from the frozen classifier is not
hidden from one that is trained anew on transformed samples: under equation 1 it has but to turn the
answer round, under equation 2 it reads what the frozen one is left unsure of.
``evaluation.privacy`` measures how much of the attribute such attackers still read: expect most.
"""

from dataclasses import dataclass
from typing import Literal, Protocol, final

from torch import Generator, Tensor, nn
from torch.nn.functional import cross_entropy, log_softmax

from aepipe.models.outputs import Reconstruction
from aepipe.objectives.loss import Batch, Loss, Terms
from aepipe.objectives.reconstruction import distance


class Network(Protocol):
    """Any network with a code and a reconstruction."""

    def encode(self, x: Tensor) -> Tensor:
        """Give the code."""
        ...

    def decode(self, code: Tensor) -> Tensor:
        """Give the raw output."""
        ...

    def mean(self, raw: Tensor) -> Tensor:
        """Turn the raw output into the units of the input."""
        ...


@final
@dataclass(frozen=True, slots=True)
class Judge:
    """A frozen classifier of one attribute.

    Attributes:
        classifier: from samples to logits ``(batch, groups)``; in evaluation mode, no gradients.
        group_of_class: ``(classes,)``, the group of each class, on the classifier's device.
    """

    classifier: nn.Module
    group_of_class: Tensor


@final
@dataclass(frozen=True, slots=True)
class Weights:
    """Factors of the three terms."""

    reconstruction: float
    keep: float
    hide: float


def towards_other(logits: Tensor, group: Tensor) -> Tensor:
    """Cross-entropy against the group that is not true, in nats, mean over the batch.

    Args:
        logits: ``(batch, 2)``.
        group: ``(batch,)``, the true one, 0 or 1.

    Raises:
        ValueError: there are more than two groups, of which none is the other one.
    """
    if logits.shape[1] != 2:
        raise ValueError(f"{logits.shape[1]} groups have no opposite; use towards_uniform")
    return cross_entropy(logits, 1 - group)


def towards_uniform(logits: Tensor) -> Tensor:
    """Cross-entropy against every group being as likely, in nats, mean over the batch.

    Its least value is the logarithm of the number of groups.

    Args:
        logits: ``(batch, groups)``.
    """
    return -log_softmax(logits, dim=1).mean()


def semi_adversarial_loss(
    network: Network,
    reconstruction: Reconstruction,
    judges: tuple[Judge, Judge],
    weights: Weights,
    hiding: Literal["other", "uniform"],
) -> Loss:
    """Stay close to the sample, keep one attribute, hide the other: equations 1 and 2.

    Args:
        network: what is trained.
        reconstruction: the distance of the transformed sample.
        judges: of the kept and of the hidden attribute.
        weights: of the three terms.
        hiding: what the hidden attribute's judge is to be led to.
    """
    keep, hide = judges
    error = distance(reconstruction)

    def loss(batch: Batch, noise: Generator, epoch: int) -> Terms:
        raw = network.decode(network.encode(batch.input)).float()
        transformed = network.mean(raw).view_as(batch.target)
        kept: Tensor = keep.classifier(transformed).float()
        hidden: Tensor = hide.classifier(transformed).float()
        if hiding == "other":
            concealment = towards_other(hidden, hide.group_of_class[batch.label])
        else:
            concealment = towards_uniform(hidden)
        return {
            "reconstruction": weights.reconstruction * error(raw, batch.target.view_as(raw)),
            "keep": weights.keep * cross_entropy(kept, keep.group_of_class[batch.label]),
            "hide": weights.hide * concealment,
        }

    return loss
