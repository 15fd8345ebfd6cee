import json
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from aepipe.command import Call, run_call
from aepipe.errors import RegistryError
from aepipe.monitor import Silent
from aepipe.registry.synchronise import register_outputs, synchronise
from aepipe.stages import register
from aepipe.tracking.journal import PENDING
from aepipe.tracking.server import tracking_uri
from aepipe.tracking.watch import watch

pytestmark = [
    pytest.mark.pipeline,
    pytest.mark.usefixtures("database"),
    pytest.mark.filterwarnings("ignore"),  # MLflow's own; none of them is ours to mend
]
ROOT = Path()


def client():
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri())


def versions(name: str) -> list[int]:
    return sorted(int(each.version) for each in client().search_model_versions(f"name = '{name}'"))


def carrier(name: str) -> int:
    """Give the number of the version that carries the alias."""
    return int(candidate(name).version)


def candidate(name: str):
    return client().get_model_version_by_alias(name, "candidate")


def register_all(registry) -> None:
    synchronise(registry, ROOT, Silent())


@pytest.fixture
def nowhere(monkeypatch):
    """An address at which nothing listens."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # bound and not listening: it refuses
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{held.getsockname()[1]}")
        yield


def test_the_same_bytes_make_one_version_and_other_bytes_another(make_models, registry):
    make_models(0)
    register_all(registry)
    register_all(registry)
    assert [versions(name) for name in registry.models] == [[1], [1], [1]]
    make_models(1)
    register_all(registry)
    assert versions("encoder") == [1, 2]
    assert carrier("encoder") == 2
    make_models(0)
    register_all(registry)
    assert versions("encoder") == [1, 2]
    assert carrier("encoder") == 1


def test_a_version_says_what_it_was_made_from(make_models, registry, judge_anew):
    make_models(0)
    lock = {"schema": "2.0", "stages": {"unroll": {"outs": [{"path": "x", "md5": "a"}]}}}
    lock["stages"]["unroll"]["outs"].append({"path": "models/autoencoder", "md5": "b.dir"})
    Path("dvc.lock").write_text(json.dumps(lock))
    register_all(registry)
    described = json.loads(Path("reports/registered.json").read_text())["models"]["encoder"]
    tags = candidate("encoder").tags
    assert tags["aepipe.digest"] == described["digest"]
    assert tags["aepipe.dataset_digest"] == "d" * 32
    assert tags["dvc.models/autoencoder"] == "b.dir"
    assert tags["metric.deep.accuracy_linear"] == "0.5"
    judge_anew(0.25)
    register_all(registry)
    assert versions("encoder") == [1]
    assert candidate("encoder").tags["metric.deep.squared_error"] == "0.25"


def test_an_alias_that_is_gone_is_put_right(make_models, registry):
    make_models(0)
    register_all(registry)
    client().delete_registered_model_alias("vae", "candidate")
    register_all(registry)
    assert carrier("vae") == 1


def test_a_version_whose_files_or_logged_model_are_gone_is_made_again(make_models, registry):
    make_models(0)
    register_all(registry)
    shutil.rmtree("mlruns/artifacts/models")
    register_all(registry)
    assert carrier("encoder") == 2
    client().delete_logged_model(str(candidate("encoder").source).removeprefix("models:/"))
    register_all(registry)
    assert carrier("encoder") == 3


def test_a_registry_that_breaks_half_way_keeps_the_alias_where_it_was(
    make_models, registry, monkeypatch
):
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    make_models(0)
    register_all(registry)
    make_models(1)

    def refuse(self, *arguments, **options):
        raise MlflowException("the server went away")

    for broken in ("create_model_version", "set_registered_model_alias"):
        with monkeypatch.context() as patch:
            patch.setattr(MlflowClient, broken, refuse)
            with pytest.raises(RegistryError, match=r"went away; .*`aepipe register` registers"):
                register_all(registry)
        assert carrier("encoder") == 1
    register_all(registry)
    assert carrier("encoder") == 2
    assert versions("encoder") == [1, 2]


def test_a_registry_that_is_away_is_said_in_one_line_and_a_few_seconds(
    make_models, registry, nowhere
):
    make_models(0)
    started = time.monotonic()
    with pytest.raises(RegistryError, match=r"Connection refused; .*; `aepipe register`") as caught:
        register_all(registry)
    assert time.monotonic() - started < 10
    assert "\n" not in str(caught.value)


def test_a_stage_that_could_not_register_leaves_no_output(make_models, registry, nowhere):
    make_models(0)
    call = Call(
        stage=register,
        title="register",
        experiment=registry.experiment,
        params=register.Params(registry, {"deep": "models/autoencoder"}),
        inputs=register.Inputs(Path("models"), Path("reports/metrics.json"), Path("data/dataset")),
        outputs=register.Outputs(Path("reports/of_the_stage.json")),
    )
    with pytest.raises(RegistryError, match="`dvc repro register` registers"):
        run_call(call, watch, register_outputs)
    assert not Path("reports/of_the_stage.json").exists()


def test_runs_that_wait_are_sent_along(make_models, registry):
    make_models(0)
    run = {"what": "run", "title": "toy", "key": "k", "experiment": "experiment", "time": 1}
    end = {"what": "end", "status": "FINISHED", "time": 2, "tags": {}, "files": {}}
    lines = [{**run, "params": {"seed": "1"}, "tags": {}}, end]
    PENDING.mkdir(parents=True)
    (PENDING / "k.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    register_all(registry)
    number = client().get_experiment_by_name("experiment").experiment_id
    assert [each.data.params for each in client().search_runs([number])] == [{"seed": "1"}]
    assert list(PENDING.iterdir()) == []


EXPECTED = {
    "encoder": {"codes": [3], "reconstructions": [1, 4, 4], "anomaly_scores": []},
    "classifier": {"probabilities": [3], "label": [], "class_name": []},
    "vae": {"codes": [2], "reconstructions": [1, 4, 4]},
}
LOADED_ELSEWHERE = """
import json, sys, warnings
warnings.simplefilter("ignore")
import mlflow, numpy as np
from mlflow.pyfunc import scoring_server
from starlette.testclient import TestClient

