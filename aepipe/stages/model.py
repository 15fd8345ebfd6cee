"""Train one entry of ``models:``, a model of any kind in the catalogue."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from aepipe.data.dataset import FITTED, open_dataset
from aepipe.files import write_json
from aepipe.models.build import model_blueprint
from aepipe.models.files import construct, save_model
from aepipe.models.repeats import Repeat, repeats
from aepipe.monitor import Monitor
from aepipe.objectives.build import model_loss
from aepipe.params.models import Model, SemiAdversarial, corruption_of
from aepipe.signature import instance, section
from aepipe.training.build import Workbench
from aepipe.training.checkerboard import watch_decoder
from aepipe.training.privacy import Trained, train_semi_adversarial
from aepipe.training.seeds import generator
from aepipe.training.start import start_from_data


@dataclass(frozen=True, slots=True)
class Params:
    """Sections of params.yaml that the stage reads."""

    seed: int
    name: str = instance()
    model: Model = section("models.{name}")
    seeds: int = section("evaluate.seeds")


@dataclass(frozen=True, slots=True)
class Inputs:
    """The dataset."""

    dataset: Path


@dataclass(frozen=True, slots=True)
class Outputs:
    """Folder with ``model.json``, ``weights.safetensors`` and ``history.json``.

    Of a decoder that widens images by convolutions, ``checkerboard.json``, ``checkerboard.npy`` and
    ``spectra.npy`` tell what pattern it draws (:meth:`checkerboard.Watch.write`). Of a
    semi-adversarial one, ``keep/`` and ``hide/`` hold the classifiers of its attributes. The
    trainings with further seeds lie in folders like it.
    """

    model: Path


def run(params: Params, inputs: Inputs, outputs: Outputs, monitor: Monitor) -> None:
    """Train with each of the seeds."""
    for each in repeats(params.seed, params.seeds, outputs.model, monitor):
        train_once(replace(params, seed=each.seed), inputs, each)


def train_once(params: Params, inputs: Inputs, repeat: Repeat) -> None:
    """Train on the training split; keep the epoch best on validation."""
    config, title = params.model, f"model@{params.name}"
    dataset, folder, monitor = open_dataset(inputs.dataset), repeat.folder, repeat.monitor
    if isinstance(config, SemiAdversarial):
        trained, classifiers = train_semi_adversarial(config, dataset, params.seed, title, monitor)
        attributes = {"keep": dict(config.keep), "hide": dict(config.hide)}
        save(folder, trained, {"attributes": attributes})
        for name, classifier in classifiers.items():
            save(folder / name, classifier, facts={})
        return
    bench = Workbench(params.seed, title)
    blueprint = model_blueprint(config, dataset.shape)
    model = bench.place(construct(blueprint))
    loss = model_loss(config, model, dataset.value_range)
    size, corruption = config.training.batch_size, corruption_of(config)
    train, valid = (bench.feed(dataset, split, corruption, size) for split in FITTED)
    start_from_data(model, train)
    noise = generator(params.seed, f"{title}/checkerboard", bench.device)
    watch = watch_decoder(model, blueprint, valid, noise)

    history = bench.fit(model, loss, (train, valid), config.training, monitor)

    save(folder, Trained(blueprint, model, history), facts={})
    if watch is not None:
        watch.write(folder)


def save(folder: Path, trained: Trained, facts: Mapping[str, Any]) -> None:
    """Write a network and its history into ``folder``."""
    save_model(folder, trained.blueprint, trained.model, facts)
    write_json(folder / "history.json", trained.history)
