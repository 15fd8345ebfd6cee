"""Small random models of every sort of sample, laid down as a registered version has them."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from aepipe.consume.trained import Trained, open_packed, pack
from aepipe.data.dataset import Dataset, describe_dataset
from aepipe.models.build.unrolled import classifier_blueprint
from aepipe.models.files import Blueprint, construct, save_model

DENSE = {"widths": [6, 3], "nonlinearities": ["relu", "linear"]}
TRUNK = {"convolutions": None, "widths": [6], "nonlinearity": "silu"}


def deep(shape: tuple[int, ...]) -> Blueprint:
    decoder = {"decoder_nonlinearities": ["relu"], "reconstruction": "squared"}
    return Blueprint("deep", {"shape": list(shape), **DENSE, **decoder})


def blueprint(kind: str, shape: tuple[int, ...]) -> Blueprint:
    match kind:
        case "encoder":
            return deep(shape)
        case "classifier":
            return classifier_blueprint(deep(shape), classes=3, dropout=0.5)
        case "vae" | "sphere":
            latent = "gaussian" if kind == "vae" else "hyperspherical"
            likelihood = {"kind": "gaussian", "variance": 0.1}
            arguments = {"trunk": TRUNK, "code_size": 3, "likelihood": likelihood, "latent": latent}
            return Blueprint("variational", {"shape": list(shape), **arguments})
        case "rbm":
            arguments = {"shape": list(shape), "code_size": 5, "visible": "bernoulli"}
            of_units = {"hidden": "bernoulli", "variance": 1.0, "values": "means"}
            return Blueprint("rbm", arguments | of_units)
        case "lstm":
            recurrence = {"hidden_size": 5, "layers": 1, "decoder": "unconditional"}
            arguments = {"recurrence": recurrence | {"reversed": True}, "code_size": 3}
            return Blueprint(
                "lstm", {"shape": list(shape), "reconstruction": "squared"} | arguments
            )
    raise ValueError(kind)


def describe(folder: Path, shape: tuple[int, ...], columns: list[str]) -> Dataset:
    """Images and series from 0 to 16; tables without bounds, each feature with a scale."""
    bounded = not columns
    dataset = Dataset(
        folder=folder,
        source="npz",
        digest="d" * 32,
        shape=shape,
        scale=0.0625 if bounded else [0.5] * len(columns),
        offset=0.0 if bounded else [0.25] * len(columns),
        value_range=(0.0, 1.0) if bounded else None,
        classes=["cat", "dog", "hen"],
        counts={"train": 3, "valid": 3, "test": 3},
        paired=False,
        columns=columns,
    )
    describe_dataset(dataset)
    return dataset


@pytest.fixture
def packed(tmp_path) -> Callable[..., Path]:
    """Lays down a model and gives its folder."""

    def make(kind: str, shape: tuple[int, ...] = (1, 4, 4), columns: tuple[str, ...] = ()) -> Path:
        torch.manual_seed(0)
        made = tmp_path / "made"
        plan = blueprint(kind, shape)
        save_model(made / "model", plan, construct(plan), facts={})
        describe(made / "dataset", shape, list(columns))
        pack(made / "model", made / "dataset" / "dataset.json", tmp_path / "packed")
        return tmp_path / "packed"

    return make


@pytest.fixture
def trained(packed) -> Callable[..., Trained]:
    """Lays down a model and opens it."""
    return lambda *what: open_packed(packed(*what))
