"""Where MLflow is, and reaching it in bounded time."""

import fcntl
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from aepipe.errors import RegistryError, StorageError
from aepipe.files import all_or_nothing

if TYPE_CHECKING:  # importing MLflow takes more than a second; most stages never need it
    from mlflow import MlflowClient
    from mlflow.entities import Experiment

ROOT = Path("mlruns")
ARTIFACTS = "artifacts"  # below it, the files of the default database
SQLITE = "sqlite:///"
TIMEOUT = "MLFLOW_HTTP_REQUEST_TIMEOUT"
TRANSFER_SECONDS = "120"  # MLflow's own; storing a model may keep a server busy

# For what the user has not set. A server that is away must cost seconds, and MLflow's own settings
# would spend minutes on it.
SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",  # it sends usage statistics otherwise
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    TIMEOUT: "5",  # seconds
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}


def experiment_name(declared: str) -> str:
    """Give ``MLFLOW_EXPERIMENT_NAME``, else what ``params.yaml`` declares."""
    return os.environ.get("MLFLOW_EXPERIMENT_NAME") or declared


def tracking_uri(root: Path = Path()) -> str:
    """Give ``MLFLOW_TRACKING_URI``, else the database under ``mlruns/`` in ``root``."""
    database = (root / ROOT).resolve() / "mlflow.db"
    return os.environ.get("MLFLOW_TRACKING_URI") or f"{SQLITE}{database}"


def settings() -> dict[str, str]:
    """Give the environment in which MLflow is to run here: the user's, completed."""
    return {**SETTINGS, **os.environ}


def connect() -> "MlflowClient":
    """Reach the tracking server, or open (and make, where it is new) the database.

    Raises:
        RegistryError: it can't be reached, or MLflow is not installed, or the default database was
            made elsewhere.
    """
    os.environ.update(settings())  # MLflow reads some of them while it is imported
    try:
        from mlflow import MlflowClient
    except ModuleNotFoundError as error:
        raise RegistryError(
            f"MLflow is not installed ({error}); `pip install 'aepipe[pipeline]'` installs it"
        ) from None

    logging.getLogger("mlflow.store.db.utils").addFilter(_without_exception)
    uri = tracking_uri()
    with reached(), _alone(uri) as database:
        if database and not database.exists():
            _make(database)
        client = MlflowClient(uri)
        probe(client)
        for experiment in client.search_experiments() if _artifact_location() else ():
            if experiment.artifact_location.endswith(f"/{ROOT}/{ARTIFACTS}"):
                _require_in_place(experiment)
    return client


def _without_exception(record: logging.LogRecord) -> bool:
    """Keep back what is raised as well: MLflow would show the traceback of a full disk besides."""
    return record.exc_info is None


def probe(client: "MlflowClient") -> None:
    """Ask for next to nothing, to learn whether the server answers."""
    client.search_experiments(max_results=1)


def allow_transfers() -> None:
    """Give the server, which has just answered, the time that large files need."""
    if os.environ[TIMEOUT] == SETTINGS[TIMEOUT]:
        os.environ[TIMEOUT] = TRANSFER_SECONDS


def experiment_id(client: "MlflowClient", name: str) -> str:
    """Give the experiment of that name, made if it is new.

    Raises:
        RegistryError: it is deleted, or belongs to an ``mlruns/`` that has been moved.
    """
    from mlflow.exceptions import MlflowException

    found = client.get_experiment_by_name(name)
    if found is None:
        try:
            return client.create_experiment(name, artifact_location=_artifact_location())
        except MlflowException:
            found = client.get_experiment_by_name(name)
            if found is None:
                raise
            # else another stage, running beside this one, has just made it
    if found.lifecycle_stage == "deleted":
        raise RegistryError(
            f"MLflow experiment {name!r} is deleted; `mlflow experiments restore "
            f"--experiment-id {found.experiment_id}` brings it back, or rename registry.experiment"
        )
    _require_in_place(found)
    return str(found.experiment_id)


@contextmanager
def reached() -> Iterator[None]:
    """Turn MLflow's refusals, and the network's and the database's, into one line.

    Raises:
        RegistryError: instead of them.
    """
    try:
        yield
    except _refusals() as error:
        raise RegistryError(
            f"MLflow at {shown(tracking_uri())}: {_reason(error)}; if that is not where it is, set "
            "MLFLOW_TRACKING_URI"
        ) from error


def _refusals() -> tuple[type[Exception], ...]:
    from alembic.util import CommandError
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    return (MlflowException, SQLAlchemyError, CommandError, StorageError, OSError)  # also requests'


def _reason(error: BaseException) -> str:
    """Say what lies at the bottom of it: "Connection refused", not the layers above."""
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__ or error
    line = " ".join(str(error).split()) or type(error).__name__
    uri = tracking_uri()
    return line.replace(uri, shown(uri))[:200]


def shown(uri: str) -> str:
    """Leave out a password."""
    userinfo, at, _ = urlsplit(uri).netloc.rpartition("@")
    return uri.replace(userinfo + at, "", 1) if at else uri


@contextmanager
def exclusive() -> Iterator[None]:
    """Let one process at a time change what this folder's pipeline has registered.

    Registrations from other folders, by way of a server, are not kept out.
    """
    ROOT.mkdir(exist_ok=True)
    with (ROOT / "registry.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # until the file is closed
        yield


@contextmanager
def _alone(uri: str) -> Iterator[Path | None]:
    """Let one process at a time open a SQLite database, lent by its path; None for any other."""
    if not uri.startswith(SQLITE):
        yield None
        return
    database = Path(uri.removeprefix(SQLITE))
    database.parent.mkdir(parents=True, exist_ok=True)
    with database.with_name(f"{database.name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # until the file is closed
        yield database


def _make(database: Path) -> None:
    """Make the tables beside the database's name, and give them that name when they are whole.

    MLflow makes them in dozens of steps, and can't go on where a kill has left them between two.
    """
    from mlflow import MlflowClient

    with all_or_nothing([database]) as (partial,):
        probe(MlflowClient(f"{SQLITE}{partial}"))


def _artifact_location() -> str | None:
    """Give where the default database's files go; a place that the user set has its own."""
    return None if os.environ.get("MLFLOW_TRACKING_URI") else str((ROOT / ARTIFACTS).resolve())


def is_elsewhere(location: str) -> bool:
    """Say whether a path, as MLflow stores it, lies outside the ``mlruns/`` of this folder."""
    return "://" not in location and not Path(location).is_relative_to(ROOT.resolve())


def _require_in_place(experiment: "Experiment") -> None:
    location = experiment.artifact_location
    if _artifact_location() is None or not is_elsewhere(location):
        return
    raise RegistryError(
        f"{ROOT}/ keeps its files in {location}: it was moved or copied, and MLflow's paths are "
        "absolute; `aepipe relocate` puts them right, or set "
        f"MLFLOW_TRACKING_URI={tracking_uri()} to go on using the old place"
    )
