"""What a server holds of a run for people to see."""

import json
from pathlib import Path

import pytest
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import Artifact
from prefect.testing.utilities import prefect_test_harness

from aepipe.reporting.metrics import Metrics, write_metrics
from flows import progress
from flows.artifacts import METRICS, publish
from flows.outcome import Outcome
from flows.progress import Bar

pytestmark = [
    pytest.mark.pipeline,
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning"),
]

LOCK = f"stages:\n  last:\n    cmd: 'true'\n    outs:\n    - path: {METRICS}\n"


@pytest.fixture(scope="module")
def server():
    with prefect_test_harness(server_startup_timeout=120):
        yield


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "dvc.lock").write_text(LOCK)
    return tmp_path


def metrics(error: float) -> Metrics:
    figures = {"vae": {"code_size": 8, "squared_error": error}}
    intervals = {"vae": {"squared_error": {"low": error - 0.1, "high": error + 0.1}}}
    test = {"samples": 100, "confidence": 0.95, "comparisons": 0}
    return Metrics(test, figures, intervals, {}, {}, {}, {})


def held() -> dict[str, Artifact]:
    """The newest artifact under each key."""
    with get_client(sync_client=True) as client:
        found = client.read_artifacts()
    return {each.key: each for each in sorted(found, key=lambda each: each.updated)}


def test_a_run_shows_its_stages_its_failure_and_its_metrics_beside_the_last_ones(server, folder):
    outcomes = [
        Outcome(stage="first", did="failed", last_lines=("the reason",), by_hand="dvc repro first"),
        Outcome(stage="last", did="ran", seconds=2.5),
    ]

    @flow
    def show() -> None:
        publish(folder, outcomes, pytest.fail)

    for error in (1.5, 1.25):
        write_metrics(folder / METRICS, metrics(error))
        show()
    found = held()
    assert "| `last` | ran | 2.5 |" in found["stages-by-hand"].data
    assert "the reason" in found["failed-first"].data
    (row,) = json.loads(found["metrics-by-hand"].data)
    assert (row["last run"], row["now"]) == (1.5, 1.25)
    assert row["change"].endswith("better")
    assert "data:image/svg+xml" in found["comparison-by-hand"].data


def test_metrics_that_the_run_has_not_made_are_not_shown_as_its_own(server, folder):
    write_metrics(folder / METRICS, metrics(9.0))

    @flow
    def show() -> None:
        publish(folder, [Outcome(stage="last", did="not started")], pytest.fail)

    show()
    table = held().get("metrics-by-hand")
    assert table is None or json.loads(table.data)[0]["now"] != 9.0


def test_an_mlflow_that_is_away_costs_a_line_and_no_run(server, folder, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    (folder / "model.json").write_text("{}")
    (folder / "dvc.lock").write_text(LOCK.replace(METRICS, "model.json").replace("model.json", "."))
    said: list[str] = []

    @flow
    def show() -> None:
        publish(folder, [Outcome(stage="last", did="ran")], said.append)

    show()
    assert len(said) == 1
    assert said[0].startswith("no links to MLflow: MLflow at http://127.0.0.1:9")


def test_a_bar_moves_with_the_lines_and_ends_full(server, monkeypatch):
    monkeypatch.setattr(progress, "EVERY", 0.0)
    lines = ["Running stage 'vae':", "train: 3/12  total 0.5", "train: 6/12  total 0.4"]
    said: list[str] = []

    @flow
    def work() -> list[float]:
        bar = Bar("vae", said.append)
        seen = []
        for line in lines:
            bar.listen(line)
            seen.append(held()["progress-vae"].data if "progress-vae" in held() else None)
        bar.finish()
        return [*seen, held()["progress-vae"].data]

    assert work() == [None, 25.0, 50.0, 100.0]
    assert said == lines
