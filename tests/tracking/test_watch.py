import contextlib
import os
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from aepipe.command import run_call
from aepipe.errors import DivergedError
from aepipe.tracking import journal
from aepipe.tracking.journal import PENDING
from aepipe.tracking.key import PACKAGE
from aepipe.tracking.server import tracking_uri
from aepipe.tracking.watch import watch

pytestmark = pytest.mark.filterwarnings("ignore")  # MLflow's own; none of them is ours to mend
DATABASE = Path("mlruns/mlflow.db")
PATIENCE = 600.0  # seconds


def client():
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri())


def all_runs():
    mlflow = client()
    return mlflow.search_runs([each.experiment_id for each in mlflow.search_experiments()])


def curve(run) -> dict[int, float]:
    history = client().get_metric_history(run.info.run_id, "train_total")
    assert len({metric.step for metric in history}) == len(history), "a step is there twice"
    return {metric.step: metric.value for metric in history}


def finish(call, outputs):
    """Ask nothing of the world."""


def diverge(params, inputs, outputs, monitor):
    """Train one epoch, and fail in the second."""
    monitor.record(1, {"train_total": 1.0})
    raise DivergedError("epoch 2: the loss is nan")


def waiting() -> list[Path]:
    return sorted(PENDING.glob("*"))


@pytest.fixture(autouse=True)
def patience(monkeypatch) -> None:
    """Let a sender finish, however busy the machine is."""
    monkeypatch.setattr(journal, "CLOSE_SECONDS", PATIENCE)


@pytest.fixture
def dead_server(monkeypatch):
    """An address at which nothing listens, until the context that it gives is left."""

    @contextlib.contextmanager
    def away():
        with monkeypatch.context() as patch, socket.socket() as held:
            held.bind(("127.0.0.1", 0))  # bound and not listening: it refuses
            patch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{held.getsockname()[1]}")
            yield

    return away


def test_a_stage_that_records_nothing_makes_no_run_and_starts_nothing(call_of):
    call = call_of(1)
    with watch(call, call.outputs) as monitor:
        assert list(monitor.progress([1, 2], "rows")) == [1, 2]
        monitor.remark("done")
    assert not Path("mlruns").exists()


@pytest.mark.pipeline
def test_a_run_holds_parameters_curve_files_and_where_it_comes_from(call_of):
    run_call(call_of(1), watch, finish)
    (run,) = all_runs()
    assert run.info.status == "FINISHED"
    assert run.info.run_name == "toy@first"
    assert run.data.params == {"seed": "1", "training.learning_rate": "0.5"}
    assert curve(run) == {1: 1.0, 2: 0.5, 3: 1 / 3}
    assert {"aepipe.key", "aepipe.digest", "aepipe.device"} <= run.data.tags.keys()
    assert float(run.data.tags["aepipe.duration_seconds"]) < 60
    files = {file.path for file in client().list_artifacts(run.info.run_id, "model")}
    assert files == {"model/model.json", "model/history.json"}
    assert Path("mlruns/artifacts", run.info.run_id, "artifacts/params.json").is_file()
    assert waiting() == []


@pytest.mark.usefixtures("database")
@pytest.mark.pipeline
def test_the_same_work_is_logged_once_and_other_work_beside_it(call_of):
    for seed in (1, 1, 2):
        run_call(call_of(seed), watch, finish)
    runs = all_runs()
    assert sorted(run.data.params["seed"] for run in runs) == ["1", "2"]
    assert all(len(curve(run)) == 3 for run in runs)
    assert waiting() == []


@pytest.mark.usefixtures("database")
@pytest.mark.pipeline
def test_a_curve_is_there_while_the_stage_is_still_at_work(call_of):
    call = call_of(1)
    with watch(call, call.outputs) as monitor:
        monitor.record(1, {"train_total": 0.5})
        until(lambda: any(run.data.metrics for run in all_runs()))
        (run,) = all_runs()
        assert run.info.status == "RUNNING"
        assert run.data.metrics == {"train_total": 0.5}


@pytest.mark.usefixtures("database")
@pytest.mark.pipeline
def test_a_failed_stage_leaves_a_failed_run_that_the_next_try_continues(call_of):
    call = call_of(1)
    with pytest.raises(DivergedError):
        run_call(replace(call, stage=SimpleNamespace(run=diverge)), watch, finish)
    (failed,) = all_runs()
    assert failed.info.status == "FAILED"
    run_call(call, watch, finish)
    (run,) = all_runs()
    assert (run.info.run_id, run.info.status) == (failed.info.run_id, "FINISHED")
    assert sorted(curve(run)) == [1, 2, 3]


