"""What docs/security.md promises: nothing is unpickled, and no password gets anywhere."""

import json
import os
import pickle
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PASSWORD = "hunter2"  # noqa: S105 (nobody's)

# Loads what a user loads, with every way into unpickling closed from the start.
LOADS = """
import pickle, sys
from pathlib import Path
def refuse(*arguments, **options):
    raise AssertionError("something was unpickled")
class Refusing(pickle.Unpickler):
    load = refuse
    find_class = refuse
import _pickle
for module in (pickle, _pickle):
    module.load = module.loads = refuse
    module.Unpickler = Refusing
pickle._load = pickle._loads = refuse
pickle._Unpickler.load = refuse

import numpy as np, pandas as pd
from aepipe.command import load_stage
from aepipe.consume.predictions import described
from aepipe.consume.trained import open_trained
from aepipe.data.contracts import read_table
from aepipe.data.dataset import open_dataset
from aepipe.evaluation.pca import fit_pca, load_pca, save_pca
from aepipe.monitor import Silent
from aepipe.params.load import load_params
from aepipe.representation import load_representations

root = Path(sys.argv[1])
params = load_params(root / "params.yaml")
ingest = load_stage("ingest")
declared = ingest.Params(params.seed, params.data)
ingest.run(declared, ingest.Inputs(), ingest.Outputs(Path("dataset")), Silent())
dataset = open_dataset(Path("dataset"))
rows = dataset.features("train").load()
read_table(Path("dataset/samples.parquet"))
save_pca(Path("pca"), fit_pca([dataset.scaled(rows)], [2]))
load_pca(Path("pca"))
for name in ("encoder", "classifier", "vae"):
    model = open_trained(Path(name), Path("dataset"))
for folder in (Path("encoder"), Path("vae")):
    load_representations(folder)
described(open_trained(Path("encoder"), Path("dataset")), rows[:3])

import mlflow
print(mlflow.pyfunc.load_model("mlflow").predict(rows[:3])["codes"].shape)
"""


@pytest.mark.pipeline
@pytest.mark.filterwarnings("ignore")
def test_nothing_that_a_user_loads_is_unpickled(tmp_path):
    import torch

    from aepipe.consume.trained import pack
    from aepipe.data.dataset import Dataset, describe_dataset
    from aepipe.models.build.unrolled import classifier_blueprint
    from aepipe.models.files import Blueprint, construct, save_model
    from aepipe.registry.publish import save_model as save_for_mlflow

    shape = {"shape": [1, 8, 8], "widths": [6, 3], "nonlinearities": ["relu", "linear"]}
    more = {"decoder_nonlinearities": ["relu"], "reconstruction": "bernoulli"}
    deep = Blueprint("deep", shape | more)
    trunk = {"convolutions": None, "widths": [6], "nonlinearity": "silu"}
    latent = {"code_size": 2, "likelihood": {"kind": "bernoulli"}, "latent": "gaussian"}
    vae = Blueprint("variational", {"shape": [1, 8, 8], "trunk": trunk, **latent})
    torch.manual_seed(0)
    for name, blueprint in (
        ("encoder", deep),
        ("vae", vae),
        ("classifier/finetuned", classifier_blueprint(deep, 10, 0.5)),
    ):
        save_model(tmp_path / name, blueprint, construct(blueprint), facts={})
    facts = {"source": "digits", "digest": "d" * 32, "shape": (1, 8, 8), "scale": 0.0625}
    other = {"offset": 0.0, "value_range": (0.0, 1.0), "classes": [], "paired": False}
    describe_dataset(Dataset(folder=tmp_path, counts={"train": 1}, **facts, **other))
    pack(tmp_path / "encoder", tmp_path / "dataset.json", tmp_path / "packed")
    save_for_mlflow("encoder", tmp_path / "packed", tmp_path / "mlflow")

    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", LOADS, str(ROOT)],
        cwd=tmp_path,
        env={**os.environ, "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "(3, 3)"


def test_the_patch_that_closes_unpickling_closes_it():
    """Else the test above would pass on anything."""
    patch = LOADS.partition("import numpy")[0]
    content = repr(pickle.dumps([1]))
    for way in (f"pickle.loads({content})", f"pickle.Unpickler(io.BytesIO({content})).load()"):
        code = f"{patch}\nimport io\n{way}"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
        assert b"something was unpickled" in done.stderr


def test_no_module_can_unpickle():
    words = re.compile(
        r"\b(pickle|cloudpickle|joblib|dill|shelve|marshal)\b|torch\.load|read_pickle"
    )
    allowed = re.compile(r"allow_pickle=False|# |\"|'|^[^=(]*$")
    found = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for folder in ("aepipe", "flows", "examples")
        for path in (ROOT / folder).rglob("*.py")
        for line in path.read_text().splitlines()
        if words.search(line) and (line.startswith(("import", "from")) or not allowed.search(line))
    ]
    assert found == []


