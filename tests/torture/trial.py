"""One trial: disturb a run, run again, and hold the end against that of an undisturbed run."""

import hashlib
import re
import sqlite3
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from random import Random
from typing import Any

from tests.torture.faults import FAULTS
from tests.torture.ground import (
    DATABASE,
    OBJECTS,
    Ground,
    checksums,
    objects,
    read_lock,
    registered,
)
from tests.torture.runs import DVC, PATIENCE, Trial

AGAIN = 2  # runs that it may take; the first may meet what the disturbed one has left behind
STAGES = 3  # that are forgotten, at most


@dataclass(frozen=True)
class Result:
    """What came of a trial.

    Attributes:
        struck: whether the fault came before the work was done.
        runs: that it took afterwards; 0 where none succeeded.
        differences: from what an undisturbed run leaves; each in a line.
        said: the last lines of the runs, where something is wrong.
    """

    fault: str
    seed: int
    forgotten: tuple[str, ...]
    struck: bool
    runs: int
    differences: tuple[str, ...]
    seconds: float
    said: str

    @property
    def recovered(self) -> bool:
        return self.runs > 0 and not self.differences

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def attempt(ground: Ground, fault: str, seed: int) -> Result:
    """Disturb one run and mend it by running again, without anything in between."""
    started = time.monotonic()
    chance = Random(f"{fault} {seed}")  # noqa: S311
    forgotten = choose(ground.needs, FAULTS[fault].victims, chance)
    ground.reset(forgotten)
    log = ground.folder / "disturbed.log"
    log.write_text("")
    trial = Trial(ground, chance, forgotten)
    struck = FAULTS[fault].disturb(trial)
    if fault == "corrupt-cache":
        ground.run(sys.executable, "-m", "aepipe", "heal")  # as the docs say
    runs, said = recover(ground)
    trial.settle()
    found = differences(ground, forgotten) if runs else ["no run succeeded"]
    disturbed = log.read_text(errors="replace")
    if "Traceback" in disturbed and fault not in FAULTS_WITH_TRACEBACK:
        found = [*found, "a traceback of the disturbed run"]
    return Result(
        fault, seed, forgotten, struck, runs, tuple(found), round(time.monotonic() - started, 1),
        f"{disturbed[-3000:]}\n---\n{said[-3000:]}" if found or not runs else "",
    )  # fmt: skip


# A limit of the address space strikes anywhere, in Python's and torch's own start too.
FAULTS_WITH_TRACEBACK = {"limit-memory", "interrupt", "kill-flow"}


def choose(
    needs: Mapping[str, frozenset[str]], victims: Sequence[str], chance: Random
) -> tuple[str, ...]:
    """Choose a stage and a chain of what needs it, one the other."""
    chain = [chance.choice(victims or [*needs])]
    for _ in range(chance.randrange(STAGES)):
        after = [stage for stage, its in needs.items() if chain[-1] in its]
        if not after:
            break
        chain.append(chance.choice(after))
    return tuple(chain)


def recover(ground: Ground) -> tuple[int, str]:
    """Run the whole graph until it succeeds; give how often that took, or 0, and what was said."""
    said = ""
    for number in range(1, AGAIN + 1):
        done = subprocess.run(
            DVC, cwd=ground.clone, env=ground.environment, capture_output=True, text=True,
            timeout=PATIENCE, check=False,
        )  # fmt: skip
        said += done.stdout + done.stderr
        if done.returncode == 0:
            return number, said
    return 0, said


def differences(ground: Ground, forgotten: Sequence[str]) -> list[str]:
    """Give everything that is not as an undisturbed run leaves it."""
    clone = ground.clone
    lock = read_lock(clone)
    found = [
        f"dvc.lock: {stage}"
        for stage in {**lock, **ground.lock}
        if lock.get(stage) != ground.lock.get(stage)
    ]
    made = checksums(clone)
    found += [
        path for path in {**made, **ground.outputs} if made.get(path) != ground.outputs.get(path)
    ]
    found += [f"left behind: {path.name}" for path in clone.rglob("*.partial")]
    found += [f"left behind: {path}" for path in clone.glob(".aepipe/checkpoints/*")]
    found += unsound_objects(ground)
    found += unsound_registry(ground, forgotten)
    return found


def unsound_objects(ground: Ground) -> list[str]:
    """Find what is missing in the cache, and what is not what its name says."""
    folder = ground.clone / OBJECTS
    there = {
        path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()
    }
    proper = {
        name: path for name, path in there.items() if re.fullmatch(r"..\/\w{30}(\.dir)?", name)
    }
    wrong = [
        name
        for name, path in proper.items()
        if hashlib.md5(path.read_bytes()).hexdigest() != name.replace("/", "").removesuffix(".dir")  # noqa: S324
    ]
    missing = objects(ground.clone, ground.lock) - set(proper) if not wrong else set()
    return [*(f"cache: {name} is damaged" for name in wrong),
            *(f"cache: {name} is missing" for name in sorted(missing))]  # fmt: skip


def unsound_registry(ground: Ground, forgotten: Sequence[str]) -> list[str]:
    """Find a damaged database, versions too many or too few, and runs that never end."""
    with closing(sqlite3.connect(ground.clone / DATABASE)) as connection:
        state = connection.execute("pragma integrity_check").fetchone()[0]
        open_runs = connection.execute("select name from runs where status = 'RUNNING'").fetchall()
    found = [] if state == "ok" else [f"database: {state}"]
    found += [f"run of {name} never ended" for (name,) in open_runs]
    versions = registered(ground.clone)
    if versions != ground.registered:
        found.append(f"registered: {sorted(versions)}")
    return found