@pytest.mark.usefixtures("database")
@pytest.mark.pipeline
def test_without_a_server_the_stage_succeeds_and_the_next_one_sends_its_run(
    call_of, dead_server, capfd
):
    with dead_server():
        run_call(call_of(1), watch, finish)
    assert Path("models/toy/weights.safetensors").is_file()
    said = capfd.readouterr().err
    assert said.count("warning:") == 1
    assert "Connection refused" in said
    assert "aepipe register" in said
    (kept,) = waiting()
    assert "weights" not in kept.read_text()  # small files only
    run_call(call_of(2), watch, finish)
    runs = all_runs()
    assert {run.data.params["seed"] for run in runs} == {"1", "2"}
    assert {run.info.status for run in runs} == {"FINISHED"}
    assert all(len(curve(run)) == 3 for run in runs)
    assert waiting() == []


@pytest.mark.usefixtures("database")
@pytest.mark.pipeline
@pytest.mark.parametrize("state", ["locked", "silent"])
def test_a_server_that_does_not_answer_delays_the_end_by_a_bounded_time(
    call_of, monkeypatch, capfd, state
):
    monkeypatch.setattr(journal, "CLOSE_SECONDS", 3.0)
    with contextlib.ExitStack() as stack:
        if state == "locked":
            database = stack.enter_context(contextlib.closing(sqlite3.connect(DATABASE)))
            database.execute("BEGIN EXCLUSIVE")
        else:
            listening = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            uri = f"http://127.0.0.1:{listening.getsockname()[1]}"
            stack.enter_context(monkeypatch.context()).setenv("MLFLOW_TRACKING_URI", uri)
        started = time.monotonic()
        run_call(call_of(1), watch, finish)
        assert time.monotonic() - started < 6
    assert capfd.readouterr().err.count("warning:") == 1
    assert len(waiting()) == 1


@pytest.mark.usefixtures("database")
@pytest.mark.pipeline
def test_a_sender_that_gave_up_is_started_again_while_the_stage_goes_on(dead_server, monkeypatch):
    monkeypatch.setattr(journal, "RETRY_SECONDS", 0.0)
    run = {"what": "run", "title": "toy", "key": "k", "experiment": "e", "time": 1}
    with dead_server():
        kept = journal.Journal(lambda: {**run, "params": {}, "tags": {}})
        until(lambda: kept.trouble() is not None)
    kept.put({"what": "figures", "step": 1, "time": 2, "figures": {"train_total": 1.0}})
    end = {"what": "end", "status": "FINISHED", "time": 3, "tags": {}, "files": {}}
    assert kept.close(end) is None
    (run,) = all_runs()
    assert (run.info.status, curve(run)) == ("FINISHED", {1: 1.0})


@pytest.mark.usefixtures("database")
@pytest.mark.pipeline
def test_a_killed_stage_loses_nothing_that_it_had_recorded_and_is_continued(call_of):
    call_of(1)  # lays out its input
    with stage("1", "sleep") as process:
        process.stdout.readline()
        process.kill()
    until(lambda: not waiting())
    (killed,) = all_runs()
    assert (killed.info.status, curve(killed)) == ("KILLED", {1: 1.0, 2: 0.5})
    with stage("1", "end") as process:
        assert process.wait() == 0
    (run,) = all_runs()
    assert (run.info.run_id, run.info.status) == (killed.info.run_id, "FINISHED")
    assert curve(run) == {1: 1.0, 2: 0.5}


@pytest.mark.pipeline
def test_stages_side_by_side_make_the_first_database_together(call_of):
    call_of(1)
    with contextlib.ExitStack() as stack:
        processes = [stack.enter_context(stage(str(seed), "end")) for seed in range(3)]
    assert [process.returncode for process in processes] == [0, 0, 0]
    assert sorted(run.data.params["seed"] for run in all_runs()) == ["0", "1", "2"]
    assert {run.info.status for run in all_runs()} == {"FINISHED"}
    assert waiting() == []


STAGE = f"""
import sys, time
from dataclasses import dataclass
from pathlib import Path
from aepipe.command import Call
from aepipe.tracking import journal
from aepipe.tracking.watch import watch

journal.CLOSE_SECONDS = {PATIENCE}

@dataclass(frozen=True)
class Params:
    seed: int

@dataclass(frozen=True)
class Paths:
    data: Path

call = Call(None, "toy", "e", Params(int(sys.argv[1])), Paths(Path("data")), Paths(Path("models")))
with watch(call, call.outputs) as monitor:
    monitor.record(1, {{"train_total": 1.0}})
    monitor.record(2, {{"train_total": 0.5}})
    if sys.argv[2] == "sleep":
        time.sleep(1)  # the lines are on disk by then
        print(flush=True)
        time.sleep(60)
"""


def stage(*arguments: str) -> subprocess.Popen[bytes]:
    """Start a stage in a process of its own."""
    command = [sys.executable, "-c", STAGE, *arguments]
    environment = {**os.environ, "PYTHONPATH": str(PACKAGE.parent)}
    return subprocess.Popen(command, stdout=subprocess.PIPE, env=environment)


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, "it has not come true"
        time.sleep(0.1)
