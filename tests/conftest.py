"""What tests of every layer share."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real data that lie beside the repository, or where AEPIPE_TEST_DATA says."""
    beside = Path(__file__).parents[2] / "shared" / "data"
    folder = Path(os.environ.get("AEPIPE_TEST_DATA", beside))
    if not folder.is_dir():
        pytest.skip(f"no real data in {folder}; AEPIPE_TEST_DATA says where they are")
    return folder
