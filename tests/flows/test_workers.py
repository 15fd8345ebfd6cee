"""The flow with pools, through a real server and real workers, on the small pipeline.

The tests share one server and its workers, and leave a worker on each pool.
"""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.flows.cluster import SHARED, commit, processes, soon

pytestmark = pytest.mark.pipeline

PATIENT = 600  # seconds, on a busy machine


def table(said: str) -> dict[str, str]:
    """What the flow's closing table says became of each stage."""
    did = "ran|from cache|unchanged|failed|not started"
    lines = [re.fullmatch(rf"  ([\w@]+) +((?:{did}).*)", line) for line in said.splitlines()]
    return {match[1]: match[2] for match in lines if match}


def bare(clone: Path, tmp_path: Path) -> bytes:
    """The `dvc.lock` that `dvc repro` leaves in a clone of its own."""
    other = tmp_path / "bare"
    subprocess.run(["git", "clone", "--quiet", clone, other], check=True)
    subprocess.run([sys.executable, "-m", "dvc", "repro", "--quiet"], cwd=other, check=True)
    return (other / "dvc.lock").read_bytes()


def gated(clone: Path, tmp_path: Path) -> Path:
    """Let the wide layer wait until a file is there, and say so in another; give both's folder."""
    gate = tmp_path / "gate"
    gate.mkdir()
    wait = f"touch {gate}/reached; while [ ! -e {gate}/open ]; do sleep 0.1; done"
    commit(clone, **{"dvc.yaml": SHARED["dvc.yaml"].replace("sleep ${item.seconds}", wait)})
    return gate


def test_workers_leave_the_lock_of_one_repro_and_say_where_they_did_it(cluster, shared, tmp_path):
    clone, remote = shared
    done = cluster.reproduce(clone, "--workers", "--remote", str(remote))
    assert done.returncode == 0
    became = table(done.stdout + done.stderr)
    assert became["source"] == "ran on cpu (pool cpu)"
    wanted = "ran on cpu (pool cuda, without the CUDA that it promises)"
    assert became["layer@wide"] == became["layer@narrow"] == wanted
    lock = bare(clone, tmp_path)
    assert (clone / "dvc.lock").read_bytes() == lock

    third = tmp_path / "third"
    subprocess.run(["git", "clone", "--quiet", clone, third], check=True)
    again = cluster.reproduce(third, "--workers", "--remote", str(remote))
    assert again.returncode == 0
    assert table(again.stdout + again.stderr) == dict.fromkeys(became, "from cache")
    assert (third / "dvc.lock").read_bytes() == lock
    assert (third / "total").read_bytes() == (clone / "total").read_bytes()


def test_a_failed_stage_stops_only_what_needs_it_and_comes_first(cluster, shared):
    clone, remote = shared
    broken = SHARED["dvc.yaml"].replace("mkdir -p", "echo the reason >&2; exit 7; mkdir -p")
    commit(clone, **{"dvc.yaml": broken})
    done = cluster.reproduce(clone, "--workers", "--remote", str(remote))
    assert done.returncode == 1
    did = {stage: text.split(" on ")[0] for stage, text in table(done.stdout + done.stderr).items()}
    # from the cache where another test has run them before
    assert {did.pop("source"), did.pop("side")} <= {"ran", "from cache"}
    assert did == {
        "layer@wide": "failed",
        "layer@narrow": "not started",
        "total": "not started",
    }
    last = done.stderr[done.stderr.rindex("\nlayer@wide failed") :]
    assert "the reason" in last
    assert f"by hand: cd {clone} && dvc repro --single-item --pull layer@wide" in last


@pytest.mark.parametrize(
    ("pool", "code", "sentence"),
    [
        ("deserted", 2, "no worker listens on the pool 'deserted', where layer@wide, layer@narrow"),
        ("nowhere", 2, "the server has no deployment run-stage/nowhere; `make deploy`"),
        (
            "cuda-strict",
            1,
            "the pool cuda-strict promises CUDA and torch finds none on this worker",
        ),
    ],
)
def test_a_pool_that_cannot_do_it_is_named_at_once(pool, code, sentence, cluster, shared):
    clone, remote = shared
    words = ["layer", "--pool", f"cuda={pool}", "--remote", str(remote)]
    done = cluster.reproduce(clone, *words)
    assert done.returncode == code
    assert sentence in done.stderr
    assert not (clone / "layers" / "wide").exists()


