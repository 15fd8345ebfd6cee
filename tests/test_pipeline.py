"""The whole graph through the real DVC, Prefect and MLflow, on the digits, with short trainings.

The tests share one clone and leave it up to date; each begins with what the others made.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import combinations
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from flows.graph import Graph, read_graph
from tests.flows.cluster import Cluster, commit

pytestmark = [
    pytest.mark.pipeline,
    pytest.mark.filterwarnings("ignore:_NoneStep.value:DeprecationWarning"),
]

ROOT = Path(__file__).parents[1]
TRAINING = {"pretrain", "unroll", "finetune", "vae", "model"}
LONG = 150  # epochs: enough for a worker to be killed in the middle
TORCH_FREE = ["ingest", "pca", "compare", "report", "register"]


@pytest.fixture(scope="module")
def environment(tmp_path_factory) -> dict[str, str]:
    """Where nothing of the machine's own set-up is seen, and `python` is this one."""
    own = ("MLFLOW_", "PREFECT_", "AEPIPE_", "DVC_", "OMP_")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(own)}
    return kept | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PREFECT_HOME": str(tmp_path_factory.mktemp("prefect")),
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "600",  # a busy machine needs many
        "AEPIPE_DEVICE": "cpu",
    }


@pytest.fixture(scope="module")
def run(environment) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a command in a clone."""

    def call(clone: Path, *command: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            command, cwd=clone, env=environment, capture_output=True, text=True, check=False
        )
        print(done.stdout, done.stderr, sep="\n")  # noqa: T201, pytest shows it if a test fails
        return done

    return call


@pytest.fixture(scope="module")
def repro(run) -> Callable[..., list[str]]:
    """Run `dvc repro` in a clone, and give the stages that it ran, in order."""

    def call(clone: Path, *arguments: str) -> list[str]:
        done = run(clone, "dvc", "repro", *arguments)
        assert done.returncode == 0, done.stderr[-3000:]
        return stages_run(done.stdout)

    return call


@pytest.fixture(scope="module")
def clones(tmp_path_factory) -> tuple[Path, Path]:
    """Two fresh clones of one moment, at places of different depth."""
    first = make_clone(tmp_path_factory.mktemp("one") / "clone")
    second = tmp_path_factory.mktemp("two") / "deeper" / "clone"
    shutil.copytree(first, second)
    return first, second


@pytest.fixture(scope="module")
def clone(clones, repro) -> Path:
    """A clone in which the whole pipeline has run once."""
    assert repro(clones[0]) == list(read_graph(clones[0]).needs)
    return clones[0]


def make_clone(target: Path) -> Path:
    """Copy what git tracks or would track, without results, and shorten all that takes time."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file() and name != "dvc.lock":
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target / name)
    edit_params(target, shorten)
    who = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
    for words in (["init", "--quiet"], ["add", "."], [*who, "commit", "--quiet", "-m", "clone"]):
        subprocess.run(["git", *words], cwd=target, check=True)
    return target


def edit_params(clone: Path, change) -> None:
    path = clone / "params.yaml"
    yaml = YAML()
    raw = yaml.load(path.read_text())
    change(raw)
    with path.open("w") as file:
        yaml.dump(raw, file)


def shorten(raw) -> None:
    for name in [*raw["models"]][1:]:  # each entry is the same two stages again
        del raw["models"][name]
    sections = [*raw["stack"]["layers"].values(), *raw["models"].values()]
    sections += [sweep["model"] for sweep in raw["sweep"].values()]
    for section in [*sections, raw["unroll"], raw["finetune"], raw["vae"]]:
        section["training"].update(epochs=2, batch_size=128)
    raw["vae"]["warmup_epochs"] = 1
    raw["evaluate"]["resamples"] = 50
    raw["evaluate"]["probes"] = {
        "linear": {"inverse_penalties": [1.0]},
        "nearest_neighbours": {"neighbours": [1]},
        "support_vectors": {"inverse_penalties": [1.0], "gammas": [1.0]},
        "random_forest": {"trees": 10, "leaf_sizes": [1]},
        "gradient_boosting": {"rounds": 3, "learning_rates": [0.1]},
        "rows": 500,
    }
    raw["corruption"]["conditions"] = raw["corruption"]["conditions"][:2]


