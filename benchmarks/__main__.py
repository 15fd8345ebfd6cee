"""``make bench``: measure everything that applies on this machine; ratios, as a table and as JSON.

    python -m benchmarks [--full] [--device cpu|cuda] [--output FOLDER] [--only SECTION ...]

Without ``--full`` it measures the settings that the project makes promises for, in a few minutes. A
machine without dvc and the like leaves out the section ``pipeline``, and one without other
libraries their columns.
"""

import argparse
import json
import os
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch

from benchmarks import estimators, tables, training
from benchmarks.limits import copy_speed
from benchmarks.measure import FULL, SHORT, machine, peak_megabytes

SECTIONS = ("training", "encoding", "pca", "pipeline")
NEEDED = ("dvc", "pydantic", "pandera", "mlflow")  # by the section ``pipeline`` alone


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print a table for each section, and write ``bench.json`` and ``bench.md``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="every network, batch and precision")
    parser.add_argument("--device", default="cpu", help="where networks are trained")
    parser.add_argument("--output", type=Path, default=Path("build"), help="folder of the results")
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=SECTIONS)
    asked = parser.parse_args(arguments)
    device = torch.device(asked.device)
    pace, settings = (FULL, training.whole_grid()) if asked.full else (SHORT, training.AIMED)

    found: dict[str, Any] = {"machine": machine(), "copy_gigabytes_per_second": copy_speed(device)}
    if "training" in asked.only:
        plan = training.Plan(settings, pace, device, beside=True)
        found["training"] = [_said(row) for row in training.measure(plan)]
    if "encoding" in asked.only:
        found["encoding"] = estimators.measure_encoding(pace, device)
    if "pca" in asked.only and find_spec("scipy"):
        found["pca"] = estimators.measure_pca(pace)
    if "pipeline" in asked.only and all(map(find_spec, NEEDED)):
        from benchmarks import pipeline

        found["pipeline"] = pipeline.measure()
    found["peak_megabytes"] = peak_megabytes()
    found["load_at_end"] = round(os.getloadavg()[0], 1)
    asked.output.mkdir(parents=True, exist_ok=True)
    (asked.output / "bench.json").write_text(json.dumps(found, indent=1) + "\n")
    text = tables.markdown(found)
    (asked.output / "bench.md").write_text(text)
    print(text)


def _said(row: dict[str, Any]) -> dict[str, Any]:
    print(tables.training_line(row), flush=True)
    return row


if __name__ == "__main__":
    main()
