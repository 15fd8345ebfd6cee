"""Bytes that have turned on the disk, under a DVC that does not look."""

import json
import subprocess
import sys
from hashlib import md5
from pathlib import Path

import pytest

from aepipe.errors import ArtifactError
from aepipe.intact import heal, objects, require_intact
from tests.flows.conftest import make_toy

OBJECTS = Path(".dvc/cache/files/md5")


def stored(content: bytes, suffix: str = "") -> tuple[str, Path]:
    digest = md5(content, usedforsecurity=False).hexdigest()
    path = OBJECTS / digest[:2] / f"{digest[2:]}{suffix}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return f"{digest}{suffix}", path


@pytest.fixture
def pipeline(tmp_path, monkeypatch):
    """Two outputs, a file and a folder of two, as DVC has linked them."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DVC_STAGE", "vae")
    outs, listing = [], []
    for name in ("one", "two"):
        digest, path = stored(name.encode())
        Path("folder").mkdir(exist_ok=True)
        Path("folder", name).hardlink_to(path)
        listing.append({"md5": digest, "relpath": name})
    outs.append(("folder", stored(json.dumps(listing).encode(), ".dir")[0]))
    digest, path = stored(b"single")
    Path("single").hardlink_to(path)
    outs.append(("single", digest))
    lines = "".join(f"    - path: {path}\n      md5: {digest}\n" for path, digest in outs)
    Path("dvc.lock").write_text(f"schema: '2.0'\nstages:\n  ingest:\n    outs:\n{lines}")


def spoil(path: str) -> None:
    with Path(path).open("r+b") as file:
        file.write(b"X")


def everything():
    return sorted(str(path) for path in Path().rglob("*") if path.is_file())


def test_what_is_sound_is_left_alone(pipeline):
    before = everything()
    require_intact([Path("folder"), Path("single")])
    assert heal() == ["4 of 4 files in DVC's cache are sound"]
    assert everything() == before


def test_a_stage_does_not_begin_with_a_damaged_input_and_removes_it(pipeline):
    spoil("folder/two")  # and the cache, which has the same bytes
    require_intact([Path("single"), Path("fold")])
    with pytest.raises(
        ArtifactError, match=r"folder/two: 1 damaged .* same command makes it again"
    ):
        require_intact([Path("folder")])
    assert not Path("folder/two").exists()
    assert heal() == ["3 of 3 files in DVC's cache are sound"]
    require_intact([Path("folder")])


def test_what_somebody_has_edited_is_theirs(pipeline):
    Path("single").unlink()
    Path("single").write_bytes(b"another")
    require_intact([Path("single")])
    assert Path("single").read_bytes() == b"another"


def test_without_dvc_nothing_is_compared(pipeline, monkeypatch):
    monkeypatch.delenv("DVC_STAGE")
    spoil("single")
    require_intact([Path("single")])
    assert Path("single").exists()


def test_healing_finds_what_no_stage_reads(pipeline):
    spoil("folder/one")
    spoil("single")
    lines = heal()
    assert lines[0].startswith("folder/one: damaged")
    assert lines[-2:] == [
        "2 of 4 files in DVC's cache are sound", "`dvc repro` makes again what was removed",
    ]  # fmt: skip
    assert not Path("single").exists()


def test_a_damaged_listing_is_removed_too(pipeline):
    (listing,) = OBJECTS.rglob("*.dir")
    spoil(str(listing))
    assert any(".dir: damaged" in line for line in heal())
    assert not listing.exists()


@pytest.mark.parametrize("lock", ["", "stages:", "stages: [a]", "schema: '2.0'", "a: [", "- 1"])
def test_a_lock_that_is_half_written_says_nothing(pipeline, lock):
    Path("dvc.lock").write_text(lock)
    spoil("single")
    require_intact([Path("single")])


@pytest.mark.parametrize("place", ["../elsewhere", "/absolute/cache"])
def test_a_cache_that_lies_elsewhere_is_found(pipeline, place):
    Path(".dvc/config").write_text("[core]\n    analytics = false\n[cache]\n    dir = cache\n")
    assert objects() == OBJECTS
    Path(".dvc/config.local").write_text(
        f"[cache]\n    dir = {place}\n['remote \"a\"']\n    url = x\n"
    )
    assert objects() == Path(".dvc") / place / "files" / "md5"


@pytest.mark.pipeline
@pytest.mark.filterwarnings("ignore:_NoneStep.value:DeprecationWarning")
def test_dvc_restores_what_has_rotted_without_a_look_and_makes_it_again_once_healed(
    tmp_path, monkeypatch
):
    root = make_toy(tmp_path / "toy")
    monkeypatch.chdir(root)

    def dvc(*words: str) -> str:
        command = [sys.executable, "-m", "dvc", *words]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    dvc("repro")
    before = {name: Path(name).read_bytes() for name in ("total", "side", "dvc.lock")}
    path = OBJECTS / _digest("side")[:2] / _digest("side")[2:]
    for each in (path, Path("side")):
        each.unlink()
    path.write_bytes(b"X\n")
    path.chmod(0o444)
    dvc("checkout")
    assert Path("side").read_bytes() == b"X\n", "once DVC looks, this module can go"

    assert any(line.startswith("side: damaged") for line in heal())
    said = dvc("repro")
    assert "Running stage 'source'" in said, "which has the same bytes, and so the same object"
    assert {name: Path(name).read_bytes() for name in before} == before
    assert heal()[0].endswith("are sound")


def _digest(out: str) -> str:
    lines = Path("dvc.lock").read_text().splitlines()
    return lines[lines.index(f"    - path: {out}") + 2].split()[-1]
