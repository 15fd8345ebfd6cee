"""Train a semi-adversarial autoencoder: two classifiers first, then, those frozen, the network."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import cast, final

import torch
from torch import Tensor, nn

from aepipe.corruption.build import build_corruption
from aepipe.data.dataset import FITTED, Dataset
from aepipe.errors import ParamsError
from aepipe.models.build import model_blueprint
from aepipe.models.build.privacy import attribute_blueprint
from aepipe.models.dense import Classifier
from aepipe.models.files import Blueprint, construct
from aepipe.monitor import Monitor, Prefixed
from aepipe.objectives.classification import classification_loss
from aepipe.objectives.privacy import Judge, Network, Weights, semi_adversarial_loss
from aepipe.params.corruption import NoCorruption
from aepipe.params.models import SemiAdversarial
from aepipe.params.privacy import group_of_class, partition_problems
from aepipe.training.build import Workbench
from aepipe.training.feed import Feed
from aepipe.training.state import History

CLEAN = NoCorruption(kind="none")


@final
@dataclass(frozen=True, slots=True)
class Trained:
    """A network as it can be saved."""

    blueprint: Blueprint
    model: nn.Module
    history: History


def train_semi_adversarial(
    config: SemiAdversarial, dataset: Dataset, seed: int, purpose: str, monitor: Monitor
) -> tuple[Trained, Mapping[str, Trained]]:
    """Give the autoencoder, and the classifiers ``keep`` and ``hide`` that it was trained against.

    Args:
        config: the entry of ``models:``.
        dataset: samples without a label take no part.
        seed: the pipeline's.
        purpose: the stage's title; each network has random streams of its own under it.
        monitor: is told the figures of each epoch.

    Raises:
        ParamsError: the attributes are no groups of the dataset's classes.
        ContractError: no sample has a label.
    """
    problems = partition_problems(config.keep, config.hide, dataset.classes)
    if problems:
        raise ParamsError("\n  ".join(f"{purpose}{problem}" for problem in problems))
    judges: dict[str, Judge] = {}
    classifiers: dict[str, Trained] = {}
    for name, groups in (("keep", config.keep), ("hide", config.hide)):
        bench = Workbench(seed, f"{purpose}/{name}")
        of_class = torch.tensor(group_of_class(groups, dataset.classes), device=bench.device)
        trained = _classifier(config, dataset, (bench, of_class), Prefixed(monitor, name))
        classifiers[name] = trained
        judges[name] = Judge(trained.model.eval().requires_grad_(False), of_class)

    bench = Workbench(seed, purpose)
    blueprint = model_blueprint(config, dataset.shape)
    model = bench.place(construct(blueprint))
    loss = semi_adversarial_loss(
        cast(Network, model),
        config.reconstruction,
        (judges["keep"], judges["hide"]),
        Weights(config.weights.reconstruction, config.weights.keep, config.weights.hide),
        config.hiding,
    )
    size = config.training.batch_size
    train, valid = (bench.labelled_feed(dataset, split, CLEAN, size) for split in FITTED)
    history = bench.fit(model, loss, (train, valid), config.training, monitor)
    return Trained(blueprint, model, history), classifiers


def _classifier(
    config: SemiAdversarial, dataset: Dataset, bench: tuple[Workbench, Tensor], monitor: Monitor
) -> Trained:
    """Train the classifier of one attribute, whose groups stand for the classes."""
    workbench, of_class = bench
    schedule = config.classifiers.training
    blueprint = attribute_blueprint(config.classifiers, dataset.shape, int(of_class.max()) + 1)
    model = cast(Classifier, workbench.place(construct(blueprint)))
    loss = classification_loss(model, build_corruption(CLEAN, dataset.value_range))
    train, valid = (
        _grouped(workbench.labelled_feed(dataset, split, CLEAN, schedule.batch_size), of_class)
        for split in FITTED
    )
    history = workbench.fit(model, loss, (train, valid), schedule, monitor)
    return Trained(blueprint, model, history)


def _grouped(feed: Feed, of_class: Tensor) -> Feed:
    """Put the groups of samples in the place of their classes; unlabelled ones take no part."""
    labels = cast(Tensor, feed.labels)
    return replace(feed, labels=of_class[labels.clamp(min=0)])
