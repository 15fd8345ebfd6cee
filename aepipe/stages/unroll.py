"""Unroll the stack into one deep autoencoder and fine-tune all of it to reconstruct.

Hinton and Salakhutdinov (2006), Science 313:504; the layers may be denoising autoencoders too.
"""

from dataclasses import dataclass, replace
from pathlib import Path

from aepipe.corruption.build import build_corruption
from aepipe.data.dataset import open_dataset
from aepipe.files import write_json
from aepipe.models.files import save_model
from aepipe.models.repeats import Repeat, repeats
from aepipe.models.stack import load_stack, unroll
from aepipe.monitor import Monitor
from aepipe.objectives.build.autoencoder import autoencoder_loss
from aepipe.params.stack import Unroll
from aepipe.signature import section
from aepipe.training.build import Workbench


@dataclass(frozen=True, slots=True)
class Params:
    """Sections of params.yaml that the stage reads."""

    seed: int
    unroll: Unroll
    seeds: int = section("evaluate.seeds")


@dataclass(frozen=True, slots=True)
class Inputs:
    """The dataset and the folder of all layers."""

    dataset: Path
    stack: Path


@dataclass(frozen=True, slots=True)
class Outputs:
    """Folder with ``model.json``, ``weights.safetensors`` and ``history.json``.

    And the trainings with further seeds, each in a folder like it.
    """

    autoencoder: Path


def run(params: Params, inputs: Inputs, outputs: Outputs, monitor: Monitor) -> None:
    """Fine-tune with each of the seeds the layers that were trained with it."""
    for each in repeats(params.seed, params.seeds, outputs.autoencoder, monitor):
        train_once(replace(params, seed=each.seed), inputs, each)


def train_once(params: Params, inputs: Inputs, repeat: Repeat) -> None:
    """Start from the layers' weights; keep the epoch best on validation."""
    config = params.unroll
    dataset = open_dataset(inputs.dataset)
    bench = Workbench(params.seed, "unroll")
    blueprint, model = unroll(load_stack(inputs.stack, repeat.number))
    bench.place(model)
    size = config.training.batch_size
    train = bench.feed(dataset, "train", config.corruption, size)
    valid = bench.feed(dataset, "valid", config.corruption, size)
    corrupt = build_corruption(config.corruption, dataset.value_range)
    loss = autoencoder_loss(model, model.reconstruction, corrupt, penalties=())

    history = bench.fit(model, loss, (train, valid), config.training, repeat.monitor)

    save_model(repeat.folder, blueprint, model, facts={})
    write_json(repeat.folder / "history.json", history)
