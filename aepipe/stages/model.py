"""Train one entry of ``models:``, a model of any kind in the catalogue."""

from dataclasses import dataclass
from pathlib import Path

from aepipe.data.dataset import FITTED, open_dataset
from aepipe.files import write_json
from aepipe.models.build import model_blueprint
from aepipe.models.files import construct, save_model
from aepipe.monitor import Monitor
from aepipe.objectives.build import model_loss
from aepipe.params.models import Model, corruption_of
from aepipe.signature import instance, section
from aepipe.training.build import Workbench
from aepipe.training.start import start_from_data


@dataclass(frozen=True, slots=True)
class Params:
    """Sections of params.yaml that the stage reads."""

    seed: int
    name: str = instance()
    model: Model = section("models.{name}")


@dataclass(frozen=True, slots=True)
class Inputs:
    """The dataset."""

    dataset: Path


@dataclass(frozen=True, slots=True)
class Outputs:
    """Folder with ``model.json``, ``weights.safetensors`` and ``history.json``."""

    model: Path


def run(params: Params, inputs: Inputs, outputs: Outputs, monitor: Monitor) -> None:
    """Train on the training split; keep the epoch best on validation."""
    config = params.model
    dataset = open_dataset(inputs.dataset)
    bench = Workbench(params.seed, f"model@{params.name}")
    blueprint = model_blueprint(config, dataset.shape)
    model = bench.place(construct(blueprint))
    loss = model_loss(config, model, dataset.value_range)
    size, corruption = config.training.batch_size, corruption_of(config)
    train, valid = (bench.feed(dataset, split, corruption, size) for split in FITTED)
    start_from_data(model, train)

    history = bench.fit(model, loss, (train, valid), config.training, monitor)

    save_model(outputs.model, blueprint, model, facts={})
    write_json(outputs.model / "history.json", history)
