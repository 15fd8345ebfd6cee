import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from prefect.exceptions import FailedRun
from prefect.testing.utilities import prefect_test_harness

from aepipe.errors import AepipeError
from flows.graph import locked_stages
from flows.reproduce import reproduce

pytestmark = [
    pytest.mark.pipeline,
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning"),
]

TREE = Path(__file__).parents[2]
PATIENCE = 600.0  # seconds; far more than anything takes, however busy the machine is
SERVER = {"PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "600"}  # of its temporary server
STAGES = ["layer@narrow", "layer@wide", "side", "source", "total"]


@pytest.fixture(scope="module")
def server():
    """A Prefect server for the tests of this file, with a database of its own."""
    with prefect_test_harness(server_startup_timeout=int(PATIENCE)):
        yield


@pytest.fixture
def outcomes(caplog):
    """What the flow's closing table says became of each stage."""

    def read() -> dict[str, str]:
        table = [r.getMessage() for r in caplog.records if r.name == "prefect.flow_runs"]
        lines = [re.fullmatch(r"  (\S+) +(.+)", line) for line in "\n".join(table).splitlines()]
        return {match[1]: match[2] for match in lines if match}

    caplog.set_level("INFO")
    return read


def test_flow_leaves_the_lock_of_one_repro_and_says_what_it_did(server, toys, repro, outcomes):
    one, two = toys
    repro(one)
    reproduce(root=two)
    assert (two / "dvc.lock").read_bytes() == (one / "dvc.lock").read_bytes()
    assert outcomes() == dict.fromkeys(STAGES, "ran")


def test_flow_finds_its_work_done_and_takes_from_the_cache(server, toy, repro, outcomes, caplog):
    repro(toy)
    before = (toy / "dvc.lock").read_bytes()
    reproduce(root=toy)
    assert outcomes() == dict.fromkeys(STAGES, "unchanged")
    caplog.clear()
    (toy / "dvc.lock").unlink()
    (toy / "total").unlink()
    reproduce(root=toy)
    assert outcomes() == dict.fromkeys(STAGES, "from cache")
    assert (toy / "dvc.lock").read_bytes() == before


def test_a_target_brings_only_what_it_needs(server, toy, outcomes):
    reproduce(root=toy, targets=("layer",))
    assert outcomes() == dict.fromkeys(["source", "layer@wide", "layer@narrow"], "ran")
    assert locked_stages(toy) == ["source", "layer@wide", "layer@narrow"]


def test_a_failed_stage_stops_only_what_needs_it(server, toy, outcomes):
    declared = toy / "dvc.yaml"
    broken = "mkdir layers/${key}; echo the reason >&2; exit 7;"
    declared.write_text(declared.read_text().replace("mkdir layers/${key};", broken))
    with pytest.raises(FailedRun, match="layer@wide failed") as failure:
        reproduce(root=toy)
    assert "the reason" in str(failure.value)
    assert outcomes() == {
        "source": "ran",
        "side": "ran",
        "layer@wide": "failed",
        "layer@narrow": "not started",
        "total": "not started",
    }


def test_an_unknown_target_is_refused_before_anything_runs(server, toy):
    with pytest.raises(AepipeError, match="lair: no such stage"):
        reproduce(root=toy, targets=("lair",))
    assert locked_stages(toy) == []


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="asks /proc what runs")
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_stages_and_server_end_with_the_flow_and_the_next_run_carries_on(
    sent, toy, tmp_path, repro
):
    """Without a server set up, from another folder: as a person would start it."""
    declared = toy / "dvc.yaml"
    whole = declared.read_text()
    declared.write_text(whole.replace("seconds: 0.0}", "seconds: 6000}", 1))
    mark = {"PREFECT_HOME": str(tmp_path / "prefect")}  # all that the flow starts inherits it
    environment = {k: v for k, v in os.environ.items() if k != "PREFECT_API_URL"}
    flow = subprocess.Popen(
        [sys.executable, "-m", "flows.reproduce", "--root", str(toy)],
        cwd=tmp_path,
        env={**environment, **mark, **SERVER, "PYTHONPATH": str(TREE)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=lambda: signal.signal(sent, signal.SIG_DFL),  # a job may run with it ignored
    )
    try:
        assert soon(lambda: flow.poll() is not None or "sleep 6000" in "\n".join(running(mark)))
        assert flow.poll() is None, "it ended before its stage did"
        flow.send_signal(sent)
        assert flow.wait(PATIENCE) != 0
        assert soon(lambda: running(mark) == []), running(mark)
    finally:
        flow.kill()
        flow.wait()
    declared.write_text(whole)
    assert "Running stage 'layer@wide'" in repro(toy)
    assert locked_stages(toy) != []


def running(mark: dict[str, str]) -> list[str]:
    """Commands of the processes that have ``mark`` in their environment."""
    wanted = {f"{key}={value}".encode() for key, value in mark.items()}
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            marked = wanted <= set((entry / "environ").read_bytes().split(b"\0"))
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue  # ended meanwhile, or somebody else's
        if marked and command:
            found.append(command)
    return found


def soon(condition) -> bool:
    deadline = time.monotonic() + PATIENCE
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.1)
    return condition()
