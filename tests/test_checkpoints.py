"""Checkpoints on disk: whole, of this work alone, seldom, and gone in the end."""

import os
import signal
from itertools import pairwise
from pathlib import Path

import pytest

from aepipe import checkpoints
from aepipe.checkpoints import DAYS, RATIO, Store, checkpoint_folder, checkpoint_seconds
from aepipe.errors import ParamsError, StorageError
from aepipe.interruption import Interrupted


@pytest.fixture
def warned():
    return []


@pytest.fixture
def store(tmp_path, warned, monkeypatch):
    """Give the store of a key; each offer is taken."""
    monkeypatch.setattr(checkpoints, "RATIO", 0)

    def make(key: str = "ours", seconds: float = 0.0) -> Store:
        return Store(tmp_path / "all", lambda: key, warned.append, seconds)

    return make


def keep(store: Store, *contents: str, network: str = "network") -> None:
    with store.open(network) as kept:
        for content in contents:
            kept.offer(lambda path, content=content: path.write_text(content))


def found(store: Store, network: str = "network") -> list[str]:
    with store.open(network) as kept:
        return [path.read_text() for path in kept.found()]


def files(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.safetensors"))


def test_the_next_try_finds_the_newest_two_newest_first(store, tmp_path):
    first = store()
    assert found(first) == []
    keep(first, "one", "two", "three")
    assert found(store()) == ["three", "two"]
    assert len(files(tmp_path)) == 2
    assert sorted(path.name for path in (tmp_path / "all" / "ours").iterdir())[0] == "lock"


def test_numbers_go_on_where_an_earlier_try_stopped(store):
    first, second = store(), store()
    keep(first, "one")
    keep(second, "two")
    assert found(second) == ["two", "one"]


def test_networks_and_keys_do_not_see_each_other(store):
    first = store()
    keep(first, "one")
    keep(first, "other", network="control_network")
    assert found(first) == ["one"]
    assert found(first, "control_network") == ["other"]
    assert found(store("theirs")) == []


@pytest.mark.parametrize("damage", ["truncated", "changed", "empty"])
def test_a_damaged_one_is_named_and_the_one_before_is_used(damage, store, tmp_path, warned):
    first = store()
    keep(first, "one", "two")
    newest = files(tmp_path)[-1]
    newest.write_text({"truncated": "tw", "changed": "twO", "empty": ""}[damage])
    assert found(store()) == ["one"]
    (line,) = warned
    assert line == f"{newest}: damaged, or a checkpoint of other work; it is not used"


def test_one_that_was_copied_from_other_work_is_not_used(store, tmp_path, warned):
    """Nor one of another network, nor an old one under a newer number."""
    theirs, ours = store("theirs"), store()
    keep(theirs, "theirs")
    keep(ours, "ours")
    (foreign,) = files(tmp_path / "all" / "theirs")
    home = tmp_path / "all" / "ours"
    number, checksum = foreign.name.split(".")[1:3]
    for name in (foreign.name, f"network.000009.{checksum}.safetensors"):
        (home / name).write_bytes(foreign.read_bytes())
    (home / f"control.{number}.{checksum}.safetensors").write_bytes(foreign.read_bytes())
    assert found(ours) == ["ours"]
    assert len(warned) == 2
    assert found(ours, "control") == []
    assert len(warned) == 3


def test_success_removes_all_of_this_work_and_nothing_of_other(store, tmp_path):
    ours, theirs = store(), store("theirs")
    keep(theirs, "theirs")
    keep(ours, "one")
    ours.remove()
    ours.remove()  # a stage without checkpoints does the same
    assert [path.name for path in (tmp_path / "all").iterdir()] == ["theirs"]


def test_a_second_process_at_the_same_work_leaves_them_alone(store, warned):
    first, second = store(), store()
    with first.open("network") as kept:
        kept.offer(lambda path: path.write_text("one"))
        assert found(second) == []
        keep(second, "two")
        second.remove()
        assert [path.read_text() for path in kept.found()] == ["one"]
    assert all("another process is at the same work" in line for line in warned)
    assert len(warned) == 2  # once for each network that is trained


def test_nothing_is_written_before_its_time_nor_is_the_key_asked_for(tmp_path, monkeypatch):
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])

    def unasked() -> str:
        raise AssertionError("the key of a stage that wrote no checkpoint")

    with Store(tmp_path / "all", unasked, print, seconds=30.0).open("network") as kept:
        assert list(kept.found()) == []
        now[0] = 29.9
        kept.offer(lambda path: path.write_text("early"))
    assert not (tmp_path / "all").exists()


