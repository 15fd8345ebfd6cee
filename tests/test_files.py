import errno
import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given
from hypothesis import strategies as st

from aepipe.errors import ArtifactError, StorageError
from aepipe.files import all_or_nothing, read_description, read_json, remove, write_json

TREE = Path(__file__).parents[1]
REFUSALS = {
    errno.ENOSPC: "no space left; free some",
    errno.EDQUOT: "quota is used up",
    errno.EACCES: "no permission; check the owner",
    errno.EPERM: "no permission; check the owner",
    errno.EROFS: "the file system is read-only",
}


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 64 KiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)]
    try:
        mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        mounted = False
    if not mounted:
        pytest.skip("mounting a small disk needs the right to do so")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def listing(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def test_targets_appear_when_the_whole_block_has_succeeded(tmp_path):
    file, folder = tmp_path / "a" / "file.json", tmp_path / "folder"
    with all_or_nothing([file, folder]) as (lent_file, lent_folder):
        lent_file.write_text("new")
        lent_folder.mkdir()
        (lent_folder / "part").write_text("new")
        assert not file.exists()
        assert not folder.exists()
    assert listing(tmp_path) == ["a", "a/file.json", "folder", "folder/part"]


def test_a_folder_is_replaced_as_a_whole(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "old").write_text("old")
    with all_or_nothing([tmp_path / "folder"]) as (lent,):
        lent.mkdir()
        (lent / "new").write_text("new")
    assert listing(tmp_path) == ["folder", "folder/new"]


def test_a_failing_block_leaves_what_was_there_and_nothing_else(tmp_path):
    old, fresh = tmp_path / "old", tmp_path / "fresh"
    old.write_text("old")

    def write() -> None:
        with all_or_nothing([old, fresh]) as lent:
            for path in lent:
                path.write_text("half")
            raise RuntimeError("a bug")

    with pytest.raises(RuntimeError, match="a bug"):
        write()
    assert listing(tmp_path) == ["old"]
    assert old.read_text() == "old"


def test_a_block_that_forgets_one_target_changes_none(tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_text("old")

    def write() -> None:
        with all_or_nothing([one, two]) as (lent, _):
            lent.write_text("new")

    with pytest.raises(ArtifactError, match="two: the stage ended without writing it"):
        write()
    assert listing(tmp_path) == ["one"]
    assert one.read_text() == "old"


def test_a_killed_process_leaves_no_final_name_and_the_next_run_cleans_up(tmp_path):
    killed = (
        "import os, signal\n"
        "from pathlib import Path\n"
        "from aepipe.files import all_or_nothing\n"
        "with all_or_nothing([Path('model'), Path('figures.json')]) as (folder, file):\n"
        "    folder.mkdir()\n"
        "    (folder / 'half').write_text('half')\n"
        "    file.write_text('half')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(TREE)}
    done = subprocess.run(
        [sys.executable, "-c", killed], cwd=tmp_path, env=environment, check=False
    )
    assert done.returncode == -signal.SIGKILL
    assert not (tmp_path / "model").exists()
    assert not (tmp_path / "figures.json").exists()

    with all_or_nothing([tmp_path / "model", tmp_path / "figures.json"]) as (folder, file):
        folder.mkdir()
        file.write_text("whole")
    assert listing(tmp_path) == ["figures.json", "model"]


@pytest.mark.parametrize(("code", "advice"), REFUSALS.items())
def test_a_refusal_of_the_disk_is_a_users_error_that_names_the_place(code, advice, tmp_path):
    target = tmp_path / "target"
    target.write_text("old")

    def write() -> None:
        with all_or_nothing([target]) as (lent,):
            lent.write_text("half")
            raise OSError(code, os.strerror(code))

    with pytest.raises(StorageError, match=advice) as refusal:
        write()
    assert str(refusal.value).startswith(f"{target}: ")
    assert str(refusal.value).endswith("nothing was overwritten")
    assert refusal.value.exit_code == 2
    assert listing(tmp_path) == ["target"]
    assert target.read_text() == "old"


def test_a_folder_that_may_not_be_made_is_a_users_error(tmp_path, monkeypatch):
    def refuse(self, *arguments, **options):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(self))

    monkeypatch.setattr(Path, "mkdir", refuse)
    with (
        pytest.raises(StorageError, match=f"^{tmp_path}/new: no permission; check the owner"),
        all_or_nothing([tmp_path / "new" / "target"]),
    ):
        pass


@pytest.mark.parametrize("code", [errno.EIO, errno.ENOENT, errno.EBUSY])
def test_any_other_failure_of_the_disk_keeps_its_traceback(code, tmp_path):
    with pytest.raises(OSError, match="what happened") as failure, all_or_nothing([tmp_path / "t"]):
        raise OSError(code, "what happened")
    assert failure.value.errno == code


def write_array(path: Path) -> None:
    np.save(path, np.zeros(100_000), allow_pickle=False)


def write_open_array(path: Path) -> None:
    with path.open("wb") as file:
        np.save(file, np.zeros(100_000), allow_pickle=False)


def write_weights(path: Path) -> None:
    safetensors.numpy.save_file({"weight": np.zeros(100_000)}, path)


def write_figures(path: Path) -> None:
    write_json(path, ["x" * 1000] * 1000)


@pytest.mark.parametrize("write", [write_array, write_open_array, write_weights, write_figures])
def test_a_full_disk_is_a_users_error_whichever_library_writes(write, small_disk):
    """Neither numpy nor safetensors raises an error with the number of the reason."""
    target = small_disk / "target.npy"
    target.write_text("old")

    def attempt() -> None:
        with all_or_nothing([target]) as (lent,):
            lent.mkdir()
            write(lent / "output.npy")

    with pytest.raises(StorageError, match="no space left; free some"):
        attempt()
    assert listing(small_disk) == ["target.npy"]
    assert target.read_text() == "old"


@contextmanager
def read_only(folder: Path):
    """The folder as it is, read-only: bound to itself, since root may write anywhere else."""
    for options in (["--bind", str(folder)], ["-o", "remount,bind,ro"]):
        command = ["mount", *options, str(folder)]
        if subprocess.run(command, capture_output=True, check=False).returncode:
            pytest.skip("mounting a folder read-only needs the right to do so")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_read_only_file_system_is_a_users_error(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "target").write_text("old")

    def attempt() -> None:
        with all_or_nothing([folder / "target"]) as (lent,):
            lent.write_text("new")

    with read_only(folder), pytest.raises(StorageError, match="the file system is read-only"):
        attempt()
    assert listing(folder) == ["target"]
    assert (folder / "target").read_text() == "old"


def test_remove_takes_files_folders_links_and_nothing(tmp_path):
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "file").write_text("kept")
    (tmp_path / "link").symlink_to(tmp_path / "kept")
    (tmp_path / "folder" / "inner").mkdir(parents=True)
    (tmp_path / "file").write_text("")
    for name in ("link", "folder", "file", "absent"):
        remove(tmp_path / name)
    assert listing(tmp_path) == ["kept", "kept/file"]


scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
contents = st.recursive(
    scalars.filter(lambda value: value not in (float("inf"), float("-inf"))),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(contents)
def test_json_comes_back_as_it_was_written_and_equal_content_gives_equal_bytes(content):
    folder = Path(os.environ.get("TMPDIR", "/tmp"))  # noqa: S108, hypothesis has no tmp_path
    path = folder / f"aepipe-json-{os.getpid()}.json"
    try:
        write_json(path, content)
        first = path.read_bytes()
        assert read_json(path) == content
        write_json(path, json.loads(first))
        assert path.read_bytes() == first
    finally:
        path.unlink()


def test_json_keeps_the_order_of_keys_and_refuses_what_is_not_json(tmp_path):
    path = tmp_path / "new" / "figures.json"
    write_json(path, {"b": 1, "a": "ä"})
    assert path.read_text(encoding="utf-8") == '{\n "b": 1,\n "a": "ä"\n}\n'
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(path, {"loss": float("nan")})


def test_reading_what_is_missing_or_damaged_says_what_to_do(tmp_path):
    with pytest.raises(ArtifactError, match=r"absent\.json: no such file; `dvc"):
        read_json(tmp_path / "absent.json")
    (tmp_path / "half.json").write_text('{"a": ')
    with pytest.raises(ArtifactError, match=r"half\.json: not JSON"):
        read_json(tmp_path / "half.json")
    (tmp_path / "bytes.json").write_bytes(b"\xff\xfe")
    with pytest.raises(ArtifactError, match=r"bytes\.json: not JSON"):
        read_json(tmp_path / "bytes.json")


@pytest.mark.parametrize("described", [{}, {"format": 2}, {"format": "1"}, [1]])
def test_a_description_of_another_format_is_refused(described, tmp_path):
    write_json(tmp_path / "model.json", described)
    with pytest.raises(ArtifactError, match=r"model.json: format .*expected 1: .*make it again"):
        read_description(tmp_path / "model.json")
