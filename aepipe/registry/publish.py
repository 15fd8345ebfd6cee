"""One model folder as an MLflow model: logged from code, without a pickle."""

from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import final

import mlflow
from mlflow import MlflowClient
from mlflow.entities import LoggedModel
from mlflow.models import ModelSignature, infer_signature
from mlflow.pyfunc.model import PythonModelContext

from aepipe.consume.predictions import Floats
from aepipe.consume.samples import example_input
from aepipe.consume.trained import CHECKSUMS, pack
from aepipe.data.dataset import open_dataset
from aepipe.files import digest_files, write_json
from aepipe.registry.described import Described
from aepipe.registry.fetch import CHECKSUMS_TAG
from aepipe.tracking.key import PACKAGE
from aepipe.tracking.server import tracking_uri

# What loading imports; without the list MLflow would take seconds to find out.
REQUIREMENTS = ("mlflow", "numpy", "pandas", "pyarrow", "safetensors", "torch")
EXAMPLES = 2  # samples of the input that each version shows
CODE = Path(__file__).parent  # encoder.py, classifier.py, vae.py


def log_model(client: MlflowClient, experiment: str, model: Described, folder: Path) -> LoggedModel:
    """Log the model that lies in ``folder`` to the experiment of that id."""
    run = training_run(client, experiment, model.digest)
    with TemporaryDirectory() as place:
        packed = Path(place)
        write_json(packed / "dataset.json", model.dataset)
        pack(folder, packed / "dataset.json", packed / "model")
        parts = parts_of(model.kind, packed / "model")
        digest = digest_files(packed / "model", [packed / "model" / CHECKSUMS])
        logged = client.create_logged_model(
            experiment, name=model.name, source_run_id=run, tags={CHECKSUMS_TAG: digest}
        )
        mlflow.set_tracking_uri(tracking_uri())
        mlflow.pyfunc.log_model(
            model_id=logged.model_id,
            python_model=parts.code,
            code_paths=[str(PACKAGE)],
            artifacts=parts.artifacts,
            signature=parts.signature,
            input_example=parts.example,
            pip_requirements=requirements(),
        )
    return logged


def save_model(kind: str, packed: Path, folder: Path) -> None:
    """Write what :func:`consume.trained.pack` has laid down as an MLflow model, without a registry.

    Args:
        kind: ``encoder``, ``classifier`` or ``vae``.
        packed: what is to be written.
        folder: is made.
    """
    parts = parts_of(kind, packed)
    mlflow.pyfunc.save_model(
        folder,
        python_model=parts.code,
        code_paths=[str(PACKAGE)],
        artifacts=parts.artifacts,
        signature=parts.signature,
        input_example=parts.example,
        pip_requirements=requirements(),
    )


@final
@dataclass(frozen=True, slots=True)
class Parts:
    """What MLflow wants of a model.

    Attributes:
        code: the file that it runs to load the model.
        artifacts: files and folders beside it, by name.
        example: an input of two samples.
        signature: of inputs, predictions and params.
    """

    code: str
    artifacts: dict[str, str]
    example: Floats
    signature: ModelSignature


def parts_of(kind: str, packed: Path) -> Parts:
    """Give the parts of the packed model, with the signature that it shows on an example.

    The signature is marked as one whose input the model checks itself: MLflow's own check takes one
    type and one shape alone, and would refuse 8-bit images, flat rows and data frames.
    """
    names = ("model", "dataset", CHECKSUMS)
    artifacts = {Path(name).stem: str(packed / name) for name in names}
    dataset = open_dataset(packed / "dataset")
    example = example_input(dataset, EXAMPLES)
    model = import_module(f"aepipe.registry.{kind}").MODEL
    context = PythonModelContext(artifacts, None)  # type: ignore[no-untyped-call]
    model.load_context(context)
    defaults = import_module(f"aepipe.registry.{kind}").DEFAULTS
    signature = infer_signature(example, model.predict(context, example), defaults)
    signature._is_signature_from_type_hint = True
    return Parts(str(CODE / f"{kind}.py"), artifacts, example, signature)


def training_run(client: MlflowClient, experiment: str, digest: str) -> str | None:
    """Give the run in which a stage made the model of that digest, if MLflow has seen it."""
    found = client.search_runs([experiment], f"tags.`aepipe.digest` = '{digest}'", max_results=1)
    return str(found[0].info.run_id) if found else None


def requirements() -> list[str]:
    """Pin what loading a model needs to the versions that are installed."""
    # a local part, as in 2.13.0+cpu, names a build that a package index may not have
    return [f"{name}=={version(name).partition('+')[0]}" for name in REQUIREMENTS]
