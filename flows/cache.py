"""Taking what has been computed before, here or elsewhere, and giving others what was computed.

DVC's cache holds data, and beside it the run cache: for each command with the checksums of all that
it reads, the checksums of what it wrote. Both are exchanged with a remote. ``dvc push --run-cache``
and its like copy the whole run cache each time; here only the entries of the stages in hand travel,
so that the cost of a stage doesn't grow with the number of runs that a team has ever made.
"""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path

from dvc.cli import main
from dvc.config import RemoteConfigError
from dvc.dependency.base import DependencyDoesNotExistError
from dvc.dvcfile import LOCK_FILE, PROJECT_FILE, Lockfile, load_file
from dvc.fs import generic
from dvc.repo import Repo, lock_repo
from dvc.stage import PipelineStage
from dvc.stage.cache import RunCacheNotFoundError, _can_hash, _get_stage_hash
from dvc_objects.db import ObjectDB

from aepipe.errors import AepipeError, StorageError
from flows.graph import Graph, repository
from flows.order import Remote
from flows.outcome import Did


def take(graph: Graph, settled: Collection[str], remote: Remote | None = None) -> dict[str, Did]:
    """Settle each stage that needn't run, as ``dvc repro`` would; never run one.

    The folder of ``dvc.yaml`` is the present one, on which DVC's run cache insists.

    Args:
        graph: the stages to settle; those that need others wait until these are settled.
        settled: what is up to date already.
        remote: to ask too.

    Returns:
        The stages that are up to date now: ``unchanged``, or ``from cache``.

    Raises:
        AepipeError: DVC refuses, or the remote can't be reached.
    """
    taken: dict[str, Did] = {}
    restored: list[PipelineStage] = []
    url = remote.url if remote else None
    with repository(Path(), url) as opened, lock_repo(opened):
        stages = load_file(opened, PROJECT_FILE).stages  # each access makes a new one
        for name, needs in graph.needs.items():
            if name in settled or not needs <= {*settled, *taken}:
                continue
            stage = stages[name]
            if not stage.changed():
                taken[name] = "unchanged"
                continue
            if remote:
                _fetch(opened, stages[name], tuple(graph.inputs.get(name, {})))
            if _restore(opened, stage, pull=remote is not None):
                taken[name] = "from cache"
                restored.append(stage)
        # once for all of them: DVC reads and writes the whole file each time
        Lockfile(opened, LOCK_FILE).dump_stages(restored)
    return taken


def reproduce(stage: str) -> int:
    """Do what ``dvc repro --single-item STAGE`` does in the present folder; give its exit code."""
    return int(main(["--wait-for-lock", "repro", "--single-item", stage]))


def pull_data(paths: Sequence[str], remote: Remote) -> None:
    """Bring ``paths``, from the present folder, to what ``dvc.lock`` says, whatever lies there.

    Raises:
        AepipeError: the remote hasn't got them, or can't be reached.
    """
    if paths:
        with repository(Path(), remote.url) as opened, _refusals():
            opened.pull(list(paths), force=True)


def push(stages: Collection[str], remote: Remote) -> None:
    """Give the remote the outputs of ``stages``, and then the entries that lead to them.

    Raises:
        AepipeError: the remote can't be reached, or refuses.
    """
    if not stages:
        return
    with repository(Path(), remote.url) as opened, lock_repo(opened), _refusals():
        opened.push(targets=list(stages))
        run_cache = _run_cache(opened)
        loaded = load_file(opened, PROJECT_FILE).stages
        for stage in (loaded[name] for name in stages):
            if _can_hash(stage):
                _copy_entries(opened.cache.legacy, run_cache, _get_stage_hash(stage))


def _restore(opened: Repo, stage: PipelineStage, pull: bool) -> bool:
    """Bring a stage's outputs from the cache, if it has them."""
    try:
        stage.remove_outs(ignore_remove=False, force=False)
        with _refusals() if pull else nullcontext():
            opened.stage_cache.restore(stage, pull=pull)
    except (RunCacheNotFoundError, DependencyDoesNotExistError):
        return False  # it has to run; where something is missing that it reads, it says so itself
    stage.save()
    stage.commit()
    return True


def _fetch(opened: Repo, stage: PipelineStage, inputs: Sequence[str]) -> None:
    """Bring what the remote's run cache knows of a stage with its present inputs.

    Args:
        opened: the repository.
        stage: not to be used again, since it then knows its inputs instead of the lock file.
        inputs: paths that it reads of what other stages write.
    """
    with _refusals():
        missing = [path for path in inputs if not Path(path).exists()]
        if missing:
            opened.pull(missing)
        with suppress(DependencyDoesNotExistError):
            stage.save_deps()
            if _can_hash(stage):
                _copy_entries(_run_cache(opened), opened.cache.legacy, _get_stage_hash(stage))


def _run_cache(opened: Repo) -> ObjectDB:
    # DVC keeps the run cache where caches were before its third version
    remote: ObjectDB = opened.cloud.get_remote_odb(None, "run cache", hash_name="md5-dos2unix")
    return remote


def _copy_entries(source: ObjectDB, target: ObjectDB, key: str) -> None:
    """Copy the entries of ``key``, which is one folder of a run cache, that ``target`` lacks."""
    folder = source.fs.join(source.path, "runs", key[:2], key)
    if not source.fs.exists(folder):
        return
    for entry in source.fs.find(folder):
        copy = target.fs.join(target.path, "runs", key[:2], key, source.fs.name(entry))
        if not target.fs.exists(copy):
            generic.copy(source.fs, entry, target.fs, copy)


@contextmanager
def _refusals() -> Iterator[None]:
    """Turn what DVC and the many kinds of remotes raise when they can't be reached into a line.

    Raises:
        StorageError: instead of it.
        AepipeError: there is no remote.
    """
    try:
        yield
    except (RunCacheNotFoundError, DependencyDoesNotExistError):
        raise  # the remote has answered
    except RemoteConfigError as error:
        raise AepipeError(
            f"DVC has no remote ({error}), through which machines exchange what they compute; "
            "`dvc remote add --default NAME URL` declares one, or name its URL for this run"
        ) from None
    except Exception as error:
        line = " ".join(str(error).split()) or type(error).__name__
        raise StorageError(f"the DVC remote refused or could not be reached: {line}") from error
