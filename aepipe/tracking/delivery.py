"""From the lines of a journal to an MLflow run; sending the same lines again changes nothing."""

from collections.abc import Mapping, Sequence
from typing import Any, final

from mlflow import MlflowClient
from mlflow.entities import Metric, Param, Run, RunTag

from aepipe.tracking.facts import safe_key
from aepipe.tracking.server import experiment_id

METRICS_AT_ONCE = 1000  # MLflow's limits for one request
PARAMS_AT_ONCE = 100

Line = Mapping[str, Any]


@final
class Delivery:
    """Keeps one run in step with its journal.

    The run is found by its key. A finished one is left as it is; an unfinished one is continued,
    and what it holds already is not logged again.
    """

    def __init__(self, client: MlflowClient) -> None:
        self.ended = False
        self._client = client
        self._run: str | None = None  # none where the same work has been logged before
        self._known: set[tuple[str, int]] = set()

    def take(self, lines: Sequence[Line]) -> None:
        """Send lines in their order; figures that follow each other go together."""
        metrics: list[Metric] = []
        for line in lines:
            match line["what"]:
                case "run":
                    self._open(line)
                case "figures":
                    metrics += self._new_metrics(line)
                case "end":
                    self._log(metrics)
                    metrics = []
                    self._end(line)
        self._log(metrics)

    def abandon(self) -> None:
        """Say that the stage was killed; the next one of the same key continues the run."""
        if self._run is not None:
            self._client.set_terminated(self._run, "KILLED")

    def _open(self, line: Line) -> None:
        self.ended = False
        experiment = experiment_id(self._client, line["experiment"])
        wanted = f"tags.`aepipe.key` = '{line['key']}'"
        found = list(self._client.search_runs([experiment], wanted))
        if any(run.info.status == "FINISHED" for run in found):
            self._run = None
            return
        run = found[0] if found else self._create(experiment, line)
        self._run = str(run.info.run_id)
        self._client.update_run(self._run, status="RUNNING")
        for name in run.data.metrics:
            history = self._client.get_metric_history(self._run, name)
            self._known |= {(name, metric.step) for metric in history}
        params = [Param(key, value) for key, value in line["params"].items()]
        for start in range(0, len(params), PARAMS_AT_ONCE):
            self._client.log_batch(self._run, params=params[start : start + PARAMS_AT_ONCE])

    def _create(self, experiment: str, line: Line) -> Run:
        tags = {**line["tags"], "aepipe.stage": line["title"], "aepipe.key": line["key"]}
        return self._client.create_run(
            experiment, start_time=line["time"], tags=tags, run_name=line["title"]
        )

    def _new_metrics(self, line: Line) -> list[Metric]:
        figures = {safe_key(name): value for name, value in line["figures"].items()}
        step = line["step"]
        new = {name: value for name, value in figures.items() if (name, step) not in self._known}
        self._known |= {(name, step) for name in new}
        return [Metric(name, value, line["time"], step) for name, value in new.items()]

    def _log(self, metrics: list[Metric]) -> None:
        if self._run is None:
            return
        for start in range(0, len(metrics), METRICS_AT_ONCE):
            self._client.log_batch(self._run, metrics=metrics[start : start + METRICS_AT_ONCE])

    def _end(self, line: Line) -> None:
        self.ended = True
        if self._run is None:
            return
        for name, text in line["files"].items():
            self._client.log_text(self._run, text, name)
        tags = [RunTag(key, value) for key, value in line["tags"].items()]
        self._client.log_batch(self._run, tags=tags)
        self._client.set_terminated(self._run, line["status"], line["time"])