def stages_run(said: str) -> list[str]:
    """The stages that DVC says it ran, in order."""
    return re.findall(r"^Running stage '(.+)':$", said, re.M)


def trained(stages: list[str]) -> set[str]:
    return {stage for stage in stages if stage.split("@")[0] in TRAINING}


def downstream(graph: Graph, stage: str) -> set[str]:
    """The stage and everything that needs it, directly or not."""
    found = {stage}
    for later, needs in graph.needs.items():  # in an order that puts needs first
        if needs & found:
            found.add(later)
    return found


def test_the_whole_graph_runs_and_ends_in_a_report(clone):
    graph = read_graph(clone)
    names = {stage.split("@")[0] for stage in graph.needs}
    assert {*TRAINING, "ingest", "corrupt", "pca", "generate", "evaluate", "compare"} <= names
    assert {"report", "register"} <= names
    page = (clone / "reports" / "index.html").read_text()
    assert str(clone) not in page
    assert not list(clone.rglob("*.partial"))


def test_a_second_repro_runs_nothing(clone, repro, run):
    before = (clone / "dvc.lock").read_bytes()
    assert repro(clone) == []
    assert (clone / "dvc.lock").read_bytes() == before
    assert run(clone, "dvc", "status").stdout == "Data and pipelines are up to date.\n"
    assert run(clone, "git", "status", "--porcelain").stdout == "?? dvc.lock\n"


def test_a_change_of_the_third_layer_trains_nothing_below_or_beside_it(clone, repro):
    original = (clone / "params.yaml").read_bytes()
    lock = (clone / "dvc.lock").read_bytes()
    edit_params(clone, lambda raw: raw["stack"]["layers"]["third"].update(units=20))
    ran = repro(clone)
    graph = read_graph(clone)
    assert trained(ran) == {"pretrain@third", "unroll", "finetune"}
    # the baseline is fitted at every code size, so a new one is a reason to fit it again
    allowed = downstream(graph, "pretrain@third") | downstream(graph, "pca")
    assert set(ran) <= allowed
    assert downstream(graph, "pretrain@third") - set(ran) <= {"register"}

    (clone / "params.yaml").write_bytes(original)
    assert repro(clone) == [], "what was computed once comes back from the cache"
    assert (clone / "dvc.lock").read_bytes() == lock


def test_a_comment_in_the_reporting_code_trains_and_evaluates_nothing(clone, repro):
    edited = sorted((clone / "aepipe" / "reporting").glob("*.py"))
    assert edited
    texts = {path: path.read_text() for path in edited}
    for path, text in texts.items():
        path.write_text(f"{text}# a remark\n")
    ran = repro(clone)
    assert "report" in ran
    assert set(ran) <= {"compare", "report", "generate", "register"}  # registering judges gates
    for path, text in texts.items():
        path.write_text(text)
    assert repro(clone) == []


@pytest.mark.slow  # the flow, below, does everything again too, and from an empty cache
def test_doing_everything_again_gives_the_same_lock(clone, repro):
    before = (clone / "dvc.lock").read_bytes()
    assert repro(clone, "--force") == list(read_graph(clone).needs)
    assert (clone / "dvc.lock").read_bytes() == before


def test_the_flow_in_a_second_clone_leaves_the_same_lock(clone, clones, run):
    second = clones[1]
    done = run(second, sys.executable, "-m", "flows.reproduce")
    assert done.returncode == 0, done.stderr[-3000:]
    assert (second / "dvc.lock").read_bytes() == (clone / "dvc.lock").read_bytes()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory, clone) -> Iterator[Cluster]:
    """A Prefect server and a worker on each pool, in clones of their own that have run nothing."""
    made = Cluster(tmp_path_factory.mktemp("cluster"))
    try:
        made.start_server()
        made.deploy()
        for pool in ("cpu", "cuda"):
            working = made.folder / pool
            fresh(clone, working)
            made.start_worker(pool, working)
        yield made
    finally:
        made.close()


