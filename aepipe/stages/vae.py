"""Train the variational autoencoder.

Kingma and Welling (2014), "Auto-encoding variational Bayes", ICLR.
"""

from dataclasses import dataclass, replace
from pathlib import Path

from aepipe.data.dataset import FITTED, open_dataset
from aepipe.files import write_json
from aepipe.models.build import model_blueprint
from aepipe.models.files import construct, save_model
from aepipe.models.repeats import Repeat, repeats
from aepipe.monitor import Monitor
from aepipe.objectives.build import model_loss
from aepipe.params.models import corruption_of
from aepipe.params.variational import Variational
from aepipe.signature import section
from aepipe.training.build import Workbench


@dataclass(frozen=True, slots=True)
class Params:
    """Sections of params.yaml that the stage reads."""

    seed: int
    vae: Variational
    seeds: int = section("evaluate.seeds")


@dataclass(frozen=True, slots=True)
class Inputs:
    """The dataset."""

    dataset: Path


@dataclass(frozen=True, slots=True)
class Outputs:
    """Folder with ``model.json``, ``weights.safetensors`` and ``history.json``.

    And the trainings with further seeds, each in a folder like it.
    """

    vae: Path


def run(params: Params, inputs: Inputs, outputs: Outputs, monitor: Monitor) -> None:
    """Train with each of the seeds."""
    for each in repeats(params.seed, params.seeds, outputs.vae, monitor):
        train_once(replace(params, seed=each.seed), inputs, each)


def train_once(params: Params, inputs: Inputs, repeat: Repeat) -> None:
    """Maximise the evidence lower bound; keep the epoch best on validation."""
    config = params.vae
    dataset = open_dataset(inputs.dataset)
    bench = Workbench(params.seed, "vae")
    blueprint = model_blueprint(config, dataset.shape)
    model = bench.place(construct(blueprint))
    loss = model_loss(config, model, dataset.value_range)
    size, corruption = config.training.batch_size, corruption_of(config)
    train, valid = (bench.feed(dataset, split, corruption, size) for split in FITTED)

    history = bench.fit(model, loss, (train, valid), config.training, repeat.monitor)

    save_model(repeat.folder, blueprint, model, facts={})
    write_json(repeat.folder / "history.json", history)
