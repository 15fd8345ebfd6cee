"""The loss of a classifier."""

from torch import Generator
from torch.nn.functional import cross_entropy

from aepipe.corruption.noise import Corrupt
from aepipe.models.dense import Classifier
from aepipe.objectives.loss import Batch, Loss, Terms


def classification_loss(model: Classifier, corrupt: Corrupt) -> Loss:
    """Cross-entropy of the label, in nats; samples are corrupted in training only."""

    def loss(batch: Batch, noise: Generator, epoch: int) -> Terms:
        shown = batch.input
        if model.training:
            shown = corrupt(shown, noise, batch.index)
        logits = model(shown)
        return {"cross_entropy": cross_entropy(logits.float(), batch.label)}

    return loss
