"""A pipeline's folder with small random models, described by the ``register`` stage."""

import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from aepipe.data.dataset import Dataset, describe_dataset
from aepipe.models.build.unrolled import classifier_blueprint
from aepipe.models.files import construct, save_model
from aepipe.monitor import Silent
from aepipe.params.evaluation import Registered, Registry
from aepipe.registry.described import Described, read_registered
from aepipe.registry.synchronise import synchronise
from aepipe.reporting.metrics import Metrics, write_metrics
from aepipe.stages import register
from aepipe.tracking.server import SETTINGS, tracking_uri
from tests.blueprints import deep, vae

SHAPE = [1, 4, 4]
DEEP, VAE = deep(SHAPE), vae(SHAPE)
REGISTRY = Registry(
    experiment="experiment",
    alias="candidate",
    models={
        "encoder": Registered(kind="encoder", model="models/autoencoder"),
        "classifier": Registered(kind="classifier", model="models/classifier"),
        "vae": Registered(kind="vae", model="models/vae"),
    },
    gates={
        "encoder": [
            "deep.squared_error <= pca.squared_error",
            "deep.squared_error not worse than champion",
        ],
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
        describe(squared_error=1.5)

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
    return describe


@pytest.fixture
def light(make_models, empty_database, monkeypatch) -> Callable[..., list[str]]:
    """Register the encoder alone, with two small files for a model: what MLflow adds is not tried.

    Give seed, squared error and, where they are not the usual ones, name and client.
    """
    shutil.copytree(empty_database.parent, "mlruns")

    def log_model(client, experiment, model, folder):
        import mlflow

        mlflow.set_tracking_uri(tracking_uri())  # as the real one does
        logged = client.create_logged_model(experiment, name=model.name)
        client.log_model_artifacts(logged.model_id, str(folder), "artifacts/model")
        return client.finalize_logged_model(logged.model_id, "READY")

    def run(seed: int, squared_error: float = 1.5, name: str = "encoder", client=None) -> list[str]:
        registry = only_encoder(name)
        make_models(seed)
        describe(squared_error, registry)
        said: list[str] = []
        with monkeypatch.context() as patch:
            patch.setattr("aepipe.registry.publish.log_model", log_model)
            if client is not None:
                patch.setattr("aepipe.registry.synchronise.connect", lambda: client)
            synchronise(registry, Path(), SimpleNamespace(remark=said.append, warn=said.append))
        return said

    return run


@pytest.fixture
def make_encoder(make_models) -> Callable[[int], Described]:
    """Train, as it were, the encoder with the given seed, and describe it alone."""

    def make(seed: int) -> Described:
        registry = only_encoder("encoder")
        make_models(seed)
        describe(1.5, registry)
        (model,) = read_registered(Path("reports/registered.json"), registry, Path())
        return model

    return make


def only_encoder(name: str) -> Registry:
    """Give the registry with the encoder alone, under ``name``."""
    gates = {name: REGISTRY.gates["encoder"]}
    return REGISTRY.model_copy(
        update={"models": {name: REGISTRY.models["encoder"]}, "gates": gates}
    )


def describe(squared_error: float, registry: Registry = REGISTRY) -> None:
    """Write what ``compare`` and ``register`` would, had they found this error."""
    figures = {"squared_error": squared_error, "accuracy_linear": 0.5}
    around = {"squared_error": {"low": squared_error - 0.2, "high": squared_error + 0.2}}
    metrics = Metrics(
        test={"samples": 3, "confidence": 0.95, "comparisons": 0},
        representations={
            "raw": {"code_size": 16},
            "pca_3": {"squared_error": 2.5},
            "deep": figures,
        },
        intervals={"deep": around},
        against_pca={"deep": {"pca": "pca_3"}},
        against_best={},
        heads={},
        absent={},
    )
    write_metrics(Path("reports/metrics.json"), metrics)
    register.run(
        register.Params(registry, {"deep": "models/autoencoder"}),
        register.Inputs(Path("models"), Path("reports/metrics.json"), Path("data/dataset")),
        register.Outputs(Path("reports/registered.json")),
        Silent(),
    )
