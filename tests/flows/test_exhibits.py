import base64
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest

from aepipe.reporting.findings import findings
from aepipe.reporting.metrics import Metrics
from aepipe.tracking.find import Found
from flows import comparison, exhibits
from flows.outcome import Outcome
from flows.progress import step_of

INTERVAL = {"low": 0.0, "high": 3.0}


@pytest.fixture
def now() -> Metrics:
    """Two representations, of which one has no reconstruction."""
    representations = {
        "pca_8": {"code_size": 8, "squared_error": 2.0, "accuracy_linear": 0.9},
        "vae": {"code_size": 8, "squared_error": 1.5, "accuracy_linear": 0.875},
        "classifier": {"code_size": 8, "head_finetuned": 0.98},
    }
    intervals = {e: dict.fromkeys(figures, INTERVAL) for e, figures in representations.items()}
    test = {"samples": 100, "confidence": 0.95, "comparisons": 1}
    return Metrics(test, representations, intervals, {}, {}, {}, {})


@pytest.mark.parametrize(
    ("line", "percent"),
    [
        ("train first: 3/12  train_total 0.51", 25.0),
        ("control: train: 50/50", 100.0),
        ("read images: 7/?  ", None),
        ("epoch of 3/12", None),
        ("", None),
        ("train: 0/0", None),
    ],
)
def test_a_line_of_progress_is_told_from_others(line, percent):
    found = step_of(line)
    assert (found.percent if found else None) == percent


def test_the_lines_of_the_console_are_read(capfd, monkeypatch):
    from aepipe import console

    monkeypatch.setattr(console, "PLAIN_SECONDS", 0.0)
    monitor = console.ConsoleMonitor()
    for number in monitor.progress(range(4), "train first"):
        monitor.record(number, {"loss": 0.5})
    steps = [step_of(line) for line in capfd.readouterr().err.splitlines()]
    assert [step.percent for step in steps if step] == [25.0, 50.0, 75.0, 100.0]


def test_keys_are_what_prefect_takes():
    assert exhibits.key("progress", "evaluate-model@k_sparse") == "progress-evaluate-model-k-sparse"


def test_the_table_of_stages_says_what_was_done_where_and_links_runs():
    outcomes = [
        Outcome(stage="pca", did="from cache", seconds=8.2),
        Outcome(stage="vae", did="ran", seconds=12.34, pool="cuda"),
        Outcome(stage="unroll", did="ran", device="cpu", fell_back=True),
        Outcome(stage="finetune", did="failed", device="cuda"),
    ]
    runs = {"vae": Found("abcdef0123", "cuda:0", "http://mlflow/#/experiments/1/runs/abcdef0123")}
    head, _, *rows = exhibits.stages(outcomes, runs).splitlines()
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in (head, *rows)]
    assert all(len(row) == len(cells[0]) for row in cells)
    by_stage = {row[0].strip("`"): row[1:] for row in cells[1:]}
    link = "[abcdef01](http://mlflow/#/experiments/1/runs/abcdef0123)"
    assert by_stage["vae"] == ["ran", "12.3", "cuda:0", "cuda", link]
    assert by_stage["pca"] == ["from cache", "", "", "here", ""]
    assert by_stage["unroll"][2] == "cpu, not cuda"
    assert by_stage["finetune"][0] == "**failed**"


def test_a_failure_shows_its_last_lines_whatever_they_hold_and_the_command():
    outcome = Outcome(
        stage="vae",
        did="failed",
        last_lines=("a ``` fence", "the reason"),
        by_hand="cd folder && dvc repro vae",
    )
    text = exhibits.failure(outcome)
    assert "````\na ``` fence\nthe reason\n````" in text
    assert "```sh\ncd folder\ndvc repro vae\n```" in text


def test_metrics_stand_beside_those_of_the_last_run(now):
    first = comparison.table(now, {})
    assert {row["change"] for row in first} == {"new"}
    assert len(first) == 5, "each representation in each metric that it has"

    later = {**now.representations, "vae": {"code_size": 8, "squared_error": 1.25}}
    rows = comparison.table(replace(now, representations=later), comparison.values(first))
    found = {(row["representation"], row["metric"]): row for row in rows}
    assert found["vae", "squared error"]["last run"] == 1.5
    assert found["vae", "squared error"]["change"] == "\N{MINUS SIGN}0.250, better"
    assert found["PCA 8", "linear probe"]["change"] == "none"
    assert ("vae", "linear probe") not in found


def test_a_table_of_somebody_else_is_no_last_run():
    assert comparison.values([{"representation": "vae"}]) == {}


def test_the_comparison_is_its_findings_and_a_picture_in_colours_of_its_own(now):
    text, _, encoded = comparison.account(now).partition("](data:image/svg+xml;base64,")
    assert all(sentence in text for sentence in findings(now))
    drawn = base64.b64decode(encoded.removesuffix(")")).decode()
    assert ET.fromstring(drawn).tag == "{http://www.w3.org/2000/svg}svg"  # noqa: S314
    used = {name.split(")")[0] for name in drawn.split("var(")[1:]}
    assert used
    assert all(f"{name}:" in drawn for name in used)


def test_there_is_no_plot_where_nothing_reconstructs(now):
    alone = replace(now, representations={"classifier": now.representations["classifier"]})
    assert "data:image" not in comparison.account(alone)
