"""A small pipeline with the shapes of the real one: branches, a foreach, a folder as dep."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

TREE = Path(__file__).parents[2]

# Declared in an order that differs from the one in which it runs, and from the alphabet.
DVC_YAML = """\
stages:
  total:
    cmd: cat layers/*/codes side > total
    deps: [layers, side]
    outs: [total]
  side:
    cmd: cat source > side
    deps: [source]
    outs: [side]
  layer:
    foreach:
      wide: {input: source, seconds: 0.0}
      narrow: {input: layers/wide, seconds: 0.0}
    do:
      cmd: sleep ${item.seconds}; mkdir layers/${key}; echo ${key} > layers/${key}/codes
      deps: ["${item.input}"]
      outs: ["layers/${key}"]
      meta: {pool: cuda}
  source:
    cmd: cat seed > source
    deps: [seed]
    outs: [source]
"""


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    """A fresh clone of the small pipeline; nothing has run in it."""
    return make_toy(tmp_path / "toy")


@pytest.fixture
def toys(tmp_path: Path) -> tuple[Path, Path]:
    """Two fresh clones of the small pipeline."""
    return make_toy(tmp_path / "one"), make_toy(tmp_path / "two")


def make_toy(root: Path) -> Path:
    root.mkdir()
    subprocess.run(["git", "init", "--quiet"], cwd=root, check=True)
    (root / ".dvc").mkdir()
    (root / ".dvc" / "config").write_text("[core]\n    analytics = false\n")
    (root / ".dvcignore").write_text("")
    (root / "dvc.yaml").write_text(DVC_YAML)
    (root / "seed").write_text("1\n")
    (root / "layers").mkdir()
    return root


@pytest.fixture
def repro():
    """Run `dvc repro` with further arguments in a clone, and give what it says."""

    def run(root: Path, *arguments: str) -> str:
        command = [sys.executable, "-m", "dvc", "repro", *arguments]
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
        return done.stdout

    return run


# The same shapes, to be run by workers: folders exist in git, and nothing of DVC's lies in a dep.
SHARED = {
    "dvc.yaml": DVC_YAML.replace("mkdir layers", "mkdir -p layers"),
    "seed": "1\n",
    "layers/.gitkeep": "",
    ".dvc/config": "[core]\n    analytics = false\n",
    ".dvc/.gitignore": "/config.local\n/tmp\n/cache\n",
    ".dvcignore": ".gitignore\n.gitkeep\n",
    ".gitignore": "/.aepipe\n/flows\n/source\n/side\n/total\n",
}


def commit(root: Path, **files: str) -> None:
    """Write files of a clone and commit everything."""
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    who = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
    for words in (["add", "--all"], [*who, "commit", "--quiet", "--message", "change"]):
        subprocess.run(["git", *words], cwd=root, check=True)


def make_shared(root: Path) -> Path:
    """A clone of the small pipeline whose code is committed."""
    root.mkdir(parents=True)
    subprocess.run(["git", "init", "--quiet"], cwd=root, check=True)
    commit(root, **SHARED)
    return root


def soon(condition, seconds: float):
    """Wait until ``condition`` gives something true, and give that."""
    deadline = time.monotonic() + seconds
    while not (found := condition()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return found


def processes(mark: str) -> list[str]:
    """Commands of the processes whose environment says ``mark``."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            marked = mark.encode() in (entry / "environ").read_bytes().split(b"\0")
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue  # ended meanwhile, or somebody else's
        if marked and command:
            found.append(command)
    return found


class Cluster:
    """A Prefect server on a free port, and workers of its pools; each a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        own = ("PREFECT_", "AEPIPE_", "DVC_", "MLFLOW_", "OMP_")
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith(own)} | {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(TREE),
            "OMP_NUM_THREADS": "1",
            "DO_NOT_TRACK": "true",
            "PREFECT_HOME": str(folder / "prefect"),
            "PREFECT_API_URL": f"http://127.0.0.1:{self.port}/api",
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "PREFECT_WORKER_QUERY_SECONDS": "1",
            "PREFECT_WORKER_HEARTBEAT_SECONDS": "3",
            "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
            "AEPIPE_SIGN_SECONDS": "2",
        }
        self.server: subprocess.Popen[bytes] | None = None
        self.workers: list[subprocess.Popen[bytes]] = []

    def start_server(self) -> None:
        command = ["server", "start", "--host", "127.0.0.1", "--port", str(self.port)]
        self.server = self._start("server", command)
        url = f"http://127.0.0.1:{self.port}/api/health"
        assert soon(lambda: answers(url), 180), "no server"

    def stop_server(self) -> None:
        self.server.kill()
        self.server.wait()

    def start_worker(self, pool: str, clone: Path, **environment: str) -> subprocess.Popen[bytes]:
        if not clone.exists():
            make_shared(clone)
        if not (clone / "flows").exists():
            (clone / "flows").symlink_to(TREE / "flows")
        command = ["worker", "start", "--pool", pool, "--type", "process", "--limit", "2"]
        worker = self._start(f"{pool}-{clone.name}", command, AEPIPE_ROOT=str(clone), **environment)
        self.workers.append(worker)
        return worker

    def prefect(self, *words: str) -> str:
        return self.run([sys.executable, "-m", "prefect", "--no-prompt", *words], TREE).stdout

    def run(self, command: list[str], folder: Path, **environment: str):
        done = subprocess.run(
            command, cwd=folder, env={**self.environment, **environment},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        print(done.stdout, done.stderr, sep="\n")  # noqa: T201, pytest shows it if a test fails
        return done

    def reproduce(self, root: Path, *arguments: str):
        command = [sys.executable, "-m", "flows.reproduce", "--root", str(root), *arguments]
        return self.run(command, self.folder)

    def begin(self, root: Path, *arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "flows.reproduce", "--root", str(root), *arguments]
        return subprocess.Popen(
            command, cwd=self.folder, env=self.environment,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip

    def close(self) -> None:
        for process in [*self.workers, self.server]:
            if process is not None:
                process.kill()
                process.wait()

    def _start(self, name: str, command: list[str], **environment: str):
        with (self.folder / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "prefect", *command], cwd=self.folder,
                env={**self.environment, **environment}, stdout=log, stderr=log,
            )  # fmt: skip


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as reply:  # noqa: S310
            return bool(reply.status == 200)
    except OSError:
        return False


@pytest.fixture(scope="session")
def cluster(tmp_path_factory) -> Iterator[Cluster]:
    """A server that knows the deployments of ``prefect.yaml``, with a worker on each pool.

    The worker on ``cuda`` may do without it, as this machine has none.
    """
    made = Cluster(tmp_path_factory.mktemp("cluster"))
    try:
        made.start_server()
        for pool in ("cpu", "cuda"):
            made.prefect("work-pool", "create", pool, "--type", "process")
            made.prefect("deploy", "--name", f"run-stage/{pool}")
        allowed = ["deploy", "--name", "run-stage/cuda", "--param", 'fallback="cpu"']
        made.prefect(*allowed)
        for pool in ("cpu", "cuda"):
            made.start_worker(pool, made.folder / f"{pool}-clone")
        yield made
    finally:
        made.close()


@pytest.fixture
def shared(tmp_path) -> tuple[Path, Path]:
    """A clone of the small pipeline, and a folder that is its remote."""
    (tmp_path / "remote").mkdir()
    return make_shared(tmp_path / "clone"), tmp_path / "remote"
