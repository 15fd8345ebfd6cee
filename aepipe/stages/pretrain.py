"""Train one layer of the stack on its own, and write its codes for the next layer.

Greedy layer-wise pretraining of denoising autoencoders: Vincent et al. (2010), JMLR 11:3371,
section 3.1; of RBMs: Hinton, Osindero and Teh (2006), Neural Computation 18:1527, section 4.
Only the layer's input is corrupted, only while it is trained; what is passed upward is clean, and
of stochastic units the mean.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import numpy as np
import torch

from aepipe.data.dataset import FITTED, Split, open_dataset
from aepipe.data.parts import Array, Parts, write_parts
from aepipe.files import read_description, write_json
from aepipe.models import stack
from aepipe.models.build import layer_blueprint
from aepipe.models.build.unrolled import floor
from aepipe.models.files import Blueprint, construct, save_model
from aepipe.models.outputs import code_bounds
from aepipe.models.repeats import Repeat, repeat_folder, repeats
from aepipe.monitor import Monitor
from aepipe.objectives.build import layer_loss
from aepipe.params.stack import DATASET, Layer, corruption_of_layer
from aepipe.signature import instance, section
from aepipe.training.build import Workbench
from aepipe.training.feed import Feed
from aepipe.training.start import start_from_data


@dataclass(frozen=True, slots=True)
class Params:
    """Sections of params.yaml that the stage reads."""

    seed: int
    name: str = instance()
    layer: Layer = section("stack.layers.{name}")
    seeds: int = section("evaluate.seeds")


@dataclass(frozen=True, slots=True)
class Inputs:
    """What the layer is trained on: the dataset, or the folder of the layer below."""

    input: Path


@dataclass(frozen=True, slots=True)
class Outputs:
    """Folder with the model, its ``history.json`` and ``codes/SPLIT/``.

    And the trainings with further seeds, each in a folder like it.
    """

    layer: Path


def run(params: Params, inputs: Inputs, outputs: Outputs, monitor: Monitor) -> None:
    """Train with each of the seeds, above the layers that were trained with the same."""
    for each in repeats(params.seed, params.seeds, outputs.layer, monitor):
        again = replace(params, seed=each.seed)
        if params.layer.input == DATASET:
            train_once(again, inputs.input, each)
        else:
            train_once(again, repeat_folder(inputs.input, each.number), each)


def train_once(params: Params, source: Path, repeat: Repeat) -> None:
    """Train on the training split, stop on the validation split, encode both."""
    config = params.layer
    bench = Workbench(params.seed, f"pretrain@{params.name}")
    below = None if config.input == DATASET else Path(config.input).name
    train, valid = (_feed(bench, config, source, split) for split in FITTED)
    shape = _shape(source, below)
    blueprint = layer_blueprint(config, input_size=math.prod(shape))
    model = cast(stack.Layer, bench.place(construct(blueprint)))
    start_from_data(model, train)
    loss = layer_loss(config, model, _bounds(source, below))

    history = bench.fit(model, loss, (train, valid), config.training, repeat.monitor)

    save_model(repeat.folder, blueprint, model, {"below": below, "shape": list(shape)})
    write_json(repeat.folder / "history.json", history)
    codes = repeat.folder / "codes"
    written = [
        write_parts(codes / split, _codes(model, feed))
        for split, feed in zip(FITTED, (train, valid), strict=True)
    ]
    _check(written, [len(feed.indices) for feed in (train, valid)], codes)


def _feed(bench: Workbench, config: Layer, folder: Path, split: Split) -> Feed:
    size = config.training.batch_size
    if config.input == DATASET:
        return bench.feed(open_dataset(folder), split, corruption_of_layer(config), size)
    return bench.code_feed(folder / "codes", split, size)


def _shape(folder: Path, below: str | None) -> tuple[int, ...]:
    return open_dataset(folder).shape if below is None else Parts(folder / "codes" / "train").shape


def _bounds(folder: Path, below: str | None) -> tuple[float, float] | None:
    if below is None:
        return open_dataset(folder).value_range
    described = read_description(folder / "model.json")
    layer = Blueprint(described["kind"], described["arguments"]).inside()
    return code_bounds(floor(layer).nonlinearity)


def _codes(model: stack.Layer, feed: Feed) -> Iterator[Array]:
    model.eval()
    with torch.no_grad():
        for batch in feed.in_order():
            # of what the layer is shown when it is used: for pairs that is the clean target
            yield model.encode(batch.target).float().cpu().numpy()


def _check(written: list[Parts], expected_rows: list[int], folder: Path) -> None:
    """Hold the codes against their contract.

    Raises:
        ContractError: a code is missing, or not finite.
    """
    # imported here, at the stage's end: it takes most of a second, and training starts without it
    import pandas as pd

    from aepipe.data.contracts import Codes, checked

    table = {
        "split": FITTED,
        "rows": [len(parts) for parts in written],
        "expected_rows": expected_rows,
        "code_size": [parts.shape[0] for parts in written],
        "finite": [_finite(parts) for parts in written],
    }
    checked(Codes, pd.DataFrame(table), folder)


def _finite(parts: Parts) -> int:
    return sum(int(np.isfinite(array).sum()) for array in parts.arrays)
