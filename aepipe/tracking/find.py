"""Finding the MLflow runs of models that lie on disk."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, final

from aepipe.tracking.server import SQLITE, reached, settings, shown, tracking_uri

if TYPE_CHECKING:  # importing MLflow takes more than a second
    from mlflow.entities import RunData


@final
@dataclass(frozen=True, slots=True)
class Found:
    """One run.

    Attributes:
        run_id: as MLflow calls it.
        device: what was trained on.
        link: its page, where a tracking server shows it.
        seconds: of one training, by the clock; None where the run has not ended. A run of several
            trainings counts as so many equal ones.
    """

    run_id: str
    device: str
    link: str | None
    seconds: float | None = None


def find_runs(root: Path, digests: Iterable[str]) -> dict[str, Found]:
    """Give the run of each model, by the checksum of its networks; none for those without.

    Args:
        root: folder of the repository.
        digests: as :func:`aepipe.models.digest.model_digest` gives them.

    Raises:
        RegistryError: MLflow can't be reached.
    """
    wanted = set(digests)
    uri = tracking_uri(root)
    if not wanted or (uri.startswith(SQLITE) and not Path(uri.removeprefix(SQLITE)).exists()):
        return {}
    os.environ.update(settings())  # MLflow reads some of them while it is imported
    from mlflow import MlflowClient

    with reached():
        client = MlflowClient(uri)
        experiments = [each.experiment_id for each in client.search_experiments()]
        return {
            digest: Found(
                run_id=str(run.info.run_id),
                device=run.data.tags.get("aepipe.device", ""),
                link=_link(uri, run.info.experiment_id, run.info.run_id),
                seconds=_seconds(run.data),
            )
            for digest in wanted
            for run in client.search_runs(
                experiments, f"tags.`aepipe.digest` = '{digest}'", max_results=1
            )
        }


def _seconds(data: "RunData") -> float | None:
    duration = data.tags.get("aepipe.duration_seconds")
    return None if duration is None else float(duration) / int(data.params.get("seeds", 1))


def _link(uri: str, experiment: str, run: str) -> str | None:
    """Give the page of a run on a tracking server; a database has no pages of its own."""
    if not uri.startswith(("http://", "https://")):
        return None
    return f"{shown(uri).rstrip('/')}/#/experiments/{experiment}/runs/{run}"
