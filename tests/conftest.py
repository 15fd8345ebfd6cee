"""What tests of every layer share."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.postgres import Missing, Server, running


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
