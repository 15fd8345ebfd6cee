"""What people would use instead: a loop over a DataLoader, Lightning, pythae, scikit-learn.

All are given the images as float32 tensors in memory, which is the fastest that they take, and
their own defaults for the rest. What starts and ends a training is left out for pythae, whose
``train`` would write to disk; for Lightning it is part of each round.
"""

import contextlib
import io
import logging
import warnings
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any, cast

import torch
from sklearn.neural_network import BernoulliRBM, MLPRegressor
from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset

from aepipe.objectives.loss import Batch, Loss
from benchmarks.measure import Work
from benchmarks.networks import DEEP, PIXELS, PYTHAE_CODE
from benchmarks.trainer import RATE, Setting, build, randomness


def scaled(setting: Setting, times: int) -> Tensor:
    """Give the images of so many steps, in float32 on the processor."""
    rows = setting.stored[torch.arange(times * setting.batch) % len(setting.stored)]
    return rows.cpu().float().div(255).view(-1, *setting.network.shape)


def plain_loop(setting: Setting) -> Work:
    """A loop as tutorials have it: DataLoader, Adam, one loss read each step."""
    model, loss = build(setting)

    def work(times: int) -> None:
        loader = DataLoader(TensorDataset(scaled(setting, times)), setting.batch, shuffle=True)
        optimizer = torch.optim.Adam(model.parameters(), RATE)
        noise, total = randomness(setting.device).noise, 0.0
        for (x,) in loader:
            optimizer.zero_grad()
            value = _loss(loss, x.to(setting.device), noise, setting)
            value.backward()
            optimizer.step()
            total += value.item()

    return work


def lightning(setting: Setting) -> Work:
    """A Lightning module with a DataLoader, and a trainer that logs, saves and draws nothing."""
    from aepipe.data.torchvision_operators import define_missing_operators

    define_missing_operators()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import lightning.pytorch as pl
    _silence("lightning")
    network, loss = build(setting)
    noise = randomness(setting.device).noise

    class Module(pl.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def training_step(self, batch: list[Tensor], number: int) -> Tensor:
            return _total(loss, batch[0], noise)

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.Adam(self.parameters(), RATE)

    module = Module()

    def work(times: int) -> None:
        loader = DataLoader(TensorDataset(scaled(setting, times)), setting.batch, shuffle=True)
        with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            trainer = pl.Trainer(
                max_epochs=1, logger=False, enable_checkpointing=False, enable_progress_bar=False,
                enable_model_summary=False, accelerator=setting.device.type, devices=1,
                precision="bf16-mixed" if setting.precision == "bfloat16" else "32-true",
            )  # fmt: skip
            trainer.fit(module, loader)

    return work


def pythae(setting: Setting) -> Work:
    """Pythae's trainer on its own default VAE: its epochs alone, without its start and its end."""
    with contextlib.redirect_stderr(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pythae.data.datasets import BaseDataset
        from pythae.models import VAE, VAEConfig
        from pythae.trainers import BaseTrainer, BaseTrainerConfig
    _silence("pythae")
    model = VAE(VAEConfig(input_dim=(PIXELS,), latent_dim=PYTHAE_CODE))

    def work(times: int) -> None:
        x = scaled(setting, times)
        config = BaseTrainerConfig(
            output_dir="build/pythae", num_epochs=1, learning_rate=RATE,
            per_device_train_batch_size=setting.batch, no_cuda=setting.device.type == "cpu",
        )  # fmt: skip
        with contextlib.redirect_stderr(io.StringIO()):
            trainer = BaseTrainer(model, BaseDataset(x, torch.zeros(len(x))), None, config)
            trainer.prepare_training()
            trainer.train_step(1)

    return work


def multilayer_perceptron(setting: Setting) -> Work:
    """scikit-learn's MLP, told to give its input back; the network is the deep one."""
    sizes = [*DEEP, *DEEP[-2::-1]]

    def work(times: int) -> None:
        x = scaled(setting, times).numpy()
        network = MLPRegressor(
            hidden_layer_sizes=sizes, batch_size=setting.batch, learning_rate_init=RATE, max_iter=1
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that one epoch does not converge
            network.fit(x, x)

    return work


def boltzmann_machine(setting: Setting) -> Work:
    """scikit-learn's BernoulliRBM, which learns by persistent chains of one step."""

    def work(times: int) -> None:
        x = scaled(setting, times).numpy()
        BernoulliRBM(500, learning_rate=0.1, batch_size=setting.batch, n_iter=1).fit(x)

    return work


PEERS: dict[str, dict[str, Callable[[Setting], Work]]] = {
    "vae": {"pythae": pythae, "lightning": lightning, "plain loop": plain_loop},
    "deep": {
        "lightning": lightning,
        "plain loop": plain_loop,
        "scikit-learn MLP": multilayer_perceptron,
    },
    "denoising layer": {"lightning": lightning, "plain loop": plain_loop},
    "dense": {"lightning": lightning, "plain loop": plain_loop},
    "convolutional": {"lightning": lightning, "plain loop": plain_loop},
    "contractive": {"lightning": lightning, "plain loop": plain_loop},
    "rbm": {
        "lightning": lightning,
        "plain loop": plain_loop,
        "scikit-learn BernoulliRBM": boltzmann_machine,
    },
}


def present(setting: Setting, name: str) -> dict[str, Work]:
    """Give those peers for the network of that name that are installed.

    Those that know float32 alone are measured in it, whatever the precision of ``setting``: they
    are what a person would have who does not use aepipe.
    """
    found: dict[str, Work] = {}
    for peer, make in PEERS[name].items():
        if peer in ("pythae", "lightning") and find_spec(peer) is None:
            continue
        found[peer] = make(setting)
    return found


def _silence(package: str) -> None:
    for name in list(logging.root.manager.loggerDict):
        if name.startswith(package):
            logging.getLogger(name).setLevel(logging.ERROR)


def _loss(loss: Loss, x: Tensor, noise: Any, setting: Setting) -> Tensor:
    enabled = setting.precision == "bfloat16"
    with torch.autocast(setting.device.type, torch.bfloat16, enabled=enabled):
        return _total(loss, x, noise)


def _total(loss: Loss, x: Tensor, noise: Any) -> Tensor:
    terms = loss(Batch(x, x, x.new_empty(0, dtype=torch.int64)), noise, 1)
    return cast(Tensor, sum(terms.values()))
