import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from aepipe.errors import RegistryError
from aepipe.tracking import server
from aepipe.tracking.server import reached, settings, tracking_uri
from tests.flows.cluster import soon

pytestmark = pytest.mark.filterwarnings("ignore")  # MLflow's own; none of them is ours to mend


def test_runs_go_under_mlruns_unless_the_user_says_otherwise(alone, monkeypatch):
    assert tracking_uri() == f"sqlite:///{alone}/mlruns/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://example.org")
    assert tracking_uri() == "http://example.org"


def test_usage_statistics_are_off_unless_the_user_asks_for_them(monkeypatch):
    assert settings()["MLFLOW_DISABLE_TELEMETRY"] == "true"
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "false")
    assert settings()["MLFLOW_DISABLE_TELEMETRY"] == "false"


@pytest.mark.pipeline
def test_an_error_is_one_line_with_its_root_and_without_the_password(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://user:secret@example.org:5000/x")
    layers = OSError("a page of\nlayers")
    layers.__cause__ = ConnectionRefusedError(111, "Connection refused")
    with pytest.raises(RegistryError) as caught, reached():
        raise layers
    text = str(caught.value)
    assert text == (
        "MLflow at http://example.org:5000/x: [Errno 111] Connection refused; if that is not where "
        "it is, set MLFLOW_TRACKING_URI"
    )


@pytest.mark.pipeline
def test_a_bug_is_not_taken_for_an_absent_server():
    with pytest.raises(ZeroDivisionError), reached():
        raise ZeroDivisionError


@pytest.mark.usefixtures("database")
@pytest.mark.pipeline
def test_an_experiment_is_made_once_and_found_again():
    client = server.connect()
    first = server.experiment_id(client, "experiment")
    assert server.experiment_id(client, "experiment") == first


@pytest.mark.usefixtures("database")
@pytest.mark.pipeline
def test_a_deleted_experiment_is_named_with_the_way_back():
    client = server.connect()
    number = server.experiment_id(client, "experiment")
    client.delete_experiment(number)
    with pytest.raises(RegistryError, match=f"restore --experiment-id {number}"):
        server.experiment_id(client, "experiment")


@pytest.mark.pipeline
def test_what_the_database_refuses_is_said_in_one_line_without_a_traceback(alone, capfd):
    """MLflow would log one, by the time a full disk is met for each file of a model."""
    client = server.connect()
    with closing(sqlite3.connect(alone / "mlruns" / "mlflow.db")) as database:
        database.execute("drop table experiments")
        database.commit()
    with pytest.raises(RegistryError, match="no such table: experiments"), reached():
        server.probe(client)
    assert "no such table" not in capfd.readouterr().err


@pytest.mark.pipeline
def test_a_moved_mlruns_is_not_written_to_at_its_old_place(alone, monkeypatch):
    (alone / "old").mkdir()
    monkeypatch.chdir(alone / "old")
    server.experiment_id(server.connect(), "experiment")
    (alone / "old").rename(alone / "new")
    monkeypatch.chdir(alone / "new")
    with pytest.raises(RegistryError, match="was moved or copied"):
        server.experiment_id(server.connect(), "experiment")
    assert not (alone / "old").exists()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", tracking_uri())
    assert server.experiment_id(server.connect(), "experiment")


@pytest.mark.pipeline
def test_a_kill_while_the_database_is_made_leaves_none_and_the_next_makes_it(alone):
    making = [sys.executable, "-c", "from aepipe.tracking.server import connect; connect()"]
    partial = Path("mlruns/.mlflow.db.partial")
    process = subprocess.Popen(making)
    try:
        assert soon(lambda: process.poll() is not None or size(partial) > 0, 600)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == -signal.SIGKILL
    assert not Path("mlruns/mlflow.db").exists()
    assert server.experiment_id(server.connect(), "experiment")
    assert not partial.exists()


def size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
