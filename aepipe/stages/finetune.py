"""Fine-tune the stack's encoder with a softmax head, and train its control from random weights.

Vincent et al. (2010), JMLR 11:3371, section 5. The control is the same network, trained in the
same way, that never saw the stack: what pretraining is worth is the difference.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import numpy as np
import torch

from aepipe.corruption.build import build_corruption
from aepipe.data.dataset import UNLABELLED, Dataset, open_dataset
from aepipe.files import write_json
from aepipe.models.absent import write_absence
from aepipe.models.build.unrolled import classifier_blueprint
from aepipe.models.dense import Classifier
from aepipe.models.files import Blueprint, construct, save_model
from aepipe.models.perceptron import linears
from aepipe.models.repeats import Repeat, repeats
from aepipe.models.stack import load_stack, unroll
from aepipe.monitor import Monitor, Prefixed
from aepipe.objectives.classification import classification_loss
from aepipe.params.stack import Finetune
from aepipe.signature import section
from aepipe.training.build import Workbench
from aepipe.training.state import History

LEAST_CLASSES = 2


@dataclass(frozen=True, slots=True)
class Params:
    """Sections of params.yaml that the stage reads."""

    seed: int
    finetune: Finetune
    seeds: int = section("evaluate.seeds")


@dataclass(frozen=True, slots=True)
class Inputs:
    """The dataset and the folder of all layers."""

    dataset: Path
    stack: Path


@dataclass(frozen=True, slots=True)
class Outputs:
    """Folder with ``finetuned/`` and ``control/``, each a model with its history.

    And the trainings with further seeds, each in a folder like it. Where the labels are of fewer
    than two classes it says so, and holds none.
    """

    classifier: Path


def run(params: Params, inputs: Inputs, outputs: Outputs, monitor: Monitor) -> None:
    """Train both with each of the seeds, where there are labels to learn."""
    dataset = open_dataset(inputs.dataset)
    labels = dataset.labels("train")
    classes = len(np.unique(labels[labels != UNLABELLED]))
    if classes < LEAST_CLASSES:
        reason = (
            "all labelled training samples are of one class"
            if classes
            else "no training sample has a label"
        )
        write_absence(outputs.classifier, reason)
        monitor.remark(f"no classifier: {reason}")
        return
    for each in repeats(params.seed, params.seeds, outputs.classifier, monitor):
        train_once(replace(params, seed=each.seed), inputs, dataset, each)


def train_once(params: Params, inputs: Inputs, dataset: Dataset, repeat: Repeat) -> None:
    """Train both on the labelled part of the training split; only their first weights differ."""
    bench = Workbench(params.seed, "finetune")
    unrolled, pretrained = unroll(load_stack(inputs.stack, repeat.number))
    blueprint = classifier_blueprint(unrolled, len(dataset.classes), params.finetune.dropout)
    control, finetuned = _start(blueprint), _start(blueprint)
    with torch.no_grad():
        finetuned.load_state_dict(control.state_dict())  # so that the heads start alike
        pairs = zip(linears(finetuned.encoder), linears(pretrained.encoder), strict=True)
        for layer, trained in pairs:
            layer.load_state_dict(trained.state_dict())

    for name, model in (("finetuned", finetuned), ("control", control)):
        history = _train(model, params.finetune, dataset, bench, Prefixed(repeat.monitor, name))
        save_model(repeat.folder / name, blueprint, model, facts={})
        write_json(repeat.folder / name / "history.json", history)


def _start(blueprint: Blueprint) -> Classifier:
    return cast(Classifier, construct(blueprint))


def _train(
    model: Classifier, config: Finetune, dataset: Dataset, bench: Workbench, monitor: Monitor
) -> History:
    bench.place(model)
    size = config.training.batch_size
    train = bench.labelled_feed(dataset, "train", config.corruption, size)
    valid = bench.labelled_feed(dataset, "valid", config.corruption, size)
    corrupt = build_corruption(config.corruption, dataset.value_range)
    loss = classification_loss(model, corrupt)
    return bench.fit(model, loss, (train, valid), config.training, monitor)
