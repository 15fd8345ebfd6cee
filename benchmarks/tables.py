"""The results of a run as Markdown."""

from collections.abc import Mapping
from typing import Any

TRAINING = (
    "| network | batch | precision | samples/s | of its products | faster than |\n"
    "| --- | --- | --- | --- | --- | --- |"
)


def markdown(found: Mapping[str, Any]) -> str:
    """Give a table for each section that was measured.

    A ratio is by the clock, with that by processor time in parentheses.
    """
    lines = ["## Machine", ""]
    about = {key: value for key, value in found["machine"].items() if value is not None}
    about["load at the end"] = found["load_at_end"]
    about["copying"] = f"{found['copy_gigabytes_per_second']:.1f} GB/s"
    about["peak memory"] = f"{found['peak_megabytes']:,.0f} MB"
    lines += ["| | |", "| --- | --- |", *(f"| {key} | {value} |" for key, value in about.items())]
    if "training" in found:
        lines += ["", "## Training", "", TRAINING, *map(training_line, found["training"])]
    if "encoding" in found:
        lines += ["", "## Encoding with the deep network", ""]
        lines += ["| batch | samples/s | of its products |", "| --- | --- | --- |"]
        lines += [
            f"| {row['batch']} | {row['samples_per_second']:,.0f} "
            f"| {_share(row['share_of_products'])} |"
            for row in found["encoding"]
        ]
    if "pca" in found:
        row = found["pca"]
        times = _times(row["times_faster_than"]["scikit-learn"])
        lines += ["", "## PCA", ""]
        lines += [f"{row['samples_per_second']:,.0f} samples/s, {times} as fast as scikit-learn's."]
    if "pipeline" in found:
        lines += ["", "## Pipeline", "", *_pipeline(found["pipeline"])]
    return "\n".join(lines) + "\n"


def training_line(row: Mapping[str, Any]) -> str:
    """Give the line of one setting."""
    others = ", ".join(f"{name} {_times(each)}" for name, each in row["times_faster_than"].items())
    return (
        f"| {row['network']} | {row['batch']} | {row['precision']} "
        f"| {row['samples_per_second']:,.0f} | {_share(row['share_of_products'])} | {others} |"
    )


def _pipeline(found: Mapping[str, Any]) -> list[str]:
    lines = ["| what | seconds |", "| --- | --- |"]
    for stage in found["stages"]:
        if "whole" in stage:
            lines.append(f"| {stage['stage']}, start to end | {stage['whole']:.2f} |")
        else:
            lines.append(
                f"| {stage['stage']}, start to first step | {stage['to_first_step']:.2f} |"
            )
            lines.append(f"| {stage['stage']}, last step to end | {stage['from_last_step']:.2f} |")
    no_op = found["no_op"]
    times = f"{no_op['times_empty_graph']:.2f} times an empty graph of as many stages"
    lines.append(
        f"| `dvc repro` of {no_op['stages']} stages with nothing to do "
        f"| {no_op['seconds']:.2f}, {times} |"
    )
    return lines


def _share(ratio: Mapping[str, float]) -> str:
    return f"{ratio['wall']:.0%} ({ratio['processor']:.0%})"


def _times(ratio: Mapping[str, float]) -> str:
    return f"{ratio['wall']:.2f} ({ratio['processor']:.2f})"
