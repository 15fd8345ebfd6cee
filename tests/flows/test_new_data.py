import shutil
import subprocess
from pathlib import Path

import pytest
from prefect.states import Completed, Failed
from prefect.testing.utilities import prefect_test_harness
from ruamel.yaml import YAML

from aepipe.errors import SourceError
from aepipe.params.load import read_yaml
from flows import new_data
from flows.new_data import NOTHING_NEW, on_new_data
from tests.flows.cluster import commit, make_shared

pytestmark = [
    pytest.mark.pipeline,
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning"),
]

TREE = Path(__file__).parents[2]
TABLE = Path("data/sources/table.csv")
SOURCE = {
    "kind": "csv", "path": str(TABLE), "label": None, "group": None, "split": None, "ignore": [],
}  # fmt: skip


@pytest.fixture(scope="module")
def server():
    with prefect_test_harness(server_startup_timeout=120):
        yield


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """The small pipeline; its first stage reads a table that git and DVC know nothing of."""
    root = make_shared(tmp_path / "clone")
    shutil.copy(TREE / "params.yaml", root)
    declare(root, SOURCE)
    declared = (root / "dvc.yaml").read_text()
    reads = f"cmd: cat {TABLE} > source\n    params: [data]"
    ignored = (root / ".gitignore").read_text() + "/data/sources/\n"
    declared = declared.replace("cmd: cat seed > source", reads)
    commit(root, **{"dvc.yaml": declared, ".gitignore": ignored, "data/README.md": "Data\n"})
    (root / TABLE).parent.mkdir()
    (root / TABLE).write_text("a,b\n1,2\n")
    return root


def declare(root: Path, source: dict) -> None:
    params = read_yaml(root / "params.yaml")
    params["data"]["source"] = source
    with (root / "params.yaml").open("w") as file:
        YAML(typ="safe").dump(params, file)


@pytest.fixture
def asked(monkeypatch) -> list[dict]:
    """Overrides of each run that was asked for; the runs themselves end as ``asked.ends`` says."""

    class Asked(list):
        ends = Completed()

    found = Asked()

    def reproduce(root, targets, at_once, isolated, workers, return_state):
        found.append(isolated.overrides)
        return found.ends

    monkeypatch.setattr(new_data, "reproduce", reproduce)
    return found


def look(clone: Path, name: str) -> str:
    return on_new_data(clone, remembered_as=name, return_state=True).name


def test_new_files_are_asked_for_once_and_again_where_the_run_failed(server, clone, asked):
    asked.ends = Failed(name="Failed")
    assert look(clone, "first") == "Failed"
    asked.ends = Completed(name="Completed")
    assert look(clone, "first") == "Completed"
    assert asked[0] == asked[1], "the same files, since the first try got nowhere"
    assert look(clone, "first") == NOTHING_NEW
    (clone / TABLE).write_text("a,b\n1,2\n3,4\n")
    assert look(clone, "first") == "Completed"
    assert look(clone, "first") == NOTHING_NEW
    assert len(asked) == 3
    assert asked[2].keys() == {"data.source_digest"}
    assert asked[2] != asked[1]


def test_pipelines_that_are_remembered_apart_do_not_hide_each_others_data(server, clone, asked):
    assert look(clone, "one") == "Completed"
    assert look(clone, "two") == "Completed"


def test_what_cannot_change_never_runs(server, clone, asked):
    declare(clone, {"kind": "digits"})
    assert look(clone, "embedded") == NOTHING_NEW
    assert asked == []


def test_a_source_that_is_gone_is_a_failure_and_not_nothing_new(server, clone, asked):
    (clone / TABLE).unlink()
    with pytest.raises(SourceError, match="nothing is there"):
        on_new_data(clone, remembered_as="gone")


def test_the_pipeline_reads_the_new_files_and_the_run_is_kept(server, clone):
    for text in ("a,b\n1,2\n", "a,b\n5,6\n"):
        (clone / TABLE).write_text(text)
        assert on_new_data(clone, remembered_as="real", return_state=True).is_completed()
    newest = max(
        (clone / ".aepipe" / "workspaces").glob("*/source"), key=lambda p: p.stat().st_mtime
    )
    assert newest.read_text() == "a,b\n5,6\n"
    listed = subprocess.run(
        ["dvc", "exp", "list", "--name-only"], cwd=clone, capture_output=True, text=True, check=True
    ).stdout.split()
    kept = [name for name in listed if name.startswith("data-")]
    assert len(kept) == len(set(kept)) == 2
    assert not (clone / "source").exists(), "nothing of a person's own is touched"
