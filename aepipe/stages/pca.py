"""Fit the baseline: PCA on the training split, at every code size that something else uses."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from aepipe.data.dataset import Dataset, open_dataset
from aepipe.data.parts import Array
from aepipe.evaluation.pca import fit_pca, save_pca
from aepipe.monitor import Monitor
from aepipe.params.models import Model
from aepipe.params.stack import Stack
from aepipe.params.variational import Variational

BLOCK_BYTES = 64 * 2**20  # of scaled rows held at once; changes memory and only the last bits


@dataclass(frozen=True, slots=True)
class Params:
    """Sections of params.yaml that the stage reads, for the code sizes in them."""

    stack: Stack
    vae: Variational
    models: Mapping[str, Model]


@dataclass(frozen=True, slots=True)
class Inputs:
    """The dataset."""

    dataset: Path


@dataclass(frozen=True, slots=True)
class Outputs:
    """Folder with ``model.json``, ``mean``, ``components`` and ``explained_variance`` arrays."""

    pca: Path


def run(params: Params, inputs: Inputs, outputs: Outputs, monitor: Monitor) -> None:
    """Read the training split once, block by block."""
    dataset = open_dataset(inputs.dataset)
    sizes = fitting(code_sizes(params), dataset.size, monitor)
    pca = fit_pca(monitor.progress(scaled_blocks(dataset), "read train"), sizes)
    save_pca(outputs.pca, pca)


def code_sizes(params: Params) -> list[int]:
    """List the code sizes of the stack, the VAE and the entries of ``models``, ascending."""
    last = list(params.stack.layers.values())[-1]
    sizes = {last.units, params.vae.code_size}
    sizes |= {model.code_size for model in params.models.values()}
    return sorted(sizes)


def fitting(sizes: list[int], features: int, monitor: Monitor) -> list[int]:
    """Keep the sizes below the number of features: with all components PCA only turns the data.

    Where none is left, one with all components stands in.
    """
    kept = [size for size in sizes if size < features]
    dropped = [str(size) for size in sizes if size >= features]
    if dropped:
        monitor.remark(
            f"no PCA with {', '.join(dropped)} components: samples have {features} features, "
            "and with all of them PCA is the raw features turned"
        )
    return kept or [features]


def scaled_blocks(dataset: Dataset) -> Iterator[Array]:
    """Give the scaled training split block by block."""
    rows = max(1, BLOCK_BYTES // (4 * dataset.size))
    for block in dataset.features("train").blocks(rows):
        yield dataset.scaled(block)
