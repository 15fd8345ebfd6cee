"""What the project promises of its own params on the digits, trained in full (a few minutes)."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.pipeline

ROOT = Path(__file__).parents[1]
JUDGED = ["evaluate@classifier", "evaluate@autoencoder", "evaluate@pca"]


@pytest.fixture(scope="module")
def figures(tmp_path_factory) -> dict[str, dict[str, dict[str, dict[str, float]]]]:
    """Figures on the test split, by entry, of a clone in which nothing was changed."""
    clone = tmp_path_factory.mktemp("figures") / "clone"
    subprocess.run(["git", "clone", "--quiet", ROOT, clone], check=True)
    (clone / "params.yaml").write_bytes((ROOT / "params.yaml").read_bytes())
    environment = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["dvc", "repro", *JUDGED],
        cwd=clone,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    reports = [clone / "reports" / "evaluation" / f"{name.split('@')[1]}.json" for name in JUDGED]
    return {name: each for path in reports for name, each in json.loads(path.read_text()).items()}


def test_the_finetuned_classifier_is_right_on_at_least_97_5_percent(figures):
    assert figures["classifier"]["heads"]["finetuned"]["value"] >= 0.975


def test_the_unrolled_stack_reconstructs_better_than_pca_of_its_size(figures):
    size = figures["autoencoder"]["code_size"]
    errors = {
        name: figures[name]["reconstruction"]["squared_error"]
        for name in ("autoencoder", f"pca_{size}")
    }
    assert errors["autoencoder"]["high"] < errors[f"pca_{size}"]["low"]
