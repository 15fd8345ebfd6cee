import io
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from aepipe.files import lock
from aepipe.tracking import journal
from aepipe.tracking.journal import PENDING, Journal, open_journal
from aepipe.tracking.send import read_lines


def written(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture
def no_sender(monkeypatch):
    """A sender that does nothing and ends at once, as where MLflow is away."""

    class Away:
        def __init__(self, path, file):
            self.path = path

        def trouble(self):
            return "away"

        def wake(self):
            pass

        def finish(self):
            return "away"

    monkeypatch.setattr(journal, "Sender", Away)


def test_lines_wait_for_the_header_but_the_stage_does_not(no_sender):
    def slow_header():
        time.sleep(0.5)
        return {"what": "run", "key": "k"}

    started = time.monotonic()
    kept = Journal(slow_header)
    for step in range(1000):
        kept.put({"what": "figures", "step": step})
    assert time.monotonic() - started < 0.25
    assert kept.close({"what": "end"}) == "away"
    lines = written(PENDING / "k.jsonl")
    assert [line["what"] for line in lines] == ["run", *["figures"] * 1000, "end"]
    assert [line["step"] for line in lines[1:-1]] == list(range(1000))


def test_one_that_is_left_has_its_last_line_and_waits_for_no_sender(no_sender, monkeypatch):
    monkeypatch.setattr(journal.Sender, "finish", None)
    Journal(lambda: {"what": "run", "key": "k"}).leave({"what": "end"})
    assert [line["what"] for line in written(PENDING / "k.jsonl")] == ["run", "end"]


def test_a_killed_run_is_added_to_without_its_torn_last_line(no_sender):
    PENDING.mkdir(parents=True)
    (PENDING / "k.jsonl").write_text('{"what": "run"}\n{"what": "figures", "st')
    Journal(lambda: {"what": "run", "key": "k"}).close({"what": "end"})
    assert [line["what"] for line in written(PENDING / "k.jsonl")] == ["run", "run", "end"]


def test_two_writers_of_one_key_do_not_share_a_file(monkeypatch):
    monkeypatch.setattr(journal, "LOCK_SECONDS", 0.2)
    with open_journal("k") as (first, _), open_journal("k") as (second, _):
        assert first != second
    assert {first, second} == set(PENDING.glob("k*.jsonl"))


def test_the_lock_outlives_neither_the_file_nor_a_killed_process():
    PENDING.mkdir(parents=True)
    path = PENDING / "k.jsonl"
    path.touch()
    holder = (
        "import fcntl, sys, time; file = open(sys.argv[1]); fcntl.flock(file, fcntl.LOCK_EX); "
        "print(flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", holder, str(path)]
    with (
        path.open("rb") as file,
        subprocess.Popen(command, stdout=subprocess.PIPE) as process,
    ):
        process.stdout.readline()
        assert not lock(file, path)
        process.kill()
        process.wait()
        assert lock(file, path)
        path.unlink()
        assert not lock(file, path)  # what is locked is no longer what has that name


def test_a_disk_that_refuses_is_reported_and_stops_nothing(no_sender, alone):
    (alone / "mlruns").write_text("a file where the folder should be")
    kept = Journal(lambda: {"what": "run", "key": "k"})
    kept.put({"what": "figures"})
    assert "mlruns" in kept.close({"what": "end"})


def test_reading_gives_each_whole_line_once_and_a_torn_one_later():
    file = io.BytesIO()
    file.write(b'{"a": 1}\n{"a": 2}\n{"a"')
    file.seek(0)
    assert read_lines(file) == [{"a": 1}, {"a": 2}]
    assert read_lines(file) == []
    end = file.tell()
    file.seek(0, io.SEEK_END)
    file.write(b": 3}\n")
    file.seek(end)
    assert read_lines(file) == [{"a": 3}]