rows = np.arange(7 * 16, dtype=np.float32).reshape(7, 1, 4, 4) % 17
for name in sys.argv[1:]:
    model = mlflow.pyfunc.load_model(f"models:/{name}@candidate")
    shapes = {n: {k: v.shape for k, v in model.predict(rows[:n]).items()} for n in (1, 2, 7)}
    served = TestClient(scoring_server.init(model))
    answer = served.post("/invocations", json={"inputs": rows[:2].tolist()})
    wrong = served.post("/invocations", json={"inputs": rows[:, :, :3].tolist()})
    predictions = {k: np.shape(v) for k, v in answer.json()["predictions"].items()}
    print(json.dumps([name, shapes, predictions, wrong.status_code]))
"""


def test_models_load_by_alias_elsewhere_without_pickle_and_predict_any_number(
    make_models, registry, tmp_path_factory
):
    make_models(0)
    register_all(registry)
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    environment["MLFLOW_TRACKING_URI"] = tracking_uri()
    environment["MLFLOW_ALLOW_PICKLE_DESERIALIZATION"] = "false"
    done = subprocess.run(
        [sys.executable, "-c", LOADED_ELSEWHERE, *EXPECTED],
        cwd=tmp_path_factory.mktemp("elsewhere"),
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answers = [json.loads(line) for line in done.stdout.splitlines()[-len(EXPECTED) :]]
    assert [name for name, *_ in answers] == list(EXPECTED)
    for name, shapes, served, wrong in answers:
        expected = EXPECTED[name]
        for rows in (1, 2, 7):
            assert shapes[str(rows)] == {key: [rows, *shape] for key, shape in expected.items()}
        assert served == {key: [2, *shape] for key, shape in expected.items()}
        assert wrong == 400
