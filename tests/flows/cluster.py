"""A Prefect server with its workers, and the small pipeline as they can run it.

Each process is started for real, on 127.0.0.1 and a free port, and ended with its cluster.
"""

import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

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
        # OMP_ too: the last bits of a sum depend on the number of threads that share it
        own = ("PREFECT_", "AEPIPE_", "DVC_", "MLFLOW_", "OMP_")
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith(own)} | {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(TREE),
            "DO_NOT_TRACK": "true",
            "PREFECT_HOME": str(folder / "prefect"),
            "PREFECT_API_URL": f"http://127.0.0.1:{self.port}/api",
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "PREFECT_SERVER_DATABASE_TIMEOUT": "60",  # for SQLite on a busy machine
            "PREFECT_WORKER_QUERY_SECONDS": "1",
            "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
            "AEPIPE_SIGN_SECONDS": "5",
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

    def deploy(self) -> None:
        """Deploy ``prefect.yaml``; `cuda` may fall back, and two pools are there for mistakes."""
        assert self.run([sys.executable, "-m", "flows.deploy"], TREE).returncode == 0
        self.ask(
            "from prefect.client.schemas.actions import WorkPoolCreate\n"
            "client.create_work_pool(WorkPoolCreate(name='deserted', type='process'))\n"
            "cpu = client.read_deployment_by_name('run-stage/cpu')\n"
            "for name, pool, given in (('cuda', 'cuda', {'fallback': 'cpu'}),\n"
            "                          ('cuda-strict', 'cpu', {}),\n"
            "                          ('deserted', 'deserted', {})):\n"
            "    client.create_deployment(cpu.flow_id, name, work_pool_name=pool,\n"
            "        parameters=given, entrypoint=cpu.entrypoint, pull_steps=cpu.pull_steps)\n"
        )

    def ask(self, script: str) -> str:
        """Run a few lines with a client of the server, and give what they print."""
        opening = (
            "from prefect.client.orchestration import get_client\n"
            "client = get_client(sync_client=True).__enter__()\n"
        )
        done = self.run([sys.executable, "-c", opening + script], TREE)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start_worker(self, pool: str, clone: Path, **environment: str) -> subprocess.Popen[bytes]:
        if not clone.exists():
            make_shared(clone)
        if not (clone / "flows").exists():
            (clone / "flows").symlink_to(TREE / "flows")
        command = ["worker", "start", "--pool", pool, "--type", "process", "--limit", "2"]
        worker = self._start(pool, command, AEPIPE_ROOT=str(clone), **environment)
        self.workers.append(worker)
        return worker

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

    def stages_run_by(self, pool: str) -> list[str]:
        """Stages that the worker of a pool says it ran."""
        log = (self.folder / f"{pool}.log").read_text()
        return re.findall(r"Running stage '(.+)':", log)

    def spans(self) -> list[tuple[float, float]]:
        """Start and end of each worker's run that the server knows."""
        lines = self.ask(
            "for run in client.read_flow_runs():\n"
            "    if run.deployment_id and run.start_time and run.end_time:\n"
            "        print(run.start_time.timestamp(), run.end_time.timestamp())\n"
        ).splitlines()
        return [(float(start), float(end)) for start, end in map(str.split, lines)]

    def wait_for(self, flow: subprocess.Popen[str], condition: Callable[[], bool]) -> None:
        """Wait until ``condition`` holds while ``flow`` is at work."""
        soon(lambda: condition() or flow.poll() is not None, 600)
        assert condition(), "" if flow.poll() is None else flow.stdout.read()

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
