"""One stage in several processes: what is refused, and that the others leave nothing behind."""

import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from ruamel.yaml import YAML
from safetensors.torch import load_file

from aepipe.command import Call
from aepipe.errors import ParamsError
from aepipe.launch import LAUNCHED, VARIABLE, run_in_processes
from aepipe.monitor import Silent
from aepipe.params.base import Section
from aepipe.params.load import load_params, validate
from aepipe.params.models import Model
from aepipe.params.stack import Layer
from aepipe.stages import ingest, vae

ROOT = Path(__file__).parents[1]
PARAMS = load_params(ROOT / "params.yaml")


@dataclass(frozen=True)
class Sections:
    seed: int
    model: Section


@pytest.fixture(autouse=True)
def one_process(monkeypatch):
    for name in (VARIABLE, LAUNCHED):
        monkeypatch.delenv(name, raising=False)


def call(section: Section) -> Call:
    return Call(SimpleNamespace(), "model@mine", "e", Sections(1, section), None, None)


def alone(section: Section) -> bool:
    """Say whether the stage was run in this process."""
    ran = []
    run_in_processes(call(section), [], lambda: ran.append(True))
    return bool(ran)


def test_without_being_asked_or_with_nothing_to_train_a_stage_runs_in_one(monkeypatch):
    assert alone(PARAMS.vae)
    monkeypatch.setenv(VARIABLE, "1")
    assert alone(PARAMS.vae)
    monkeypatch.setenv(VARIABLE, "2")
    assert alone(PARAMS.corruption)


@pytest.mark.parametrize("text", ["0", "-1", "two", "1.5"])
def test_a_number_of_processes_that_is_none_is_a_users_mistake(text, monkeypatch):
    monkeypatch.setenv(VARIABLE, text)
    with pytest.raises(ParamsError, match=rf"^AEPIPE_PROCESSES={re.escape(text)}: expected"):
        alone(PARAMS.vae)


def declared(section: object, whole: Section, **changes: object) -> Section:
    return validate(section, {**whole.model_dump(mode="json"), **changes}, "mine")


DENSE = {"kind": "dense", "widths": [16], "code_size": 4, "activation": "tanh"}
CONVOLUTIONAL = PARAMS.models["convolutional"]
AUTOENCODER = declared(Model, CONVOLUTIONAL, architecture=DENSE, penalties=[])
KL = {"kind": "kl_sparsity", "weight": 0.1, "target": 0.2}
RBM = {
    "kind": "rbm", "code_size": 12, "visible": {"kind": "bernoulli", "values": "drawn"},
    "hidden": "bernoulli", "gradient": {"kind": "contrastive_divergence", "steps": 1},
    "training": PARAMS.vae.training.model_dump(mode="json"),
}  # fmt: skip
REFUSED = {
    "batch_norm": (
        declared(Model, AUTOENCODER, architecture={**DENSE, "normalisation": "batch"}),
        "model.architecture: batch normalisation",
    ),
    "emphasis": (
        declared(
            Model, AUTOENCODER, corruption={"kind": "masking", "fraction": 0.2},
            emphasis={"corrupted": 1.0, "intact": 0.5},
        ),
        "model.emphasis: its draws",
    ),
    "kl": (
        declared(
            Model, AUTOENCODER, penalties=[KL],
            architecture={**DENSE, "code_activation": "sigmoid"},
        ),
        "model.penalties.0: kl_sparsity",
    ),
    "free_bits": (declared(Model, PARAMS.vae, free_bits=0.1), "model: free_bits"),
    "rbm": (validate(Model, RBM, "mine"), "model: chains"),
}  # fmt: skip


