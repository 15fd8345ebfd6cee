"""Tables for `dvc plots`: the real DVC draws each of them."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from ruamel.yaml import YAML

from aepipe.reporting.plot_data import write_plot_data

ROOT = Path(__file__).parents[2]


def test_the_noise_of_pairs_has_no_level(metrics, tmp_path):
    held = metrics.representations["autoencoder"]
    held["robust_accuracy_pairs"] = 0.5
    write_plot_data(tmp_path, metrics, pd.DataFrame({"actual": [1], "predicted": [2]}))
    rows = (tmp_path / "robustness.csv").read_text().splitlines()
    assert "autoencoder,pairs,0.0,0.94,1.25" in rows
    assert "autoencoder,pairs,,0.5," in rows
    assert "autoencoder,masking,0.25,0.8,2.0" in rows


@pytest.mark.pipeline
def test_dvc_draws_every_plot_that_is_declared(metrics, tmp_path):
    plots = YAML(typ="safe").load(ROOT / "dvc.yaml")["plots"]
    assert plots
    confusion = pd.DataFrame({"actual": [0, 1, 1], "predicted": [0, 1, 0]})
    write_plot_data(tmp_path / "reports" / "plots", metrics, confusion)
    with (tmp_path / "dvc.yaml").open("w") as file:
        YAML(typ="safe").dump({"plots": plots}, file)
    dvc = [str(Path(sys.executable).parent / "dvc")]
    subprocess.run([*dvc, "init", "--no-scm", "--quiet"], cwd=tmp_path, check=True)
    shutil.copytree(ROOT / ".dvc" / "plots", tmp_path / ".dvc" / "plots", dirs_exist_ok=True)
    shown = subprocess.run(
        [*dvc, "plots", "show", "--json"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    drawn = json.loads(shown.stdout)
    assert not drawn.get("errors")
    assert len(drawn["data"]) == len(plots)
    for variants in drawn["data"].values():
        for variant in variants:
            spec = variant["content"]
            assert spec["data"]["values"]
            assert "<DVC_METRIC" not in json.dumps(spec)
