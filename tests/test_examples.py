"""Every script of examples/ does what it says, against a registry of small random models."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from aepipe.consume.trained import pack
from aepipe.data.dataset import Dataset, describe_dataset
from aepipe.models.build.unrolled import classifier_blueprint
from aepipe.models.files import Blueprint, construct, save_model

pytestmark = [
    pytest.mark.pipeline,
    pytest.mark.filterwarnings("ignore"),  # MLflow's own; none of them is ours to mend
]
EXAMPLES = Path(__file__).parents[1] / "examples"
NOT_RUN = {"spark.py"}  # there is no Spark here
DEEP = Blueprint(
    "deep",
    {"shape": [1, 4, 4], "widths": [6, 3], "nonlinearities": ["relu", "linear"],
     "decoder_nonlinearities": ["relu"], "reconstruction": "bernoulli"},
)  # fmt: skip
VAE = Blueprint(
    "variational",
    {"shape": [1, 4, 4], "trunk": {"convolutions": None, "widths": [6], "nonlinearity": "silu"},
     "code_size": 2, "likelihood": {"kind": "bernoulli"}, "latent": "gaussian"},
)  # fmt: skip
BLUEPRINTS = {"encoder": DEEP, "classifier": classifier_blueprint(DEEP, 3, 0.5), "vae": VAE}
ROWS = np.random.default_rng(0).integers(0, 17, (7, 1, 4, 4)).astype(np.uint8)


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> Path:
    """A folder with an MLflow model of each kind, and samples beside them."""
    from aepipe.registry.publish import save_model as save_for_mlflow

    place = tmp_path_factory.mktemp("models")
    torch.manual_seed(0)
    facts = {"source": "npz", "digest": "d" * 32, "shape": (1, 4, 4), "scale": 0.0625}
    more = {"offset": 0.0, "value_range": (0.0, 1.0), "classes": ["cat", "dog", "hen"]}
    counts = {"counts": {"train": 1}, "paired": False}
    describe_dataset(Dataset(folder=place, **facts, **more, **counts))
    for kind, blueprint in BLUEPRINTS.items():
        save_model(place / kind / "trained", blueprint, construct(blueprint), facts={})
        pack(place / kind / "trained", place / "dataset.json", place / kind / "packed")
        save_for_mlflow(kind, place / kind / "packed", place / kind / "mlflow")
    np.save(place / "samples.npy", ROWS)
    frame = pd.DataFrame(ROWS.reshape(7, 16), columns=[f"p{i:02}" for i in range(16)])
    frame.assign(id=[*"abcdefg"]).to_csv(place / "table.csv", index=False)
    return place


def run(name: str, *words: object) -> str:
    program = "sh" if name.endswith(".sh") else sys.executable
    command = [program, str(EXAMPLES / name), *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_model_is_loaded_and_classifies(models):
    lines = run("load_pyfunc.py", models / "classifier" / "mlflow").splitlines()
    assert len(lines) == 2
    assert {line.partition(":")[0] for line in lines} <= {"cat", "dog", "hen"}


def test_a_table_is_encoded_and_keeps_its_ids(models, tmp_path):
    output = tmp_path / "codes.parquet"
    run("encode_table.sh", models / "encoder" / "mlflow", models / "table.csv", output)
    table = pd.read_parquet(output)
    assert table["id"].tolist() == [*"abcdefg"]
    assert table.columns.tolist() == ["id", "code_0", "code_1", "code_2"]


def test_a_vae_draws_samples(models, tmp_path):
    run("sample_vae.py", models / "vae" / "mlflow", tmp_path / "drawn.npy")
    assert np.load(tmp_path / "drawn.npy").shape == (16, 1, 4, 4)


def test_an_exported_model_runs_without_torch(models, tmp_path):
    pytest.importorskip("onnxruntime", reason="the extra `export` is not installed")
    from aepipe.__main__ import main

    path = tmp_path / "model.onnx"
    words = ["--model", str(models / "encoder" / "mlflow"), "--output", str(path)]
    assert main(["export", "--format", "onnx", *words]) == 0
    assert "codes (7, 3)" in run("run_onnx.py", path, models / "samples.npy")


def test_weights_are_read_by_plain_torch(models):
    text = run("plain_safetensors.py", models / "encoder" / "mlflow" / "artifacts" / "model")
    assert "Linear(in_features=16, out_features=6, bias=True) of 8 tensors" in text


def test_a_served_model_is_asked(models):
    """By a server inside the test: tests/registry/test_serving.py starts real ones."""
    import threading
    import time

    import mlflow
    import uvicorn

    from aepipe.registry.serve import MIB, application

    served = application(mlflow.pyfunc.load_model(models / "encoder" / "mlflow"), MIB)
    server = uvicorn.Server(uvicorn.Config(served, port=0, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.05)
        port = server.servers[0].sockets[0].getsockname()[1]
        text = run("ask_over_http.py", f"http://127.0.0.1:{port}", models / "samples.npy")
    finally:
        server.should_exit = True
        thread.join()
    assert "'codes': (7, 3)" in text


def test_every_script_is_run_here():
    names = {path.name for path in EXAMPLES.iterdir() if path.is_file()}
    tried = {name for name in names if f'"{name}"' in Path(__file__).read_text()}
    assert names - NOT_RUN == tried - NOT_RUN
    assert len(names) >= 7
