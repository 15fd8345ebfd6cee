"""From params sections and folders to what the loop needs; the only place here that knows them."""

from pathlib import Path
from typing import final

import numpy as np
import torch
from torch import nn

from aepipe.data.dataset import UNLABELLED, Dataset, Split
from aepipe.data.parts import Parts
from aepipe.errors import ContractError
from aepipe.monitor import Monitor
from aepipe.objectives.loss import Loss
from aepipe.params.corruption import Corruption
from aepipe.params.training import Training
from aepipe.training.device import choose_device, make_deterministic, promise
from aepipe.training.feed import Feed, Rows, rows_of
from aepipe.training.health import inspect
from aepipe.training.loop import Schedule, fit
from aepipe.training.parallel import join
from aepipe.training.seeds import generator, seed_weights
from aepipe.training.state import History, Randomness

PLAIN = (
    np.ones((), np.float32),
    np.zeros((), np.float32),
)  # the scaling of arrays that are stored as they are used


def schedule(config: Training) -> Schedule:
    """Take from the section what the loop reads."""
    return Schedule(
        epochs=config.epochs,
        learning_rate=config.learning_rate,
        schedule=config.schedule,
        weight_decay=config.weight_decay,
        patience=config.patience,
        precision=config.precision,
    )


@final
class Workbench:
    """The device and the random streams of one training stage.

    Args:
        seed: the pipeline's.
        purpose: the stage's title, which names its streams: ``pretrain@first``.
    """

    def __init__(self, seed: int, purpose: str) -> None:
        join()
        self.device = choose_device()
        make_deterministic(self.device)
        self._seed, self._purpose = seed, purpose
        seed_weights(seed, f"{purpose}/weights")

    def randomness(self) -> Randomness:
        """Give fresh generators for order, noise and validation noise."""
        seed, purpose = self._seed, self._purpose
        return Randomness(
            order=generator(seed, f"{purpose}/order", torch.device("cpu")),
            noise=generator(seed, f"{purpose}/noise", self.device),
            validation=lambda: generator(seed, f"{purpose}/validation", self.device),
        )

    def fit(
        self,
        model: nn.Module,
        loss: Loss,
        feeds: tuple[Feed, Feed],
        config: Training,
        monitor: Monitor,
    ) -> History:
        """Train as ``config`` says with this stage's generators; see :func:`loop.fit`.

        Raises:
            ContractError: it ended beyond ``config.limits``.
        """
        said = promise(self.device.type, torch.get_num_threads())
        if said is not None:
            monitor.remark(said)
        history = fit(model, loss, feeds, schedule(config), self.randomness(), monitor)
        inspect(model, feeds[1], history, config.limits, monitor)
        return history

    def place(self, model: nn.Module) -> nn.Module:
        """Move ``model`` to the device."""
        return model.to(self.device)

    def feed(self, dataset: Dataset, split: Split, corruption: Corruption, batch_size: int) -> Feed:
        """Feed ``split`` for reconstruction; a ``pairs`` corruption shows the noisy rows."""
        clean = self._rows(dataset, dataset.features(split))
        shown = self._rows(dataset, dataset.noisy(split)) if corruption.kind == "pairs" else clean
        indices = torch.arange(dataset.counts[split])
        return Feed(shown, clean, None, indices, batch_size)

    def labelled_feed(
        self, dataset: Dataset, split: Split, corruption: Corruption, batch_size: int
    ) -> Feed:
        """Feed those samples of ``split`` that have a label.

        Raises:
            ContractError: none has.
        """
        whole = self.feed(dataset, split, corruption, batch_size)
        labels = torch.from_numpy(dataset.labels(split))
        indices = torch.nonzero(labels != UNLABELLED).flatten()
        if not len(indices):
            raise ContractError(
                f"{dataset.folder}: no sample of split {split} has a label, and fine-tuning a "
                "classifier needs some; name the labels in data.source, or run what needs none: "
                "`dvc repro unroll generate model`"
            )
        return Feed(whole.input, whole.target, labels.to(self.device), indices, batch_size)

    def code_feed(self, codes: Path, split: Split, batch_size: int) -> Feed:
        """Feed the codes that the layer below wrote for ``split``."""
        parts = Parts(codes / split)
        rows = rows_of(parts, PLAIN, self.device)
        return Feed(rows, rows, None, torch.arange(len(parts)), batch_size)

    def _rows(self, dataset: Dataset, parts: Parts) -> Rows:
        return rows_of(parts, dataset.scaling, self.device)