@pytest.mark.parametrize(("section", "reason"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_mean_over_samples_is_refused_with_its_place_and_reason(
    section, reason, monkeypatch
):
    monkeypatch.setenv(VARIABLE, "2")
    with pytest.raises(ParamsError) as caught:
        alone(section)
    head, problem, advice = str(caught.value).splitlines()
    assert head.startswith("AEPIPE_PROCESSES=2: ")
    assert problem.startswith(f"  {reason}")
    assert "unset it" in advice


def test_everything_else_of_the_pipeline_can_be_divided(monkeypatch):
    monkeypatch.setenv(VARIABLE, "2")
    monkeypatch.setattr("aepipe.launch._launch", lambda count, words: started.append(count))
    layers: list[Layer] = [*PARAMS.stack.layers.values()]
    sections = [*layers, PARAMS.unroll, PARAMS.finetune, PARAMS.vae, *PARAMS.models.values()]
    started = []
    for section in sections:
        assert not alone(section)
    assert started == [2] * len(sections)


def test_devices_that_are_not_there_are_a_users_mistake(monkeypatch):
    monkeypatch.setenv(VARIABLE, "99")
    monkeypatch.setenv("AEPIPE_DEVICE", "cuda")
    with pytest.raises(ParamsError, match=r"AEPIPE_PROCESSES=99 on cuda: expected cpu, or cuda"):
        alone(PARAMS.vae)


def test_a_process_that_trains_along_says_and_keeps_nothing(tmp_path, monkeypatch, capfd):
    made = []

    def run(params, inputs, outputs, monitor):
        assert isinstance(monitor, Silent)
        outputs.vae.mkdir()
        made.append(outputs.vae)

    monkeypatch.setenv(LAUNCHED, "aepipe")
    monkeypatch.setenv("RANK", "1")
    along = replace(
        call(PARAMS.vae), stage=SimpleNamespace(run=run), outputs=vae.Outputs(tmp_path / "vae")
    )
    run_in_processes(along, [], lambda: made.append("alone"))
    (folder,) = made
    assert not folder.exists()
    assert not (tmp_path / "vae").exists()
    assert capfd.readouterr().err == ""


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """A working folder with the digits and a short training of a VAE."""
    folder = tmp_path_factory.mktemp("place")
    section = PARAMS.data
    ingest.run(
        ingest.Params(1, section), ingest.Inputs(), ingest.Outputs(folder / "dataset"), Silent()
    )
    declare(folder, epochs=3, batch_size=101, patience=3)
    return folder


def declare(folder: Path, **training: object) -> None:
    params = YAML().load(ROOT / "params.yaml")
    params["vae"]["training"].update(training)
    params["vae"]["warmup_epochs"] = 2
    YAML().dump(params, folder / "params.yaml")


def start(place: Path, **environment: str) -> subprocess.Popen[str]:
    command = [
        sys.executable,
        "-m",
        "aepipe",
        "stage",
        "vae",
        "--dataset",
        "dataset",
        "--vae",
        "vae",
    ]
    settings = {
        VARIABLE: "2", "AEPIPE_DEVICE": "cpu", "OMP_NUM_THREADS": "1",
        "MLFLOW_TRACKING_URI": f"sqlite:///{place}/mlruns/mlflow.db",
    }  # fmt: skip
    return subprocess.Popen(
        command, cwd=place, stderr=subprocess.PIPE, text=True,
        env={**os.environ, **settings, **environment},
    )  # fmt: skip


@pytest.mark.pipeline
def test_a_stage_in_two_processes_ends_with_the_weights_of_one_and_speaks_once(place):
    process = start(place)
    said = process.communicate(timeout=600)[1]
    assert process.returncode == 0, said
    assert said.count("is best: valid_total") == 1
    params = load_params(place / "params.yaml")
    outputs = vae.Outputs(place / "alone")
    vae.run(
        vae.Params(params.seed, params.vae, seeds=1),
        vae.Inputs(place / "dataset"),
        outputs,
        Silent(),
    )
    one, two = (load_file(place / name / "weights.safetensors") for name in ("alone", "vae"))
    for name, expected in one.items():
        torch.testing.assert_close(two[name], expected, rtol=1e-4, atol=1e-5)
    assert (place / "vae" / "model.json").read_bytes() == (outputs.vae / "model.json").read_bytes()
    assert sorted(path.name for path in (place / "vae").iterdir()) == [
        "history.json", "model.json", "weights.safetensors",
    ]  # fmt: skip


@pytest.mark.slow
def test_two_processes_that_are_terminated_go_on_to_the_same_bytes(place):
    declare(place, epochs=30, batch_size=32, patience=30)
    often = {"AEPIPE_CHECKPOINT_SECONDS": "0"}
    process = start(place, **often)
    deadline = time.monotonic() + 300
    while not list((place / ".aepipe" / "checkpoints").glob("*/network.*")):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    said = process.communicate(timeout=600)[1]
    assert process.returncode == 143, said
    assert said.count("goes on from the checkpoint in") == 1
    assert "Traceback" not in said
    made = []
    for _ in range(2):
        process = start(place, **often)
        said = process.communicate(timeout=600)[1]
        assert process.returncode == 0, said
        assert ("goes on from a checkpoint" in said) == (not made)
        made.append({path.name: path.read_bytes() for path in sorted((place / "vae").iterdir())})
    assert made[0] == made[1]
