"""Every figure that has an interval as one table, for people who go on from there."""

from pathlib import Path

import pandas as pd

from aepipe.reporting.metrics import Metrics


def write_comparison(path: Path, metrics: Metrics) -> None:
    """Write every figure that has an interval, one row each."""
    from aepipe.data.contracts import Comparison, checked, write_table

    rows = [
        (entry, int(metrics.representations[entry]["code_size"]), name, value, *interval.values())
        for entry, intervals in metrics.intervals.items()
        for name, interval in intervals.items()
        for value in [metrics.representations[entry][name]]
    ]
    for entry, held in metrics.against_pca.items():
        size = int(metrics.representations[entry]["code_size"])
        for name in [key[:-11] for key in held if key.endswith("_difference")]:
            bounds = [held[f"{name}_{part}"] for part in ("difference", "low", "high")]
            rows.append((entry, size, f"{name}_difference", *bounds))
    for entry, trainings in metrics.trainings.items():
        size = int(metrics.representations[entry]["code_size"])
        for name, spread in trainings.items():
            bounds = [spread[part] for part in ("mean", "low", "high")]
            rows.append((entry, size, f"{name}_over_trainings", *bounds))
    columns = ["entry", "code_size", "metric", "value", "low", "high"]
    write_table(path, checked(Comparison, pd.DataFrame(rows, columns=columns), path))
