"""What gives first when a group grows: the figures of docs/scaling.md, measured on this machine.

    python benchmarks/scaling.py [--postgres postgresql+asyncpg://USER:PASSWORD@HOST/EMPTY]

Each line is a figure with its unit. Seconds are those of a processor where nothing else is said, so
that other work on the machine changes little; what waits (a locked database) is in seconds of the
clock. Takes a few minutes.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import psutil

ENTRIES = (100, 1000, 3000, 10000)  # of a run cache
FILES = (100, 1000, 10000)  # of a dataset
PARTS, PART = 16, 32 * 2**20  # bytes of a large output
WRITERS = (1, 8, 32)  # at once on Prefect's server
REQUESTS = 200  # for each number of writers
BUSY = 503  # how a server says that its database is locked; Prefect's clients send again
PAUSE = 0.2  # seconds before it is sent again; Prefect's clients wait longer
QUIET = {
    "DVC_NO_ANALYTICS": "1",
    "DO_NOT_TRACK": "true",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_LOGGING_LEVEL": "ERROR",
}
START_SECONDS = 300.0  # for a server on a busy machine


def main() -> None:
    """Measure all of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--postgres", help="URL of an empty database, with its async driver")
    postgres = parser.parse_args().postgres
    os.environ.update(QUIET)
    with tempfile.TemporaryDirectory(prefix="scaling-") as name:
        folder = Path(name)
        measure_hashing(folder)
        measure_transfer(folder / "transfer")
        for entries in ENTRIES:
            measure_run_cache(folder / f"runs-{entries}", entries)
        for files in FILES:
            measure_files(folder / f"files-{files}", files)
        measure_server("SQLite", {"PREFECT_HOME": str(folder / "prefect")})
        if postgres:
            place = {"PREFECT_SERVER_DATABASE_CONNECTION_URL": postgres}
            measure_server("PostgreSQL", {"PREFECT_HOME": str(folder / "other"), **place})


def measure_hashing(folder: Path) -> None:
    """How fast a source's checksum is taken, once its files are in memory."""
    path = folder / "large"
    path.write_bytes(os.urandom(2**20) * 256)

    began = time.process_time()
    with path.open("rb") as file:
        hashlib.file_digest(file, hashlib.blake2b)
    say("checksum of a source", 0.25 / (time.process_time() - began), "GiB/s")
    path.unlink()


def measure_run_cache(root: Path, entries: int) -> None:
    """A push and a pull that have nothing new to move but the index of the run cache."""
    make_repository(root)
    for number in range(entries):
        key, value = (hashlib.sha256(f"{what}{number}".encode()).hexdigest() for what in "kv")
        entry = root / ".dvc" / "cache" / "runs" / key[:2] / key / value
        entry.parent.mkdir(parents=True)
        entry.write_text("cmd: true\nouts: []\n" + "#" * 500)
    dvc(root, "push", "--run-cache")
    say(f"push of a run cache of {entries} entries", dvc(root, "push", "--run-cache"), "s")
    say("fetch of it", dvc(root, "fetch", "--run-cache"), "s")


def measure_transfer(root: Path) -> None:
    """Large files to a remote that is a folder, and back."""
    make_repository(root)
    (root / "large").mkdir()
    for number in range(PARTS):
        (root / "large" / f"{number}.npy").write_bytes(os.urandom(PART))
    dvc(root, "add", "large")
    size = PARTS * PART / 2**20
    say("push of large parts to a folder", size / dvc(root, "push"), "MiB/s")
    shutil.rmtree(root / ".dvc" / "cache")
    shutil.rmtree(root / "large")
    say("pull of them", size / dvc(root, "pull"), "MiB/s")


def measure_files(root: Path, files: int) -> None:
    """A stage whose output has many files: DVC's work at each look at it."""
    make_repository(root)
    (root / "many").mkdir()
    for number in range(files):
        (root / "many" / f"{number}.bin").write_bytes(number.to_bytes(8, "big") * 128)
    dvc(root, "add", "many")
    say(f"push of {files} new files of 1 KiB", dvc(root, "push"), "s")
    say(f"status, {files} files", dvc(root, "status"), "s")


