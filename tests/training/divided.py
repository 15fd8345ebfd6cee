"""What test_parallel.py trains, alone or as one of several: ``python divided.py FOLDER``."""

import sys
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import distributed

from aepipe.corruption.noise import add_gaussian, fixed, mask
from aepipe.models.dense import Classifier, DeepAutoencoder
from aepipe.models.k_sparse import KSparse
from aepipe.models.vae import VariationalAutoencoder
from aepipe.monitor import Silent
from aepipe.objectives.build.autoencoder import autoencoder_loss
from aepipe.objectives.classification import classification_loss
from aepipe.objectives.variational import Weighting, evidence_lower_bound, linear_warmup
from aepipe.params.penalties import L1, Contractive, WeightL2
from aepipe.training.feed import Feed, Resident
from aepipe.training.loop import Schedule, fit
from aepipe.training.parallel import join
from aepipe.training.state import Randomness

SAMPLES, FEATURES, BATCH = 46, 8, 15  # shares of 7 and 8; and 0 and 1 in the last batch
SCHEDULE = Schedule(4, 0.01, "cosine", 0.01, 4, "float32")


def dense():
    model = DeepAutoencoder((FEATURES,), [6, 4], ["tanh", "linear"], ["tanh"], "squared")
    penalties = (L1(kind="l1", weight=0.01), WeightL2(kind="weight_l2", weight=0.001))
    return model, autoencoder_loss(model, "squared", masked, penalties)


def contractive():
    model = DeepAutoencoder((FEATURES,), [5], ["sigmoid"], [], "squared")
    penalties = (Contractive(kind="contractive", weight=0.1),)
    return model, autoencoder_loss(model, "squared", kept, penalties)


def sparse():
    network = DeepAutoencoder((FEATURES,), [12], ["linear"], [], "squared")
    model = KSparse(network, k=3, evaluation_k=3, start_k=6, epochs=2)
    return model, autoencoder_loss(model, "squared", masked, ())


def classifier():
    model = Classifier((FEATURES,), [6, 4], ["tanh", "linear"], classes=3, dropout=0.3)
    return model, classification_loss(model, noisy)


def vae():
    trunk = {"convolutions": None, "widths": [6], "nonlinearity": "silu"}
    likelihood = {"kind": "bernoulli"}
    model = VariationalAutoencoder((FEATURES,), trunk, 3, likelihood, "gaussian")
    weighting = Weighting(1.0, linear_warmup(1.0, 2), 0.0)
    return model, evidence_lower_bound(model, weighting, binarised=True)


def masked(x, generator, index):
    return mask(x, 0.3, generator)


def noisy(x, generator, index):
    return add_gaussian(x, 0.2, generator)


def kept(x, generator, index):
    return fixed(lambda rows, own: mask(rows, 0.3, own), x, generator, index)


BUILT = {each.__name__: each for each in (dense, contractive, sparse, classifier, vae)}


def train(name: str) -> dict[str, torch.Tensor]:
    """Train one of the networks; the history stands beside its weights."""
    rows = torch.from_numpy(np.random.default_rng(0).random((SAMPLES, FEATURES), np.float32))
    read = Resident(rows, torch.tensor(1.0), torch.tensor(0.0))
    labels = torch.arange(SAMPLES) % 3
    feed = Feed(read, read, labels, torch.arange(SAMPLES), BATCH)
    torch.manual_seed(0)
    model, loss = BUILT[name]()
    randomness = Randomness(
        order=torch.Generator().manual_seed(1),
        noise=torch.Generator().manual_seed(2),
        validation=lambda: torch.Generator().manual_seed(3),
    )
    history = fit(model, loss, (feed, feed), SCHEDULE, randomness, Silent())
    told = torch.tensor([[*row.values()] for row in history], dtype=torch.float64)
    return {"history": told, **{k: v.clone() for k, v in model.state_dict().items()}}


if __name__ == "__main__":
    join()
    for built in BUILT:
        save_file(train(built), Path(sys.argv[1]) / f"{built}.{distributed.get_rank()}.safetensors")
