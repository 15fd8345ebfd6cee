"""A pipeline's folder with small random models, described by the ``register`` stage."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from aepipe.data.dataset import Dataset, describe_dataset
from aepipe.files import write_json
from aepipe.models.build.unrolled import classifier_blueprint
from aepipe.models.files import Blueprint, construct, save_model
from aepipe.monitor import Silent
from aepipe.params.evaluation import Registered, Registry
from aepipe.stages import register
from aepipe.tracking.server import SETTINGS

SHAPE = [1, 4, 4]
DEEP = Blueprint(
    "deep",
    {
        "shape": SHAPE,
        "widths": [6, 3],
        "nonlinearities": ["relu", "linear"],
        "decoder_nonlinearities": ["relu"],
        "reconstruction": "bernoulli",
    },
)
VAE = Blueprint(
    "variational",
    {
        "shape": SHAPE,
        "trunk": {"convolutions": None, "widths": [6], "nonlinearity": "silu"},
        "code_size": 2,
        "likelihood": {"kind": "bernoulli"},
        "latent": "gaussian",
    },
)
REGISTRY = Registry(
    experiment="experiment",
    alias="candidate",
    models={
        "encoder": Registered(kind="encoder", model="models/autoencoder"),
        "classifier": Registered(kind="classifier", model="models/classifier"),
        "vae": Registered(kind="vae", model="models/vae"),
    },
)


@pytest.fixture
def registry() -> Registry:
    return REGISTRY


@pytest.fixture
def alone(tmp_path, monkeypatch) -> Path:
    """An empty working directory, and none of the user's MLflow settings."""
    monkeypatch.chdir(tmp_path)
    for name in (*SETTINGS, "MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME"):
        monkeypatch.setenv(name, "")  # so that what a test sets is undone after it
        monkeypatch.delenv(name)
    return tmp_path


@pytest.fixture
def make_models(alone) -> Callable[[int], None]:
    """Train, as it were, all models with the given seed, and describe them."""

    def make(seed: int) -> None:
        shutil.rmtree("models", ignore_errors=True)
        torch.manual_seed(seed)
        classifier = classifier_blueprint(DEEP, classes=3, dropout=0.5)
        folders = {
            "autoencoder": DEEP,
            "classifier/finetuned": classifier,
            "classifier/control": classifier,
            "vae": VAE,
        }
        for folder, blueprint in folders.items():
            save_model(Path("models", folder), blueprint, construct(blueprint), facts={})
        _describe(squared_error=1.5)

    Path("data/dataset").mkdir(parents=True)
    dataset = Dataset(
        folder=Path("data/dataset"),
        source="npz",
        digest="d" * 32,
        shape=tuple(SHAPE),
        scale=0.0625,
        offset=0.0,
        value_range=(0.0, 1.0),
        classes=["cat", "dog", "hen"],
        counts={"train": 3, "valid": 3, "test": 3},
        paired=False,
    )
    describe_dataset(dataset)
    return make


@pytest.fixture
def judge_anew() -> Callable[[float], None]:
    """Describe the same models with another figure."""
    return _describe


def _describe(squared_error: float) -> None:
    figures = {"deep": {"squared_error": squared_error, "accuracy": {"linear": 0.5}}}
    write_json(Path("reports/metrics.json"), {"representations": figures})
    register.run(
        register.Params(REGISTRY, {"deep": "models/autoencoder"}),
        register.Inputs(Path("models"), Path("reports/metrics.json"), Path("data/dataset")),
        register.Outputs(Path("reports/registered.json")),
        Silent(),
    )
