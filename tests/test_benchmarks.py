"""The benchmarks run where there is no more than torch, numpy and scikit-learn, and count right."""

import json
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
import torch

from benchmarks.limits import products
from benchmarks.measure import Took, ratio
from benchmarks.networks import NETWORKS, PIXELS
from benchmarks.trainer import Setting, one_step

ROOT = Path(__file__).parent.parent
BARE = """
import sys

for name in (
    "dvc", "prefect", "mlflow", "pydantic", "pandera", "pandas", "pyarrow", "safetensors",
    "ruamel", "rich", "matplotlib", "skimage", "torchvision", "PIL", "lightning", "pythae",
):
    sys.modules[name] = None  # as if it were not installed

from benchmarks import __main__ as bench, training
from benchmarks.measure import Pace

bench.SHORT, training.LEAST = Pace(1, 0.0), 2
training.AIMED = [("dense", 16, "float32"), ("rbm", 16, "bfloat16")]
bench.main(["--only", "training", "pipeline", "--output", sys.argv[1]])
"""


def test_a_machine_with_torch_numpy_and_scikit_learn_alone_can_be_measured(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", BARE, str(tmp_path)], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "bench.json").read_text())
    assert [row["network"] for row in found["training"]] == ["dense", "rbm"]
    for row in found["training"]:
        assert row["samples_per_second"] > 0
        assert row["share_of_products"]["processor"] > 0
        assert "plain loop" in row["times_faster_than"]
    assert "pipeline" not in found, "which needs what is hidden"
    assert "| dense | 16 | float32 |" in (tmp_path / "bench.md").read_text()


def test_the_products_of_a_step_are_those_of_its_layers_forward_and_backward():
    batch, sizes = 8, [PIXELS, 256, 32, 256, PIXELS]
    layers = [one * other for one, other in pairwise(sizes)]
    stored = torch.zeros(batch, PIXELS, dtype=torch.uint8)
    step = one_step(Setting(NETWORKS["dense"], batch, "float32", torch.device("cpu"), stored))
    work, flops = products(step)
    # forward, to the weights, and to what is below; below the first layer are the samples
    assert flops == 2 * batch * (3 * sum(layers) - layers[0])
    work(2)


def test_a_ratio_is_the_middle_one_of_those_within_rounds():
    rounds = [{"one": Took(wall, wall / 2), "other": Took(2.0, 0.5)} for wall in (2.0, 100.0, 4.0)]
    assert ratio(rounds, "one", "other") == {"wall": 2.0, "processor": 4.0}
    assert ratio(rounds, "other", "one")["wall"] == pytest.approx(0.5)
