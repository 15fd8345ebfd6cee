"""Seconds from the start of a stage's process to its first training step, or to its end.

Run after `make run`, from the top folder: ``python benchmarks/startup.py``. Each figure is the
median of several runs, with the time of `import torch` beside it, since that is most of it.
"""

import os
import shlex
import statistics
import subprocess
import sys
import tempfile
import time

RUNS = 5

FIRST_STEP = """
import os, sys, time
import torch
def first_step(*arguments):
    print(time.time(), flush=True)
    os._exit(0)
torch.autograd.backward = first_step
from aepipe.__main__ import main
main(sys.argv[1:])
"""
NO_TORCH = """
import sys, time
from aepipe.__main__ import main
try:
    main(sys.argv[1:])
finally:
    print(time.time(), flush=True)
"""
STAGES = {
    "pretrain": "--name first --input data/dataset --layer {0}/layer",
    "finetune": "--dataset data/dataset --stack models/stack --classifier {0}/classifier",
    "vae": "--dataset data/dataset --vae {0}/vae",
}
TORCHLESS = {"pca": "--dataset data/dataset --pca {0}/pca"}


def seconds(code: str, arguments: str) -> float:
    """Run ``code`` in a process of its own; give seconds from its start to the time it prints."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-c", code, *shlex.split(arguments.format(folder))]
        environment = {"MLFLOW_TRACKING_URI": f"sqlite:///{folder}/mlflow.db"}
        start = time.time()
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, **environment},
        )
    return float(done.stdout.split()[-1]) - start


def median(code: str, arguments: str = "") -> float:
    """Give the median of several runs."""
    return statistics.median(seconds(code, arguments) for _ in range(RUNS))


def main() -> None:
    """Print one line per stage."""
    torch_alone = median("import time, torch; print(time.time())")
    print(f"{'import torch':24}{torch_alone:6.2f} s")
    for code, what, stages in (
        (FIRST_STEP, "to the first step", STAGES),
        (NO_TORCH, "whole, no torch", TORCHLESS),
    ):
        for name, options in stages.items():
            took = median(code, f"stage {name} {options}")
            print(f"{name + ', ' + what:24}{took:6.2f} s  {took / torch_alone:5.2f} x import torch")


if __name__ == "__main__":
    main()