@pytest.fixture(scope="module")
def remote(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("remote")


def fresh(clone: Path, target: Path) -> Path:
    """A clone of the committed code; `dvc.lock`, which is not committed, stays behind."""
    subprocess.run(["git", "clone", "--quiet", clone, target], check=True)
    return target


def test_workers_of_two_pools_leave_the_lock_of_one_repro(clone, cluster, remote, tmp_path):
    coordinator = fresh(clone, tmp_path / "coordinator")
    done = cluster.reproduce(coordinator, "--workers", "--remote", str(remote))
    assert done.returncode == 0, done.stdout[-3000:]
    assert (coordinator / "dvc.lock").read_bytes() == (clone / "dvc.lock").read_bytes()
    became = dict(re.findall(r"^  (\S+) +(ran on .+)$", done.stdout + done.stderr, re.M))
    pools = read_graph(clone).pools
    assert became.keys() == pools.keys()
    assert {stage: f"pool {pool}" in became[stage] for stage, pool in pools.items()} == (
        dict.fromkeys(pools, True)
    )
    worked = {pool: set(cluster.stages_run_by(pool)) for pool in ("cpu", "cuda")}
    for pool, stages in worked.items():
        assert stages == {stage for stage, its in pools.items() if its == pool}
    spans = cluster.spans()
    assert any(a < d and c < b for (a, b), (c, d) in combinations(spans, 2)), "no two side by side"


def test_a_third_clone_gets_everything_without_running_a_stage(clone, cluster, remote, tmp_path):
    third = fresh(clone, tmp_path / "third")
    done = cluster.reproduce(third, "--workers", "--remote", str(remote))
    assert done.returncode == 0, done.stdout[-3000:]
    assert " ran" not in done.stderr + done.stdout
    assert (third / "dvc.lock").read_bytes() == (clone / "dvc.lock").read_bytes()
    page = "reports/index.html"
    assert (third / page).read_bytes() == (clone / page).read_bytes()


@pytest.mark.slow
def test_two_runs_with_other_params_at_once_leave_each_other_alone(
    clone, cluster, remote, repro, run, tmp_path
):
    """Each ends like `dvc repro` with its params, and is kept."""
    coordinator = fresh(clone, tmp_path / "coordinator")
    # what the VAE has no part in need not be made anew
    for words in (
        ["remote", "add", "--local", "--default", "shared", remote],
        ["push", "--run-cache"],
    ):
        assert run(clone, "dvc", *map(str, words)).returncode == 0
    sizes = (5, 7)
    flows = [
        cluster.begin(
            coordinator, "--workers", "--remote", str(remote),
            "--set", f"vae.code_size={size}", "--keep", f"size-{size}",
        )
        for size in sizes
    ]  # fmt: skip
    said = [flow.communicate(timeout=1200)[0] for flow in flows]
    assert [flow.returncode for flow in flows] == [0, 0], said
    listed = run(coordinator, "dvc", "exp", "list", "--name-only").stdout.split()
    assert sorted(listed) == ["size-5", "size-7"]
    for size in sizes:
        bare = fresh(clone, tmp_path / f"bare-{size}")
        run(bare, "dvc", "cache", "dir", "--local", str(clone / ".dvc" / "cache"))
        edit_params(bare, lambda raw, size=size: raw["vae"].update(code_size=size))
        repro(bare)
        assert kept_lock(coordinator, f"size-{size}") == (bare / "dvc.lock").read_bytes()
    assert run(coordinator, "git", "status", "--porcelain").stdout == ""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="asks /proc what runs")
