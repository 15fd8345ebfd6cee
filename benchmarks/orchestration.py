"""What the flow costs beyond DVC: a made-up graph of stages of 0.1 s, here and on workers.

Chains of ten stages side by side, and one stage that reads them all. For each size the seconds of
one `dvc repro`, of the flow in local processes, and of the flow with one worker of two slots, each
in a clone of its own that has never run; what the flow adds for each stage; and how many processes
or worker's runs it took. Starts a Prefect server of its own.

    python -m benchmarks.orchestration [N ...]
"""

import re
import subprocess
import sys
import tempfile
import time
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

from tests.flows.cluster import Cluster, commit, make_shared

SIZES = (10, 30, 100, 300)  # stages
LENGTH = 10  # of a chain
SECONDS = 0.1  # of a stage


def main() -> None:
    """Print a line for each size."""
    sizes = [int(word) for word in sys.argv[1:]] or SIZES
    with tempfile.TemporaryDirectory() as folder:
        cluster = Cluster(Path(folder))
        try:
            cluster.start_server()
            with redirect_stdout(StringIO()):
                cluster.deploy()
            cluster.start_worker("cpu", Path(folder) / "worker")
            print("stages  dvc repro s  flow s  adds/stage  groups  workers s  adds/stage  runs")
            for size in sizes:
                print(line(cluster, Path(folder) / str(size), size), flush=True)
        finally:
            cluster.close()


def line(cluster: Cluster, folder: Path, size: int) -> str:
    """Run a graph of ``size`` stages in the three ways, and say what each took."""
    clones = [make_shared(folder / name) for name in ("bare", "here", "away")]
    for clone in clones:
        commit(clone, **{"dvc.yaml": declare(size), "out/.gitkeep": ""})
    (folder / "remote").mkdir()
    bare, _ = timed(cluster, [sys.executable, "-m", "dvc", "repro", "--quiet"], clones[0])
    flow = [sys.executable, "-m", "flows.reproduce"]
    here, groups = timed(cluster, flow, clones[1])
    away, runs = timed(cluster, [*flow, "--workers", "--remote", str(folder / "remote")], clones[2])
    locks = {(clone / "dvc.lock").read_bytes() for clone in clones}
    if len(locks) > 1:
        raise SystemExit(f"{size} stages: the three ended in different dvc.lock files")
    added = [(seconds - bare) / size for seconds in (here, away)]
    return (
        f"{size:6}  {bare:11.1f}  {here:6.1f}  {added[0]:10.2f}  {groups:6}"
        f"  {away:9.1f}  {added[1]:10.2f}  {runs:4}"
    )


def declare(size: int) -> str:
    """Give a `dvc.yaml` of ``size`` stages."""
    lines = ["stages:", "  link:", "    foreach:"]
    for number in range(size - 1):
        before = "seed" if number % LENGTH == 0 else f"out/{number - 1:03}"
        lines.append(f'      "{number:03}": {{input: {before}}}')
    lines += [
        "    do:",
        f"      cmd: sleep {SECONDS}; {{ cat ${{item.input}}; echo ${{key}}; }} > out/${{key}}",
        '      deps: ["${item.input}"]',
        '      outs: ["out/${key}"]',
        "  total:",
        "    cmd: ls out > total",
        "    deps: [out]",
        "    outs: [total]",
    ]
    return "\n".join(lines) + "\n"


def timed(cluster: Cluster, command: list[str], clone: Path) -> tuple[float, int]:
    """Run a command in a clone; give its seconds, and how many task runs of it Prefect saw."""
    began = time.perf_counter()
    done = subprocess.run(
        command, cwd=clone, env=cluster.environment, capture_output=True, text=True, check=False
    )
    seconds = time.perf_counter() - began
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    return seconds, len(re.findall(r"Task run '.+' - Finished in state", done.stdout + done.stderr))


if __name__ == "__main__":
    main()
