"""What tests of every layer share."""

import os
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from aepipe.tracking.server import SQLITE, connect, settings
from tests.postgres import Missing, Server, running

# The files that take longest, in that order.
LONGEST = (
    "test_pipeline.py",
    "test_figures.py",
    "test_life.py",
    "test_workers.py",
    "test_reproduce.py",
    "test_workspace.py",
)

# No law is about how fast the machine is, and one that is busy fails none.
hypothesis.settings.register_profile(
    "any-speed", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("any-speed")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest: last, it would keep one core busy and the others idle."""
    place = {name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(item.path.name, len(LONGEST)))


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory) -> Path:
    """MLflow's database before its first run, to be copied: making one takes a second."""
    path = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings(action="ignore"):
        for name, value in {**settings(), "MLFLOW_TRACKING_URI": f"{SQLITE}{path}"}.items():
            patch.setenv(name, value)
        connect()
    return path


@pytest.fixture
def database(tmp_path, empty_database) -> None:
    """That database under the `mlruns/` of the test's own folder."""
    (tmp_path / "mlruns").mkdir()
    shutil.copy(empty_database, tmp_path / "mlruns")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real data that lie beside the repository, or where AEPIPE_TEST_DATA says."""
    beside = Path(__file__).parents[2] / "shared" / "data"
    folder = Path(os.environ.get("AEPIPE_TEST_DATA", beside))
    if not folder.is_dir():
        pytest.skip(f"no real data in {folder}; AEPIPE_TEST_DATA says where they are")
    return folder


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A real PostgreSQL server, started with its first use; skips where none is installed."""
    try:
        with running() as server:
            yield server
    except Missing as reason:
        pytest.skip(str(reason))


@pytest.fixture
def postgres_url(postgres: Server) -> str:
    """URL of an empty database, ``postgresql://...``; a driver's name goes behind the scheme."""
    return postgres.new_database()