def test_code_that_is_not_committed_is_refused_since_workers_would_not_have_it(cluster, shared):
    clone, remote = shared
    (clone / "dvc.yaml").write_text(SHARED["dvc.yaml"] + "# changed\n")
    done = cluster.reproduce(clone, "--workers", "--remote", str(remote))
    assert done.returncode == 2
    assert "not committed: dvc.yaml; workers take the code from a revision" in done.stderr


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="asks /proc what runs")
def test_a_killed_worker_takes_its_stage_along_and_another_picks_it_up(cluster, shared, tmp_path):
    clone, remote = shared
    gate = gated(clone, tmp_path)
    doomed = cluster.workers[-1]
    flow = cluster.begin(clone, "--workers", "--remote", str(remote))
    try:
        cluster.wait_for(flow, (gate / "reached").exists)
        mark = f"AEPIPE_ROOT={cluster.folder / 'cuda-clone'}"
        assert any("reached" in command for command in processes(mark))
        doomed.kill()
        doomed.wait()
        assert soon(lambda: not processes(mark), 60), processes(mark)
        (gate / "open").touch()
        cluster.start_worker("cuda", tmp_path / "another")
        said, _ = flow.communicate(timeout=PATIENT)
    finally:
        flow.kill()
    assert flow.returncode == 0, said
    assert "no sign of life" in said
    assert (clone / "dvc.lock").read_bytes() == bare(clone, tmp_path)


@pytest.mark.slow
def test_a_server_that_is_restarted_costs_nothing_but_time(cluster, shared, tmp_path):
    clone, remote = shared
    gate = gated(clone, tmp_path)
    flow = cluster.begin(clone, "--workers", "--remote", str(remote))
    try:
        cluster.wait_for(flow, (gate / "reached").exists)
        cluster.stop_server()
        (gate / "open").touch()  # the stage ends while nobody can be told
        cluster.start_server()
        said, _ = flow.communicate(timeout=PATIENT)
    finally:
        flow.kill()
    assert flow.returncode == 0, said
    assert (clone / "dvc.lock").read_bytes() == bare(clone, tmp_path)


@pytest.mark.slow
def test_a_remote_that_is_away_is_waited_for(cluster, shared, tmp_path):
    clone, remote = shared
    gate = gated(clone, tmp_path)
    away = tmp_path / "away"
    flow = cluster.begin(clone, "--workers", "--remote", str(remote))
    try:
        cluster.wait_for(flow, (gate / "reached").exists)
        remote.rename(away)
        remote.write_text("in the way of everyone, root included")
        (gate / "open").touch()
        log = cluster.folder / "cuda.log"
        cluster.wait_for(flow, lambda: "trying again" in log.read_text())
        remote.unlink()
        away.rename(remote)
        said, _ = flow.communicate(timeout=PATIENT)
    finally:
        flow.kill()
    assert flow.returncode == 0, said
    assert (clone / "dvc.lock").read_bytes() == bare(clone, tmp_path)


@pytest.mark.slow
def test_a_second_run_in_one_folder_is_refused_and_the_first_ends_well(cluster, shared, tmp_path):
    clone, remote = shared
    gate = gated(clone, tmp_path)
    first = cluster.begin(clone, "--workers", "--remote", str(remote))
    try:
        cluster.wait_for(first, (gate / "reached").exists)
        second = cluster.reproduce(clone, "--workers", "--remote", str(remote))
        (gate / "open").touch()
        said, _ = first.communicate(timeout=PATIENT)
    finally:
        first.kill()
    assert second.returncode == 2
    assert "another run is at work here" in second.stderr
    assert first.returncode == 0, said
    assert (clone / "dvc.lock").read_bytes() == bare(clone, tmp_path)
