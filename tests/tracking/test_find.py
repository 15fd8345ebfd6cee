from pathlib import Path

import pytest
from mlflow import MlflowClient

from aepipe.errors import RegistryError
from aepipe.models.digest import model_digest
from aepipe.tracking.find import find_runs
from aepipe.tracking.watch import watch
from tests.tracking.conftest import run

pytestmark = pytest.mark.filterwarnings("ignore")  # MLflow's own; none of them is ours to mend


def test_a_model_leads_to_the_run_that_trained_it(call_of, alone, tmp_path_factory, monkeypatch):
    call = call_of(seed=1)
    Path("models").mkdir()
    with watch(call, call.outputs) as monitor:
        run(call.params, call.inputs, call.outputs, monitor)
    digest = model_digest(Path("models/toy"))
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))

    found = find_runs(alone, [digest, "0" * 32])
    assert list(found) == [digest]
    made = MlflowClient(f"sqlite:///{alone}/mlruns/mlflow.db").get_run(found[digest].run_id)
    assert made.data.tags["aepipe.stage"] == "toy@first"
    assert found[digest].device == made.data.tags["aepipe.device"]
    seconds = float(made.data.tags["aepipe.duration_seconds"])
    assert found[digest].seconds == seconds
    assert found[digest].link is None, "a database has no pages"


def test_nothing_is_asked_of_a_database_that_is_not_there(alone):
    assert find_runs(alone, ["0" * 32]) == {}
    assert list(alone.iterdir()) == []


def test_a_server_that_is_away_is_said_to_be(alone, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://user:secret@127.0.0.1:9")
    with pytest.raises(RegistryError, match=r"127\.0\.0\.1:9") as error:
        find_runs(alone, ["0" * 32])
    assert "secret" not in str(error.value)
