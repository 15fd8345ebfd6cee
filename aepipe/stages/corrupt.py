"""Corrupt the validation and test splits at each declared kind and level."""

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
import torch
from torch import Tensor

from aepipe.corruption.build import build_corruption, condition_name, level
from aepipe.corruption.noise import Corrupt, block_sides
from aepipe.data.dataset import Dataset, Split, open_dataset
from aepipe.data.parts import Array, Parts, write_parts
from aepipe.data.seeds import derive
from aepipe.errors import ParamsError
from aepipe.monitor import Monitor
from aepipe.params.corruption import Block, CorruptionSection, Gaussian, InputDropout, Noise

CORRUPTED: tuple[Split, ...] = ("valid", "test")
PAIRS = "pairs"
PAIR_ROWS = 1000  # compared at once; memory, not results
BLOCK_BYTES = 16 * 2**20  # of scaled rows at once; it decides which draw meets which component


@dataclass(frozen=True, slots=True)
class Params:
    """Sections of params.yaml that the stage reads."""

    seed: int
    corruption: CorruptionSection


@dataclass(frozen=True, slots=True)
class Inputs:
    """The dataset."""

    dataset: Path


@dataclass(frozen=True, slots=True)
class Outputs:
    """Folder with ``CONDITION/SPLIT`` parts of scaled features and ``conditions.parquet``."""

    corrupted: Path


def run(params: Params, inputs: Inputs, outputs: Outputs, monitor: Monitor) -> None:
    """Write every condition of both splits, and the level that the noise really had."""
    dataset = open_dataset(inputs.dataset)
    noises = declared(params.corruption, dataset)
    jobs = [(name, split) for name in noises for split in CORRUPTED]
    rows: list[dict[str, Any]] = []
    for name, split in monitor.progress(jobs, "corrupt", len(jobs)):
        seed = derive(params.seed, f"corrupt/{name}/{split}")
        write_parts(outputs.corrupted / name / split, noises[name].corrupted(split, seed))
        rows.append(noises[name].row(split, seed) | {"condition": name, "split": split})
    if dataset.paired:
        for split in CORRUPTED:
            write_parts(outputs.corrupted / PAIRS / split, scaled_noisy(dataset, split))
            rows.append(pairs_row(dataset, split))
    write_conditions(outputs.corrupted / "conditions.parquet", rows)


@final
@dataclass(frozen=True, slots=True)
class Condition:
    """One condition on one dataset.

    Attributes:
        noise: the section.
        corrupt: what it does to a batch.
        dataset: whose splits are corrupted.
    """

    noise: Noise
    corrupt: Corrupt
    dataset: Dataset

    def corrupted(self, split: Split, seed: int) -> Iterator[Array]:
        """Give ``split``, scaled and corrupted, block by block."""
        generator = torch.Generator().manual_seed(seed)
        for block in blocks(self.dataset, self.dataset.features(split)):
            yield self.corrupt(torch.from_numpy(self.dataset.scaled(block)), generator).numpy()

    def row(self, split: Split, seed: int) -> dict[str, Any]:
        """Describe what :meth:`corrupted` did: the declared level, and the one that was drawn.

        The same draws are made on an array of one value that no corruption gives, so that a
        component counts as changed where it already had the value that it was set to.
        """
        other = self._other()
        generator = torch.Generator().manual_seed(seed)
        amount, components = 0.0, 0
        for block in blocks(self.dataset, self.dataset.features(split)):
            corrupted = self.corrupt(torch.full(block.shape, other), generator)
            amount += self._amount(corrupted, other)
            components += corrupted.numel()
        share = amount / components
        realised = math.sqrt(share) if isinstance(self.noise, Gaussian) else share
        return {
            "kind": self.noise.kind,
            "declared": self._declared(),
            "realised": realised,
            "components": components,
        }

    def _other(self) -> float:
        if isinstance(self.noise, Gaussian):
            return 0.0  # adding to anything else would round the noise
        return 1 + max(map(abs, self.dataset.value_range or (0.0, 1.0)))

    def _amount(self, corrupted: Tensor, other: float) -> float:
        if isinstance(self.noise, Gaussian):
            return float(corrupted.double().square().sum())
        if isinstance(self.noise, InputDropout):  # which changes those that survive as well
            return float((corrupted == 0).sum())
        return float((corrupted != other).sum())

    def _declared(self) -> float:
        """Give the level; of a block, with its sides in whole components, the share it covers."""
        if not isinstance(self.noise, Block):
            return level(self.noise)
        sides = block_sides(self.dataset.shape, self.noise.size)
        return math.prod(hidden / length for length, hidden in sides.values())


def declared(section: CorruptionSection, dataset: Dataset) -> dict[str, Condition]:
    """Give the declared conditions by name, in order.

    Raises:
        ParamsError: one stands twice, or the features have no bounds for salt and pepper.
    """
    names = [condition_name(condition) for condition in section.conditions]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise ParamsError(
            f"corruption.conditions: {', '.join(twice)} stands more than once (levels count to 6 "
            "digits); remove all but one"
        )
    return {
        name: Condition(condition, build_corruption(condition, dataset.value_range), dataset)
        for name, condition in zip(names, section.conditions, strict=True)
    }


def blocks(dataset: Dataset, parts: Parts) -> Iterator[Array]:
    """Give the stored rows of ``parts`` in blocks whose scaled size is at most BLOCK_BYTES."""
    yield from parts.blocks(max(1, BLOCK_BYTES // (4 * dataset.size)))


def scaled_noisy(dataset: Dataset, split: Split) -> Iterator[Array]:
    """Give the noisy version of ``split`` that the source itself supplied, scaled."""
    for block in blocks(dataset, dataset.noisy(split)):
        yield dataset.scaled(block)


def pairs_row(dataset: Dataset, split: Split) -> dict[str, Any]:
    """Describe the supplied noise: the root mean square of what it added."""
    clean, noisy = dataset.features(split), dataset.noisy(split)
    amount = 0.0
    for start in range(0, len(clean), PAIR_ROWS):
        chosen = np.arange(start, min(start + PAIR_ROWS, len(clean)))
        added = dataset.scaled(noisy.rows(chosen)) - dataset.scaled(clean.rows(chosen))
        amount += float(np.square(added, dtype=np.float64).sum())
    components = len(clean) * dataset.size
    return {
        "condition": PAIRS,
        "split": split,
        "kind": PAIRS,
        "declared": math.nan,
        "realised": math.sqrt(amount / components),
        "components": components,
    }


def write_conditions(path: Path, rows: list[dict[str, Any]]) -> None:
    """Hold the table against its contract and write it."""
    # pandas and pandera take a second to import, so only where they are needed
    import pandas as pd

    from aepipe.data.contracts import Conditions, checked, write_table

    columns = {
        "condition": "str",
        "split": "str",
        "kind": "str",
        "declared": "float64",
        "realised": "float64",
        "components": "int64",
    }
    frame = pd.DataFrame(rows, columns=list(columns)).astype(columns)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_table(path, checked(Conditions, frame, path))
