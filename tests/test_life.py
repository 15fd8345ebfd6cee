"""A registered classifier from its training to its second registry, as those see it who use it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import requests
from mlflow import MlflowClient

from tests.postgres import free_port
from tests.servers import serving
from tests.test_pipeline import edit_params, make_clone, shorten

pytestmark = [pytest.mark.pipeline, pytest.mark.filterwarnings("ignore")]  # MLflow's own
NAME = "aepipe-classifier"
CHAMPION = f"models:/{NAME}@champion"
OWN = ("MLFLOW_", "PREFECT_", "AEPIPE_", "DVC_")


@pytest.fixture
def environment() -> dict[str, str]:
    """Where nothing of the machine's own set-up is seen, and `python` is this one."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(OWN)}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    quiet = {"DVC_NO_ANALYTICS": "1", "MLFLOW_DISABLE_TELEMETRY": "true"}
    return kept | quiet | {"PATH": path, "AEPIPE_DEVICE": "cpu", "OMP_NUM_THREADS": "1"}


def tiny(raw) -> None:
    """Leave what the classifier needs, and of its stack one layer."""
    shorten(raw)
    layer = raw["stack"]["layers"]["third"] | {"input": "data/dataset"}
    raw["stack"]["layers"] = {"first": layer}
    raw["models"] = {}
    kept = ("pca", "classifier", "vae")
    raw["evaluate"]["representations"] = {name: f"models/{name}" for name in kept}
    raw["evaluate"]["probes"] = {"linear": {"inverse_penalties": [1.0]}, "rows": 300}
    raw["evaluate"]["further"] = {}
    raw["corruption"]["conditions"] = []
    raw["finetune"]["training"].update(epochs=4)
    raw["registry"]["models"] = {NAME: {"kind": "classifier", "model": "models/classifier"}}
    raw["registry"]["gates"] = {
        NAME: [
            "classifier.head_finetuned >= 0.3",
            "classifier.head_finetuned >= pca.accuracy_linear - 0.9",
            "classifier.head_finetuned not worse than champion",
        ]
    }


def test_the_whole_life_of_a_registered_model(tmp_path, environment):
    clone = make_clone(tmp_path / "clone")
    edit_params(clone, tiny)
    commit(clone)

    def run(*command: str, code: int = 0) -> str:
        done = subprocess.run(
            command, cwd=clone, env=environment, capture_output=True, text=True, check=False
        )
        said = done.stdout + done.stderr
        assert done.returncode == code, said[-4000:]
        return said

    def train(**settings) -> str:
        edit_params(clone, lambda raw: raw["finetune"]["training"].update(settings))
        return run("dvc", "repro", "register")

    assert "is version 1, which is new and is the champion now" in train()
    assert aliases(clone) == {"candidate": 1, "champion": 1}
    url = f"http://127.0.0.1:{free_port()}"
    command = ["mlflow", "models", "serve", "-m", CHAMPION, "--env-manager", "local"]
    command += ["--host", "127.0.0.1", "--port", url.rpartition(":")[2]]
    own = {"MLFLOW_TRACKING_URI": f"sqlite:///{clone}/mlruns/mlflow.db"}
    with serving(command, tmp_path, environment | own, f"{url}/ping"):
        for rows in (1, 2, 1000):
            assert predicted(f"{url}/invocations", rows) == (rows, 10)

    said = train(epochs=1, learning_rate=1e-7)
    assert "is not made champion: classifier.head_finetuned" in said
    assert aliases(clone) == {"candidate": 2, "champion": 1}

    train(epochs=6, learning_rate=0.002)
    assert aliases(clone) == {"candidate": 3, "champion": 3, "previous": 1}

    told = run("aepipe", "rollback", NAME, "--why", "a customer's complaint")
    assert f"{NAME}@champion is version 1 now, after version 3: a customer's complaint" in told
    assert "was rolled back" in run("aepipe", "register")
    assert aliases(clone) == {"candidate": 3, "champion": 1}

    # what lies in the folder are version 3's results and params, and not those of the champion
    assert "restored from the cache, the weights are the same" in run("aepipe", "verify", CHAMPION)
    said = run("aepipe", "verify", CHAMPION, "--rebuild")
    assert "3 stages from the source data: the weights are the same bytes" in said
    for stage in ("ingest", "pretrain@first", "finetune"):
        assert f"Running stage '{stage}'" in said
    chain = run("aepipe", "where", CHAMPION).splitlines()
    assert [line.split()[0] for line in chain[1:4]] == ["finetune", "pretrain@first", "ingest"]
    assert run("aepipe", "which", "pretrain@first").count("models/stack/first") == 3
    assert run("aepipe", "which", "models/classifier").count("another than now") == 2

    spoil(clone)
    said = run("aepipe", "verify", CHAMPION, code=5)
    assert "the weights differ by at most" in said

    clone = clone.rename(tmp_path / "renamed")
    assert "was moved or copied" in run("aepipe", "register", code=2)
    run("aepipe", "relocate")
    assert "is version 3, which was there" in run("aepipe", "register")

    before = content(clone, 3)
    shutil.rmtree(clone / "mlruns")
    shutil.rmtree(clone / "models")
    clone = clone.rename(tmp_path / "bare")  # this process's MLflow keeps old databases open
    run("dvc", "checkout", "models/classifier")
    both = [subprocess.Popen(["aepipe", "register"], cwd=clone, env=environment) for _ in range(2)]
    assert [process.wait() for process in both] == [0, 0]
    assert len(client(clone).search_model_versions(f"name = '{NAME}'")) == 1
    assert content(clone, 1) == before
    assert aliases(clone) == {"candidate": 1, "champion": 1}
    assert run("git", "worktree", "list").count("\n") == 1


def client(clone: Path) -> MlflowClient:
    return MlflowClient(f"sqlite:///{clone}/mlruns/mlflow.db")


def aliases(clone: Path) -> dict[str, int]:
    return {a: int(v) for a, v in client(clone).get_registered_model(NAME).aliases.items()}


def commit(clone: Path) -> None:
    who = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
    words = ["git", *who, "commit", "--quiet", "--all", "-m", "tiny"]
    subprocess.run(words, cwd=clone, check=True)


def files_of(clone: Path, number: int) -> Path:
    version = client(clone).get_model_version(NAME, str(number))
    model_id = version.source.removeprefix("models:/")
    return Path(client(clone).get_logged_model(model_id).artifact_location)


def content(clone: Path, number: int) -> tuple[dict[str, str], dict[str, bytes]]:
    """Give what a version says and keeps; where and when it was made and moved is left out."""
    moment = ("aepipe.device", "aepipe.champion_since", "aepipe.withdrawn", "aepipe.gate")
    version = client(clone).get_model_version(NAME, str(number))
    tags = {key: text for key, text in version.tags.items() if not key.startswith(moment)}
    folder = files_of(clone, number)
    kept = [*folder.glob("artifacts/**/*"), *folder.glob("provenance/*")]
    return tags, {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in kept if path.is_file()
    }


def spoil(clone: Path) -> None:
    """Change one weight of the champion where the registry keeps it."""
    from safetensors.numpy import load_file, save_file

    path = files_of(clone, 1) / "artifacts/model/weights.safetensors"
    weights = load_file(path)
    next(iter(weights.values())).flat[0] += 0.5
    save_file(weights, path)


def predicted(url: str, rows: int) -> tuple[int, ...]:
    images = np.zeros((rows, 1, 8, 8), np.float32).tolist()
    answer = requests.post(url, json={"inputs": images}, timeout=300)
    assert answer.ok, answer.text
    return np.shape(answer.json()["predictions"]["probabilities"])
