"""The evidence lower bound."""

from torch import Generator

from aepipe.models.vae import VariationalAutoencoder, sample
from aepipe.objectives.divergence import kl_to_standard_normal
from aepipe.objectives.loss import Batch, Loss, Terms
from aepipe.objectives.reconstruction import bernoulli, gaussian


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
