"""Train the variational autoencoder.

Kingma and Welling (2014), "Auto-encoding variational Bayes", ICLR.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import cast

from aepipe.data.dataset import open_dataset
from aepipe.files import write_json
from aepipe.models.build import vae_blueprint
from aepipe.models.files import construct, save_model
from aepipe.models.vae import VariationalAutoencoder
from aepipe.monitor import Monitor
from aepipe.objectives.build import vae_loss
from aepipe.params.models import Vae
from aepipe.params.training import NoCorruption
from aepipe.training.build import Workbench


@dataclass(frozen=True, slots=True)
class Params:
    """Sections of params.yaml that the stage reads."""

    seed: int
    vae: Vae


@dataclass(frozen=True, slots=True)
class Inputs:
    """The dataset."""

    dataset: Path


@dataclass(frozen=True, slots=True)
class Outputs:
    """Folder with ``model.json``, ``weights.safetensors`` and ``history.json``."""

    vae: Path


def run(params: Params, inputs: Inputs, outputs: Outputs, monitor: Monitor) -> None:
    """Maximise the evidence lower bound; keep the epoch best on validation."""
    config = params.vae
    dataset = open_dataset(inputs.dataset)
    bench = Workbench(params.seed, "vae")
    blueprint = vae_blueprint(config, dataset.shape)
    model = cast(VariationalAutoencoder, bench.place(construct(blueprint)))
    clean = NoCorruption(kind="none")
    size = config.training.batch_size
    train = bench.feed(dataset, "train", clean, size)
    valid = bench.feed(dataset, "valid", clean, size)
    loss = vae_loss(model, config.kl_weight, config.warmup_epochs)

    history = bench.fit(model, loss, (train, valid), config.training, monitor)

    save_model(outputs.vae, blueprint, model, facts={})
    write_json(outputs.vae / "history.json", history)
