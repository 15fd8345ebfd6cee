"""The seven networks that are measured, on made-up images of the size of MNIST."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import cast, final

import numpy as np
import torch
from torch import Generator, Tensor, nn

from aepipe.corruption.noise import mask
from aepipe.data.parts import Parts, write_parts
from aepipe.models.convolutional import ConvolutionalAutoencoder
from aepipe.models.dense import DeepAutoencoder, DenseLayer
from aepipe.models.rbm import RestrictedBoltzmannMachine
from aepipe.models.vae import VariationalAutoencoder
from aepipe.objectives.autoencoder import Weighted, reconstruction_loss
from aepipe.objectives.contraction import contractive
from aepipe.objectives.contrastive import ContrastiveDivergence
from aepipe.objectives.loss import Loss
from aepipe.objectives.variational import Weighting, evidence_lower_bound

PIXELS, SIDE = 784, 28
ROWS = 20_000  # of the made-up images: more than caches hold
BLOCK = 8192  # random rows that are made at once
MASKED = 0.25  # of the pixels; Vincent et al. (2010), table 2
DEEP = [1000, 500, 250, 30]  # Hinton and Salakhutdinov (2006)
PYTHAE_HIDDEN, PYTHAE_CODE = 512, 10  # the default VAE of pythae

Built = tuple[nn.Module, Loss]


@final
@dataclass(frozen=True, slots=True)
class Network:
    """A network and its loss, made anew at each call.

    Attributes:
        build: gives both; the loss on the device that the network is moved to.
        shape: of one sample.
    """

    build: Callable[[], Built]
    shape: tuple[int, ...] = (PIXELS,)


def images(rows: int = ROWS) -> Tensor:
    """Make ``(rows, 784)`` pixels, most of them black as in MNIST, the same at each call."""
    generator = Generator().manual_seed(0)
    values = torch.randint(0, 256, (rows, PIXELS), dtype=torch.uint8, generator=generator)
    return values * (torch.rand(rows, PIXELS, generator=generator) < 0.2)


def random_parts(folder: Path, rows: int, features: int) -> Parts:
    """Write ``(rows, features)`` bytes drawn at random as an array of parts."""
    random = np.random.default_rng(0)
    return write_parts(
        folder,
        (
            random.integers(0, 256, (min(BLOCK, rows - start), features), dtype=np.uint8)
            for start in range(0, rows, BLOCK)
        ),
    )


def clean(x: Tensor, generator: Generator, index: Tensor | None = None) -> Tensor:
    """Leave a batch as it is."""
    return x


def masked(x: Tensor, generator: Generator, index: Tensor | None = None) -> Tensor:
    """Hide a quarter of the pixels."""
    return mask(x, MASKED, generator)


def _dense() -> Built:
    network = DeepAutoencoder((PIXELS,), [256, 32], ["relu", "linear"], ["relu"], "bernoulli")
    return network, reconstruction_loss(network, "bernoulli", clean, {})


def _layer() -> Built:
    network = DenseLayer(PIXELS, 1000, "sigmoid", tied=True, reconstruction="bernoulli")
    return network, reconstruction_loss(network, "bernoulli", masked, {})


def _deep() -> Built:
    hidden = ["relu"] * (len(DEEP) - 1)
    network = DeepAutoencoder((PIXELS,), DEEP, [*hidden, "linear"], hidden, "bernoulli")
    return network, reconstruction_loss(network, "bernoulli", clean, {})


def _vae() -> Built:
    network = VariationalAutoencoder(
        (PIXELS,),
        {"convolutions": None, "widths": [PYTHAE_HIDDEN], "nonlinearity": "relu"},
        PYTHAE_CODE,
        {"kind": "gaussian", "variance": 1.0},
        "gaussian",
    )
    weighting = Weighting(reconstruction=1.0, divergence=lambda epoch: 1.0, free_bits=0.0)
    return network, evidence_lower_bound(network, weighting, binarised=False)


def _convolutional() -> Built:
    network = ConvolutionalAutoencoder(
        (1, SIDE, SIDE),
        {
            "channels": [16, 32], "kernel": 3, "stride": 2, "padding": 1, "encoder": "strided",
            "decoder": "resize", "activation": "relu", "batch_norm": False,
        },
        32,
        "bernoulli",
    )  # fmt: skip
    return network, reconstruction_loss(network, "bernoulli", clean, {})


def _contractive() -> Built:
    network = DenseLayer(PIXELS, 256, "sigmoid", tied=True, reconstruction="bernoulli")
    weight = cast(Tensor, network.encoder.weight)
    penalty = Weighted(lambda seen: contractive(seen.code, weight), 0.1)
    return network, reconstruction_loss(network, "bernoulli", clean, {"contractive": penalty})


def _rbm() -> Built:
    network = RestrictedBoltzmannMachine((PIXELS,), 500, "bernoulli", "bernoulli", 1.0, "drawn")
    return network, ContrastiveDivergence(network, 1)


NETWORKS = {
    "dense": Network(_dense),
    "denoising layer": Network(_layer),
    "deep": Network(_deep),
    "vae": Network(_vae),
    "convolutional": Network(_convolutional, (1, SIDE, SIDE)),
    "contractive": Network(_contractive),
    "rbm": Network(_rbm),
}
