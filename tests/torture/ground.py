"""A small pipeline to break: the real dvc.yaml and code, with params that take seconds.

It is run once, undisturbed, and kept as a snapshot. Each trial begins with the snapshot at the same
path, since MLflow stores absolute ones, and with some stages forgotten as if they had never run.
"""

import hashlib
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from aepipe.files import digest_files
from flows.graph import read_graph
from tests.test_pipeline import edit_params, make_clone, shorten

OUTPUTS = ("data/dataset", "data/corrupted", "models", "reports")
OBJECTS = Path(".dvc/cache/files/md5")
DATABASE = Path("mlruns/mlflow.db")
UNNEEDED = ("benchmarks", "docs", "examples", "experiments", "tests")
OWN = ("MLFLOW_", "PREFECT_", "AEPIPE_", "DVC_", "OMP_")


@dataclass(frozen=True)
class Ground:
    """A clone that can be brought back to where it has run undisturbed.

    Attributes:
        folder: holds the clone, its snapshot, MLflow's database before the first run, and what
            tools of ours would otherwise keep for the whole machine.
    """

    folder: Path

    @property
    def clone(self) -> Path:
        return self.folder / "clone"

    @property
    def snapshot(self) -> Path:
        return self.folder / "snapshot"

    @cached_property
    def environment(self) -> dict[str, str]:
        """Where nothing of the machine's own set-up is seen, and checkpoints are frequent."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith(OWN)}
        return kept | {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "DVC_NO_ANALYTICS": "1",
            "DVC_SITE_CACHE_DIR": str(self.folder / "site"),
            "DO_NOT_TRACK": "true",
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "PREFECT_HOME": str(self.folder / "prefect"),
            "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "600",
            "AEPIPE_DEVICE": "cpu",
            "AEPIPE_CHECKPOINT_SECONDS": "0.1",
            "OMP_NUM_THREADS": "1",
        }

    @cached_property
    def lock(self) -> dict[str, Any]:
        """The stages of the undisturbed run's ``dvc.lock``."""
        return read_lock(self.snapshot)

    @cached_property
    def outputs(self) -> dict[str, str]:
        """The checksum of each file that the undisturbed run made."""
        return checksums(self.snapshot)

    @cached_property
    def registered(self) -> set[tuple[str, ...]]:
        """What the undisturbed run registered."""
        return registered(self.snapshot)

    @cached_property
    def needs(self) -> dict[str, frozenset[str]]:
        """For each stage the stages that it needs, in an order that can run."""
        return read_graph(self.snapshot).needs

    def make(self) -> None:
        """Run the pipeline undisturbed, unless that has been done with this very code."""
        digest = code_digest()
        stamp = self.folder / "digest"
        if stamp.is_file() and stamp.read_text() == digest:
            return
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        make_clone(self.clone)
        for name in UNNEEDED:  # few files, for all of them are copied for each trial
            shutil.rmtree(self.clone / name)
        edit_params(self.clone, tiny)
        commit(self.clone)
        ask = "from aepipe.tracking.server import connect, experiment_id as make\n"
        self.run(sys.executable, "-c", f"{ask}make(connect(), 'aepipe')")
        shutil.copytree(self.clone / "mlruns", self.folder / "mlruns")
        self.run("dvc", "repro", "--quiet")
        shutil.copytree(self.clone, self.snapshot, symlinks=True)
        stamp.write_text(digest)

    def run(self, *command: str) -> None:
        """Run something in the clone that has to succeed."""
        done = subprocess.run(
            command, cwd=self.clone, env=self.environment, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{command}: {done.stdout[-2000:]}{done.stderr[-3000:]}"

    def reset(self, forgotten: Collection[str]) -> None:
        """Bring the clone back, as if the stages ``forgotten`` had never run, here or elsewhere."""
        self.clone.mkdir(exist_ok=True)  # its own folder stays, for it may be mounted
        for path in self.clone.iterdir():
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        subprocess.run(["cp", "-a", f"{self.snapshot}/.", self.clone], check=True)
        lock = read_lock(self.clone)
        for stage in forgotten:
            for out in outs({stage: lock[stage]}):
                path = self.clone / out
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        kept = {stage: entry for stage, entry in lock.items() if stage not in forgotten}
        write_lock(self.clone, kept)
        needed = objects(self.clone, kept)
        for path in self._objects():
            if path.relative_to(self.clone / OBJECTS).as_posix() not in needed:
                path.unlink()
        shutil.rmtree(self.clone / ".dvc/cache/runs")
        if "register" in forgotten:
            shutil.rmtree(self.clone / "mlruns")
            shutil.copytree(self.folder / "mlruns", self.clone / "mlruns")
        else:  # what was trained before is known there, and would not be logged again
            edit_runs(self.clone)

    def _objects(self) -> list[Path]:
        return [path for path in (self.clone / OBJECTS).rglob("*") if path.is_file()]


def tiny(raw: Any) -> None:
    """Leave one of each stage, with trainings of about a second."""
    shorten(raw)
    layers = raw["stack"]["layers"]
    del layers["third"]
    layers["first"]["units"], layers["second"]["units"] = 32, 8
    raw["models"] = {}
    kept = ("raw", "pca", "stack", "classifier", "vae")
    representations = raw["evaluate"]["representations"]
    raw["evaluate"]["representations"] = {name: representations[name] for name in kept}
    raw["evaluate"]["probes"] = {"linear": {"inverse_penalties": [1.0]}, "rows": 200}
    raw["evaluate"]["further"] = {}
    raw["appraise"]["samples"] = 50
    raw["vae"]["widths"] = [32]
    raw["registry"]["gates"] = {}
    for section in [*layers.values(), raw["unroll"], raw["finetune"], raw["vae"]]:
        section["training"].update(epochs=15, batch_size=32)


def commit(clone: Path) -> None:
    who = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
    for words in (["commit", "--quiet", "--all", "--amend", "-m", "tiny"],
                  ["reflog", "expire", "--expire=now", "--all"],
                  ["gc", "--quiet", "--prune=now"]):  # fmt: skip
        subprocess.run(["git", *who, *words], cwd=clone, check=True)


def code_digest() -> str:
    """Give one checksum of all that the undisturbed run follows from."""
    root = Path(__file__).parents[2]
    files = [path for name in ("aepipe", "flows") for path in (root / name).rglob("*.py")]
    own = [root / name for name in ("dvc.yaml", "params.yaml", "requirements.lock")]
    return digest_files(root, [*files, *own, *Path(__file__).parent.glob("ground.py")])


def read_lock(clone: Path) -> dict[str, Any]:
    """Give the stages of ``dvc.lock``; none where it is not there."""
    path = clone / "dvc.lock"
    return dict(YAML(typ="safe").load(path)["stages"]) if path.exists() else {}


def write_lock(clone: Path, stages: Mapping[str, Any]) -> None:
    path = clone / "dvc.lock"
    path.unlink()
    if stages:
        with path.open("w") as file:
            YAML(typ="safe").dump({"schema": "2.0", "stages": dict(stages)}, file)


def outs(stages: Mapping[str, Any]) -> dict[str, str]:
    """Give the paths that stages write, each with DVC's checksum."""
    return {out["path"]: out["md5"] for entry in stages.values() for out in entry.get("outs", [])}


def objects(clone: Path, stages: Mapping[str, Any]) -> set[str]:
    """Give the names of all cached objects that belong to the outputs of ``stages``."""
    found = set()
    for digest in outs(stages).values():
        name = f"{digest[:2]}/{digest[2:]}"
        found.add(name)
        if digest.endswith(".dir"):
            listed = YAML(typ="safe").load((clone / OBJECTS / name).read_text())
            found |= {f"{each['md5'][:2]}/{each['md5'][2:]}" for each in listed}
    return found


def checksums(clone: Path) -> dict[str, str]:
    """Give the checksum of every file of the outputs, by path."""
    files = (path for name in OUTPUTS for path in (clone / name).rglob("*") if path.is_file())
    ours = (path for path in files if path.name not in {".gitignore", "README.md"})
    return {
        str(path.relative_to(clone)): hashlib.sha256(path.read_bytes()).hexdigest() for path in ours
    }


def registered(clone: Path) -> set[tuple[str, ...]]:
    """Give name, digest and aliases of each registered version, read without MLflow."""
    ask = """
        select v.name, t.value, coalesce((
            select group_concat(a.alias) from registered_model_aliases a
            where a.name = v.name and a.version = v.version), '')
        from model_versions v
        join model_version_tags t on t.name = v.name and t.version = v.version
        where t.key = 'aepipe.digest'"""
    with sqlite3.connect(clone / DATABASE) as connection:
        return set(connection.execute(ask).fetchall())


def edit_runs(clone: Path) -> None:
    """Let the runs of the undisturbed pipeline be of other work, so that new ones are made."""
    with sqlite3.connect(clone / DATABASE) as connection:
        connection.execute("update tags set value = value || '-before' where key = 'aepipe.key'")


def wait_until(condition: Any, seconds: float) -> bool:
    """Wait until ``condition`` holds, and say whether it does."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
