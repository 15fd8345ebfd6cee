"""What representations cost: what is added up, and what is said where something is not known."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from aepipe.files import write_json
from aepipe.models.digest import model_digest
from aepipe.params.load import load_params
from aepipe.params.stack import STACK
from aepipe.tracking import costs
from aepipe.tracking.find import Found, _seconds

WHOLE = load_params(Path(__file__).parents[2] / "params.yaml")


@pytest.fixture
def models(tmp_path) -> Path:
    """The folders of all models, each with other bytes."""
    layers = [f"stack/{name}" for name in WHOLE.stack.layers]
    for name in (*layers, "autoencoder", "classifier/finetuned", "vae"):
        write_json(tmp_path / "models" / name / "model.json", {"name": name})
    return tmp_path


def found(root: Path, seconds: dict[str, float]) -> dict[str, Found]:
    digests = {name: model_digest(root / "models" / name) for name in seconds}
    return {digests[name]: Found(name, "cpu", None, seconds[name]) for name in seconds}


def training(root: Path, path: str, runs: dict[str, Found]) -> tuple[float | None, str]:
    return costs._training([runs.get(digest) for digest in costs._runs(root, path, WHOLE)])


def test_a_network_costs_what_it_stands_on_as_well(models):
    times = {"stack/first": 1.0, "stack/second": 2.0, "stack/third": 4.0}
    runs = found(models, times | {"autoencoder": 8.0, "classifier": 16.0, "vae": 32.0})
    told = {name: training(models, f"models/{name}", runs)[0] for name in
            ("stack", "autoencoder", "classifier", "vae")}  # fmt: skip
    assert told == {"stack": 7.0, "autoencoder": 15.0, "classifier": 23.0, "vae": 32.0}


def test_a_training_that_this_mlflow_does_not_know_makes_the_sum_unknown(models):
    runs = found(models, {"stack/first": 1.0, "stack/second": 2.0})
    assert training(models, STACK, runs) == (None, "cpu")
    assert training(models, "models/vae", runs) == (None, "")
    assert training(models, "data/dataset", runs) == (None, "")


def test_a_run_of_several_trainings_counts_as_one_of_them():
    tags = {"aepipe.duration_seconds": "12.0"}
    assert _seconds(SimpleNamespace(tags=tags, params={"seeds": "3"})) == 4.0
    assert _seconds(SimpleNamespace(tags=tags, params={})) == 12.0
    assert _seconds(SimpleNamespace(tags={}, params={})) is None