def test_a_second_worker_goes_on_from_the_checkpoint_of_a_killed_one(
    clone, cluster, remote, repro, tmp_path
):
    coordinator, bare = (fresh(clone, tmp_path / name) for name in ("coordinator", "bare"))
    for each in (coordinator, bare):
        edit_params(each, lambda raw: raw["vae"]["training"].update(epochs=LONG, patience=LONG))
        commit(each)
    # workers take the code from where the coordinator's clone comes from
    push = ["git", "push", "--quiet", "origin", "HEAD:refs/heads/longer"]
    subprocess.run(push, cwd=coordinator, check=True)
    shared = tmp_path / "checkpoints"
    set_up = {"AEPIPE_CHECKPOINTS": str(shared), "AEPIPE_CHECKPOINT_SECONDS": "0.1"}
    cluster.workers[-1].kill()  # the one of the pool `cuda`, which shares no checkpoints
    doomed = cluster.start_worker("cuda", fresh(clone, tmp_path / "doomed"), **set_up)
    flow = cluster.begin(coordinator, "vae", "--workers", "--remote", str(remote))
    try:
        cluster.wait_for(flow, lambda: any(shared.rglob("*.safetensors")))
        doomed.kill()
        doomed.wait()
        cluster.start_worker("cuda", fresh(clone, tmp_path / "another"), **set_up)
        said, _ = flow.communicate(timeout=600)
    finally:
        flow.kill()
    assert flow.returncode == 0, said
    assert "goes on from a checkpoint" in (cluster.folder / "cuda.log").read_text()
    repro(bare, "vae")
    assert (coordinator / "dvc.lock").read_bytes() == (bare / "dvc.lock").read_bytes()


def kept_lock(clone: Path, name: str) -> bytes:
    """What `dvc.lock` says in a DVC experiment."""
    kept = f"refs/exps/{listed_ref(clone, name)}:dvc.lock"
    return subprocess.run(["git", "show", kept], cwd=clone, capture_output=True, check=True).stdout


def listed_ref(clone: Path, name: str) -> str:
    """The reference of a DVC experiment, below refs/exps."""
    listed = subprocess.run(
        ["git", "for-each-ref", "--format=%(refname)", f"refs/exps/**/{name}"],
        cwd=clone, capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    return listed[0].removeprefix("refs/exps/")


def test_an_override_that_is_wrong_is_refused_before_anything_runs(clone, run, tmp_path):
    other = fresh(clone, tmp_path / "other")
    done = run(other, sys.executable, "-m", "flows.reproduce", "--set", "vae.code_size=many")
    assert done.returncode == 2
    assert "vae.code_size = 'many': expected a valid integer" in done.stderr
    assert not (other / "dvc.lock").exists()


def test_bad_params_are_refused_with_all_mistakes_before_anything_runs(clone, run):
    original = (clone / "params.yaml").read_bytes()
    lock = (clone / "dvc.lock").read_bytes()

    def spoil(raw):
        raw["stack"]["layers"]["third"]["input"] = "models/stack/fourth"
        raw["vae"]["code_sise"] = 3

    edit_params(clone, spoil)
    try:
        for command in (["aepipe", "check"], ["aepipe", "register"]):
            done = run(clone, sys.executable, "-m", *command)
            assert done.returncode == 2
            assert "Traceback" not in done.stderr
            assert "vae.code_sise: unknown key, did you mean 'code_size'?" in done.stderr
    finally:
        (clone / "params.yaml").write_bytes(original)
    assert (clone / "dvc.lock").read_bytes() == lock


def test_stages_that_need_no_torch_run_without_it(clone, run, tmp_path):
    """As dvc.yaml runs them, in a Python where importing torch fails."""
    blocker = tmp_path / "torch.py"
    blocker.write_text("raise ImportError('torch is not for this stage')\n")
    before = (clone / "dvc.lock").read_bytes()
    ask = ["dvc", "repro", "--single-item", "--force", *TORCH_FREE]
    done = run(clone, "env", f"PYTHONPATH={tmp_path}", *ask)
    assert done.returncode == 0, done.stderr[-3000:]
    assert stages_run(done.stdout) == TORCH_FREE
    assert (clone / "dvc.lock").read_bytes() == before