@pytest.mark.pipeline
@pytest.mark.filterwarnings("ignore")
def test_a_password_in_an_address_is_never_shown(tmp_path):
    """Neither by a command that can't reach the place, nor in anything that it leaves behind."""
    uri = f"http://somebody:{PASSWORD}@127.0.0.1:9"
    done = subprocess.run(
        [sys.executable, "-m", "aepipe", "encode", "--model", "models:/name@alias", "--input",
         "rows.npy", "--output", "codes.npy"],
        cwd=tmp_path,
        env={**os.environ, "MLFLOW_TRACKING_URI": uri, "MLFLOW_LOGGING_LEVEL": "DEBUG"},
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert "MLflow at http://127.0.0.1:9" in done.stderr
    assert PASSWORD not in done.stdout + done.stderr
    left = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert [path for path in left if PASSWORD.encode() in path.read_bytes()] == []


@pytest.mark.pipeline
@pytest.mark.filterwarnings("ignore")
def test_a_database_that_repeats_its_address_shows_no_password(monkeypatch):
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import OperationalError

    from aepipe.errors import RegistryError
    from aepipe.tracking.server import reached

    uri = f"postgresql://somebody:{PASSWORD}@db.example.com/models"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    for error in (
        OperationalError("select 1", {}, Exception(f"no connection to {uri}")),
        MlflowException(f"bad store: {uri}"),
    ):
        with pytest.raises(RegistryError) as caught, reached():
            raise error
        assert PASSWORD not in str(caught.value)
        assert "db.example.com" in str(caught.value)


def test_a_git_address_with_a_password_reaches_no_tag(tmp_path, monkeypatch):
    from aepipe.tracking.facts import revision_tags

    def git(*words: str) -> None:
        subprocess.run(["git", *words], cwd=tmp_path, check=True, capture_output=True)

    git("init", "--quiet")
    git("remote", "add", "origin", f"https://somebody:{PASSWORD}@example.com/a.git")
    git("-c", "user.name=n", "-c", "user.email=e", "commit", "--allow-empty", "-qm", "first")
    tags = revision_tags(tmp_path)
    assert tags
    assert PASSWORD not in json.dumps(tags)


def test_what_git_keeps_holds_no_secret():
    """Keys and passwords of remotes belong into .dvc/config.local, which git ignores."""
    names = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert len(names) > 100
    assert ".dvc/config.local" not in names
    secret = re.compile(
        r"(secret_access_key|access_key_id|sas_token|account_key|password)\s*=\s*[^\s<{\"']"
        r"|-----BEGIN [A-Z ]*PRIVATE KEY-----|AKIA[0-9A-Z]{16}"
    )
    own = Path(__file__).relative_to(ROOT).as_posix()
    found = [
        name
        for name in names
        if name != own and (ROOT / name).is_file()
        and secret.search((ROOT / name).read_text(encoding="utf-8", errors="ignore"))
    ]  # fmt: skip
    assert found == []
