"""One model folder as an MLflow model: logged from code, without a pickle."""

import shutil
from collections.abc import Mapping
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

import mlflow
import numpy as np
from mlflow import MlflowClient
from mlflow.entities import LoggedModel
from mlflow.models import ModelSignature, infer_signature
from mlflow.pyfunc.model import PythonModelContext

from aepipe.data.dataset import Dataset, open_dataset
from aepipe.files import write_json
from aepipe.registry.described import Described
from aepipe.registry.samples import Floats
from aepipe.tracking.key import PACKAGE
from aepipe.tracking.server import tracking_uri

# What loading imports; without the list MLflow would take seconds to find out.
REQUIREMENTS = ("mlflow", "numpy", "pandas", "pyarrow", "safetensors", "torch")
CODE = Path(__file__).parent  # encoder.py, classifier.py, vae.py


def log_model(client: MlflowClient, experiment: str, model: Described, folder: Path) -> LoggedModel:
    """Log the model that lies in ``folder`` to the experiment of that id."""
    run = training_run(client, experiment, model.digest)
    with TemporaryDirectory() as place:
        artifacts = _artifacts(model, folder, Path(place))
        example, signature = _example(model.kind, artifacts)
        logged = client.create_logged_model(experiment, name=model.name, source_run_id=run)
        mlflow.set_tracking_uri(tracking_uri())
        mlflow.pyfunc.log_model(
            model_id=logged.model_id,
            python_model=str(CODE / f"{model.kind}.py"),
            code_paths=[str(PACKAGE)],
            artifacts={name: str(path) for name, path in artifacts.items()},
            signature=signature,
            input_example=example,
            pip_requirements=requirements(),
        )
    return logged


def training_run(client: MlflowClient, experiment: str, digest: str) -> str | None:
    """Give the run in which a stage made the model of that digest, if MLflow has seen it."""
    found = client.search_runs([experiment], f"tags.`aepipe.digest` = '{digest}'", max_results=1)
    return str(found[0].info.run_id) if found else None


def requirements() -> list[str]:
    """Pin what loading a model needs to the versions that are installed."""
    # a local part, as in 2.13.0+cpu, names a build that a package index may not have
    return [f"{name}=={version(name).partition('+')[0]}" for name in REQUIREMENTS]


def _artifacts(model: Described, folder: Path, place: Path) -> dict[str, Path]:
    """Put together what belongs to the model: its network, and how its data were scaled."""
    # of a classifier's folder the control from random weights is not for use
    source = folder / "finetuned" if model.kind == "classifier" else folder
    artifacts = {"model": place / "model", "dataset": place / "dataset"}
    artifacts["model"].mkdir()
    for name in ("model.json", "weights.safetensors"):
        shutil.copyfile(source / name, artifacts["model"] / name)
    write_json(artifacts["dataset"] / "dataset.json", model.dataset)
    return artifacts


def _example(kind: str, artifacts: Mapping[str, Path]) -> tuple[Floats, ModelSignature]:
    """Give an input of two samples, and the signature that the model shows on it."""
    example = example_input(open_dataset(artifacts["dataset"]))
    code = import_module(f"aepipe.registry.{kind}")
    paths = {name: str(path) for name, path in artifacts.items()}
    context = PythonModelContext(paths, None)  # type: ignore[no-untyped-call]
    code.MODEL.load_context(context)
    predictions = code.MODEL.predict(context, example)
    return example, infer_signature(example, predictions, code.DEFAULTS)


def example_input(dataset: Dataset) -> Floats:
    """Make two samples ``(2, *shape)`` that go evenly through the range of the data."""
    low, high = dataset.value_range or (0.0, 0.0)
    even = np.linspace(low, high, 2 * dataset.size, dtype=np.float32)
    return np.asarray(dataset.unscaled(even.reshape(2, *dataset.shape)), np.float32)
