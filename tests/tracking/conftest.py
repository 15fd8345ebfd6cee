"""A stage of our own, in a folder of its own, tracked as the real ones are."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest

from aepipe.command import Call
from aepipe.tracking.server import SETTINGS


@dataclass(frozen=True)
class Params:
    seed: int
    training: dict[str, float]


@dataclass(frozen=True)
class Inputs:
    data: Path


@dataclass(frozen=True)
class Outputs:
    model: Path


def run(params, inputs, outputs, monitor):
    """Record three epochs, then write what a training stage writes."""
    for epoch in monitor.progress(range(1, 4), "epochs"):
        monitor.record(epoch, {"train_total": 1 / epoch})
    write_model(outputs.model)


def write_model(folder: Path) -> None:
    folder.mkdir()
    (folder / "model.json").write_text('{"format": 1}\n')
    (folder / "weights.safetensors").write_bytes(b"weights")
    (folder / "history.json").write_text("[]\n")


@pytest.fixture(autouse=True)
def alone(tmp_path, monkeypatch) -> Path:
    """An empty working directory, and none of the user's MLflow settings."""
    monkeypatch.chdir(tmp_path)
    for name in (*SETTINGS, "MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME"):
        monkeypatch.setenv(name, "")  # so that what a test sets is undone after it
        monkeypatch.delenv(name)
    return tmp_path


@pytest.fixture
def call_of(alone) -> Callable[[int], Call]:
    """Give the call of the stage with the given seed."""
    (alone / "data").mkdir()
    (alone / "data" / "00000.npy").write_bytes(b"features")
    stage = SimpleNamespace(Params=Params, Inputs=Inputs, Outputs=Outputs, run=run)

    def call(seed: int) -> Call:
        return Call(
            stage=stage,
            title="toy@first",
            experiment="experiment",
            params=Params(seed, {"learning_rate": 0.5}),
            inputs=Inputs(Path("data")),
            outputs=Outputs(Path("models/toy")),
        )

    return call
