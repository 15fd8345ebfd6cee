"""The same bytes wherever and however a stage runs: folder, locale, time zone, hash seed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from aepipe.training.device import promise
from tests.test_pipeline import edit_params, make_clone, shorten

ROOT = Path(__file__).parents[1]
# One after the other they differ in everything that must not matter.
SURROUNDINGS = (
    {"LC_ALL": "C.UTF-8", "TZ": "UTC", "PYTHONHASHSEED": "0", "COLUMNS": "80"},
    {
        "LC_ALL": "POSIX", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0", "TZ": "Asia/Kathmandu",
        "PYTHONHASHSEED": "4711", "COLUMNS": "200", "HOME": "/nonexistent",
    },
)  # fmt: skip
FOLDERS = ("one", "another, deeper/ö")
STAGES = (
    ("ingest", "--dataset", "data/dataset"),
    ("pca", "--dataset", "data/dataset", "--pca", "models/pca"),
    ("corrupt", "--dataset", "data/dataset", "--corrupted", "data/corrupted"),
)
TRAINING = (
    ("vae", "--dataset", "data/dataset", "--vae", "models/vae"),
    ("pretrain", "--name", "first", "--input", "data/dataset", "--layer", "models/stack/first"),
)


def made(folder: Path) -> dict[str, bytes]:
    """Give every file that stages have written, by path."""
    files = (path for name in ("data", "models", "reports") for path in (folder / name).rglob("*"))
    return {str(each.relative_to(folder)): each.read_bytes() for each in files if each.is_file()}


def environment(surroundings: dict[str, str]) -> dict[str, str]:
    own = ("MLFLOW_", "PREFECT_", "AEPIPE_", "DVC_", "LC_", "LANG", "PYTHON")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(own)}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    quiet = {"DVC_NO_ANALYTICS": "1", "MLFLOW_DISABLE_TELEMETRY": "true"}
    return {**kept, **quiet, "PATH": path, "AEPIPE_DEVICE": "cpu", "OMP_NUM_THREADS": "1",
            "PYTHONPATH": str(ROOT), **surroundings}  # fmt: skip


def run(folder: Path, surroundings: dict[str, str], *command: str) -> None:
    done = subprocess.run(
        command, cwd=folder, env=environment(surroundings), capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode(errors="replace")[-3000:]


def results(tmp_path: Path, stages: tuple[tuple[str, ...], ...]) -> list[dict[str, bytes]]:
    """Run stages in each of the surroundings, and give what they made there."""
    made_there = []
    for name, surroundings in zip(FOLDERS, SURROUNDINGS, strict=True):
        folder = tmp_path / name
        folder.mkdir(parents=True)
        (folder / "params.yaml").write_bytes((ROOT / "params.yaml").read_bytes())
        edit_params(folder, shorten)
        for words in stages:
            run(folder, surroundings, sys.executable, "-m", "aepipe", "stage", *words)
        made_there.append(made(folder))
    return made_there


def test_what_is_no_matter_of_results_changes_no_byte(tmp_path):
    one, other = results(tmp_path, STAGES[:2])
    assert len(one) > 5
    assert one == other


@pytest.mark.slow
@pytest.mark.pipeline
def test_nor_does_it_in_training(tmp_path):
    one, other = results(tmp_path, (*STAGES, *TRAINING))
    assert any(name.endswith("weights.safetensors") for name in one)
    assert one == other


@pytest.mark.slow
@pytest.mark.pipeline
def test_nor_in_the_whole_graph(tmp_path):
    """Down to dvc.lock, which holds the checksum of every output."""
    folders = ("one", "another, deeper/o")  # DVC can't say the ö of the other where text is ASCII
    for name, surroundings in zip(folders, SURROUNDINGS, strict=True):
        clone = make_clone(tmp_path / name)
        run(clone, {**surroundings, "HOME": str(tmp_path)}, "dvc", "repro", "--quiet")
    one, other = (tmp_path / name for name in folders)
    assert (one / "dvc.lock").read_bytes() == (other / "dvc.lock").read_bytes()
    assert made(one) == made(other)


@pytest.mark.parametrize(
    ("device", "threads", "said"),
    [
        ("cpu", 1, None),
        ("cpu", 4, "in 4 threads: the same bytes come with as many (OMP_NUM_THREADS=4)"),
        ("cuda", 1, "on cuda: the same bytes come on the same kind of GPU alone"),
        ("mps", 1, "on mps: the same bytes come on the same kind of GPU alone"),
    ],
)
def test_a_stage_says_what_its_bytes_depend_on(device, threads, said):
    found = promise(device, threads)
    assert found == said or (said is not None and found.startswith(said))