def test_writing_takes_a_bounded_share_of_the_time(tmp_path, monkeypatch, warned):
    now, at = [0.0], []
    monkeypatch.setattr("time.monotonic", lambda: now[0])

    def write(path: Path) -> None:
        at.append(now[0])
        now[0] += 2.0  # seconds that it takes
        path.write_text("content")

    with Store(tmp_path, lambda: "key", warned.append, seconds=30.0).open("network") as kept:
        while now[0] < 1000:
            now[0] += 1.0
            kept.offer(write)
    assert at[0] == 30.0
    assert {b - a for a, b in pairwise(at)} == {2.0 * RATIO + 2.0}
    assert 2.0 * len(at) / now[0] < 0.021


def test_a_disk_that_refuses_is_told_once_and_stops_nothing(store, tmp_path, warned):
    (tmp_path / "all").write_text("a file where the folder should be")
    keep(store(), "one", "two")
    (line,) = warned
    assert line.startswith("no checkpoint could be written: ")
    assert str(tmp_path / "all") in line


def test_a_disk_that_is_full_for_a_while_keeps_what_there_was(store, warned, tmp_path):
    def full(path: Path) -> None:
        path.write_text("ha")
        raise StorageError("no space left")

    ours = store()
    keep(ours, "one")
    with ours.open("network") as kept:
        kept.offer(full)
        kept.offer(full)
    assert warned == ["no checkpoint could be written: no space left"]
    assert not list(tmp_path.rglob("*.partial"))
    keep(ours, "two")
    assert found(ours) == ["two", "one"]


def test_a_folder_that_somebody_removed_is_made_again(store, tmp_path):
    ours = store()
    keep(ours, "one")
    ours.remove()
    keep(ours, "two")
    assert found(ours) == ["two"]
    for path in (tmp_path / "all" / "ours").iterdir():
        path.unlink()
    (tmp_path / "all" / "ours").rmdir()
    keep(ours, "three")
    assert found(ours) == ["three"]


def test_old_ones_of_other_work_go_unless_somebody_is_at_it(store, tmp_path):
    busy = store("busy")
    for each in (store("old"), store("young"), busy):
        keep(each, "content")
    long_ago = tmp_path.stat().st_mtime - (DAYS + 1) * 86400
    with busy.open("network") as kept:
        list(kept.found())
        for name in ("old", "busy"):
            os.utime(tmp_path / "all" / name, (long_ago, long_ago))
        keep(store(), "one")
    left = {path.name for path in (tmp_path / "all").iterdir()}
    assert left == {"ours", "busy", "young"}


def keep_under_signal(store: Store) -> None:
    with store.open("network") as kept:
        signal.raise_signal(signal.SIGTERM)
        kept.offer(lambda path: path.write_text("one"))


def test_a_signal_is_answered_by_a_checkpoint_and_the_way_to_go_on(store, tmp_path):
    ours = store(seconds=1e9)
    with pytest.raises(Interrupted, match=r"ended by SIGTERM; .* goes on from") as caught:
        keep_under_signal(ours)
    assert caught.value.exit_code == 143
    assert str(tmp_path / "all" / "ours") in str(caught.value)
    assert found(ours) == ["one"]


def test_a_signal_that_finds_no_disk_ends_the_process_all_the_same(store, tmp_path):
    (tmp_path / "all").write_text("a file where the folder should be")
    with pytest.raises(Interrupted, match=r"starts again$"):
        keep_under_signal(store())


def test_place_and_interval_are_the_environments(monkeypatch):
    for name in ("AEPIPE_CHECKPOINTS", "AEPIPE_CHECKPOINT_SECONDS"):
        monkeypatch.delenv(name, raising=False)
    assert checkpoint_folder() == Path(".aepipe/checkpoints")
    assert checkpoint_seconds() == checkpoints.SECONDS
    monkeypatch.setenv("AEPIPE_CHECKPOINTS", "/shared/checkpoints")
    monkeypatch.setenv("AEPIPE_CHECKPOINT_SECONDS", "0.5")
    assert checkpoint_folder() == Path("/shared/checkpoints")
    assert checkpoint_seconds() == 0.5


@pytest.mark.parametrize("text", ["often", "-1", "nan"])
def test_an_interval_that_is_none_is_a_users_mistake(text, monkeypatch):
    monkeypatch.setenv("AEPIPE_CHECKPOINT_SECONDS", text)
    with pytest.raises(ParamsError, match=f"AEPIPE_CHECKPOINT_SECONDS={text}: expected a number"):
        checkpoint_seconds()
