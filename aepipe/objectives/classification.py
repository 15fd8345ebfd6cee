"""The loss of a classifier."""

from torch import Generator
from torch.nn.functional import cross_entropy

from aepipe.models.dense import Classifier
from aepipe.objectives.loss import Batch, Corrupt, Loss, Terms


def classification_loss(model: Classifier, corrupt: Corrupt) -> Loss:
    """Cross-entropy of the label, in nats; samples are corrupted in training only."""

    def loss(batch: Batch, noise: Generator, epoch: int) -> Terms:
        logits = model(corrupt(batch.input, noise) if model.training else batch.input)
        return {"cross_entropy": cross_entropy(logits.float(), batch.label)}

    return loss