def measure_server(name: str, place: dict[str, str]) -> None:
    """Requests of workers that find nothing, and of runs that start, with several at once."""
    with server(place) as (process, url), httpx.Client(base_url=url, timeout=120) as client:
        client.post("/work_pools/", json={"name": "load", "type": "process"}).raise_for_status()
        began = used(process)
        for _ in range(REQUESTS):
            client.post("/work_pools/load/get_scheduled_flow_runs", json={}).raise_for_status()
        say(f"{name}, a worker asks for work", 1000 * (used(process) - began) / REQUESTS, "ms")
        for count in WRITERS:
            writer, began, clock = Writer(client), used(process), time.perf_counter()
            with ThreadPoolExecutor(count) as pool:
                waited = sorted(pool.map(writer.write, range(REQUESTS)))
            cost, rate = used(process) - began, REQUESTS / (time.perf_counter() - clock)
            say(f"{name}, {count} at once, a run starts", 1000 * cost / REQUESTS, "ms")
            say("  by the clock", rate, "runs/s")
            say("  99 of 100 within, by the clock", waited[-REQUESTS // 100], "s")
            say("  refused and sent again", writer.refused, "writes")


def used(process: subprocess.Popen[bytes]) -> float:
    """Give the seconds of processor that a server has used."""
    times = psutil.Process(process.pid).cpu_times()
    return float(times.user + times.system)


class Writer:
    """Writes to a server as Prefect's clients do, which send again what is refused for now."""

    def __init__(self, client: httpx.Client) -> None:
        self.refused = 0
        self._client = client
        self._flow = self._send("/flows/", {"name": "load"})["id"]

    def write(self, _: int) -> float:
        """Make a flow run and set it to running; give the seconds that took."""
        began = time.perf_counter()
        run = self._send("/flow_runs/", {"flow_id": self._flow})["id"]
        running = {"state": {"type": "RUNNING"}, "force": True}
        self._send(f"/flow_runs/{run}/set_state", running)
        return time.perf_counter() - began

    def _send(self, path: str, content: dict[str, Any]) -> Any:
        while True:
            with suppress(httpx.TransportError):  # a connection that the server has closed
                answer = self._client.post(path, json=content)
                if answer.status_code != BUSY:
                    return answer.raise_for_status().json()
            self.refused += 1
            time.sleep(PAUSE)


@contextmanager
def server(place: dict[str, str]) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """Start a Prefect server on a free port of this machine."""
    port = 20000 + os.getpid() % 20000
    command = [sys.executable, "-m", "prefect", "server", "start", "--port", str(port)]
    url = f"http://127.0.0.1:{port}/api"
    Path(place["PREFECT_HOME"]).mkdir(parents=True)
    process = subprocess.Popen(
        command, env={**os.environ, **place}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + START_SECONDS
        while not _answers(url):
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit("Prefect's server did not start")
            time.sleep(0.2)
        yield process, url
    finally:
        process.terminate()
        process.wait()


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health").is_success
    except httpx.TransportError:
        return False


def make_repository(root: Path) -> None:
    """Make a repository with a folder beside it as its remote."""
    root.mkdir()
    subprocess.run(["git", "init", "--quiet"], cwd=root, check=True)
    dvc(root, "init")
    dvc(root, "remote", "add", "--default", "storage", str(root.with_name(f"{root.name}-remote")))


def dvc(root: Path, *words: str) -> float:
    """Run DVC in a process of its own, as everybody does; give its seconds of processor."""
    before = os.times()
    subprocess.run(
        [sys.executable, "-m", "dvc", "--quiet", *words], cwd=root, check=True, capture_output=True
    )
    after = os.times()
    return sum(after[2:4]) - sum(before[2:4])


def say(what: str, value: float, unit: str) -> None:
    """Print a figure."""
    print(f"{what:50} {value:9.3g} {unit}", flush=True)


if __name__ == "__main__":
    main()
