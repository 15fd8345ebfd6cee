"""Stages that are really killed, as a process: the next one goes on, and nothing tells."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from ruamel.yaml import YAML

from aepipe.monitor import Silent
from aepipe.params.load import load_params
from aepipe.stages import vae
from aepipe.tracking.send import send_pending
from aepipe.tracking.server import connect

ROOT = Path(__file__).parents[2]
EPOCHS = 100

pytestmark = [
    pytest.mark.pipeline,
    pytest.mark.filterwarnings("ignore"),  # MLflow's own; none of them is ours to mend
]


@pytest.fixture
def place(tmp_path) -> Path:
    """A working folder with a params.yaml whose VAE trains for some seconds."""
    params = YAML().load(ROOT / "params.yaml")
    params["vae"]["training"].update(epochs=EPOCHS, batch_size=8, patience=EPOCHS)
    YAML().dump(params, tmp_path / "params.yaml")
    return tmp_path


def start(place: Path, dataset: Path, **environment: str) -> subprocess.Popen[str]:
    paths = ["--dataset", str(dataset), "--vae", "vae"]
    return subprocess.Popen(
        [sys.executable, "-m", "aepipe", "stage", "vae", *paths],
        cwd=place,
        env={
            **os.environ,
            "MLFLOW_TRACKING_URI": database(place),
            "OMP_NUM_THREADS": "1",
            **environment,
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def database(place: Path) -> str:
    return f"sqlite:///{place}/mlruns/mlflow.db"


def end(process: subprocess.Popen[str]) -> tuple[int, str]:
    said = process.communicate(timeout=600)[1]
    return process.returncode, said


def newest(place: Path) -> int:
    """Number of the newest checkpoint; 0 where there is none."""
    files = (place / "all").glob("*/network.*.safetensors")
    return max((int(path.name.split(".")[1]) for path in files), default=0)


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not true():
        assert time.monotonic() < deadline, "it has not come true within two minutes"
        time.sleep(0.01)


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_a_stage_that_is_killed_and_terminated_ends_as_one_that_was_not(
    small_digits, place, monkeypatch
):
    often = {"AEPIPE_CHECKPOINTS": str(place / "all"), "AEPIPE_CHECKPOINT_SECONDS": "0"}

    killed = start(place, small_digits.folder, **often)
    until(lambda: newest(place) >= 2)
    killed.kill()
    assert end(killed)[0] == -signal.SIGKILL
    before = newest(place)
    assert not (place / "vae").exists()

    terminated = start(place, small_digits.folder, **often)
    until(lambda: newest(place) > before)
    terminated.send_signal(signal.SIGTERM)
    code, said = end(terminated)
    assert code == 143, said
    assert "goes on from a checkpoint, in epoch" in said
    assert re.search(r"aepipe stage vae: ended by SIGTERM; the same command goes on from", said)
    assert "Traceback" not in said

    code, said = end(start(place, small_digits.folder, **often))
    assert code == 0, said
    assert "goes on from a checkpoint, in epoch" in said
    assert "not used" not in said
    assert list((place / "all").iterdir()) == []

    undisturbed(place, small_digits.folder)
    assert contents(place / "vae") == contents(place / "undisturbed")
    history = json.loads((place / "vae" / "history.json").read_text())
    assert len(history) == EPOCHS
    curve = {row["epoch"]: row["valid_total"] for row in history}
    monkeypatch.chdir(place)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", database(place))
    assert curves() == [("FINISHED", curve)], "one run, each epoch once, none missing"


def undisturbed(place: Path, dataset: Path) -> None:
    params, threads = load_params(place / "params.yaml"), torch.get_num_threads()
    torch.set_num_threads(1)
    outputs = vae.Outputs(place / "undisturbed")
    vae.run(vae.Params(params.seed, params.vae, seeds=1), vae.Inputs(dataset), outputs, Silent())
    torch.set_num_threads(threads)


def curves() -> list[tuple[str, dict[int, float]]]:
    """Status and curve of every run, once a machine that was too slow to send all has done so."""
    client = connect()
    assert send_pending(client) == []
    found = []
    for run in client.search_runs([each.experiment_id for each in client.search_experiments()]):
        history = client.get_metric_history(run.info.run_id, "valid_total")
        assert len({metric.step for metric in history}) == len(history), "a step is there twice"
        found.append((run.info.status, {metric.step: metric.value for metric in history}))
    return found
