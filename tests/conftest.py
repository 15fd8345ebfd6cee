"""What tests of every layer share."""

import os
from pathlib import Path

import pytest

# The files that take minutes each, longest first.
LONGEST = ("test_pipeline.py", "test_figures.py", "test_reproduce.py", "test_workspace.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest: last, it would keep one core busy and the others idle."""
    place = {name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(item.path.name, len(LONGEST)))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real data that lie beside the repository, or where AEPIPE_TEST_DATA says."""
    beside = Path(__file__).parents[2] / "shared" / "data"
    folder = Path(os.environ.get("AEPIPE_TEST_DATA", beside))
    if not folder.is_dir():
        pytest.skip(f"no real data in {folder}; AEPIPE_TEST_DATA says where they are")
    return folder
