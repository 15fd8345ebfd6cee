"""Whether a registered version is what its recipe makes: restored from the cache, or rebuilt."""

import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from aepipe.errors import AepipeError, RegistryError, VerificationError
from aepipe.models.digest import model_digest
from aepipe.monitor import Monitor
from aepipe.registry.lineage import LOCK, PARAMS, Step, first_difference, read_lock
from aepipe.registry.provenance import packages
from aepipe.registry.recorded import Recorded
from aepipe.registry.weights import compare_weights
from aepipe.workspace import environment, output, prepare, remove

FOLDER = Path(".aepipe/verify")
REGISTERED = Path("artifacts/model/weights.safetensors")  # among a registered model's files


def verify_restored(root: Path, recorded: Recorded, monitor: Monitor) -> None:
    """Hold a version against what ``dvc.lock`` had recorded, brought back from cache or remote.

    Args:
        root: top folder of the repository.
        recorded: the version.
        monitor: is told what was done and found.

    Raises:
        RegistryError: its revision is not here, or neither cache nor remote has its files.
        VerificationError: the registry holds other weights.
    """
    with _workspace(root, recorded) as workspace:
        shutil.copyfile(recorded.lock, workspace / LOCK)
        _restore(workspace, recorded)
        problem = _problem(workspace, recorded)
    if problem is not None:
        raise VerificationError(
            f"{recorded.title}: the registry holds other weights than dvc.lock had recorded: "
            f"{problem}"
        )
    monitor.remark(f"{recorded.title}: restored from the cache, the weights are the same bytes")


def verify_rebuilt(root: Path, recorded: Recorded, monitor: Monitor) -> None:
    """Train a version again, from the source data and with nothing cached, and compare.

    Args:
        root: top folder of the repository.
        recorded: the version.
        monitor: is told what was done and found.

    Raises:
        RegistryError: its revision is not here.
        AepipeError: a stage failed; it has said why.
        VerificationError: other weights came out.
    """
    for line in _other_packages(recorded):
        monitor.warn(line)
    steps = recorded.steps()
    with _workspace(root, recorded) as workspace:
        (workspace / LOCK).unlink(missing_ok=True)
        own = str(workspace.resolve() / ".dvc" / "cache")  # with an empty run cache
        output(["dvc", "cache", "dir", "--local", own], workspace)
        _repro(workspace, steps[-1].stage)
        problem = _problem(workspace, recorded)
        rebuilt = read_lock(workspace / LOCK)
    stages = f"{len(steps)} stages"
    revision = recorded.tags["aepipe.git_revision"][:12]
    if problem is not None:
        since = _since(first_difference(steps, rebuilt), rebuilt)
        raise VerificationError(
            f"{recorded.title}: rebuilt from revision {revision}, {stages}: {problem}; {since}"
        )
    monitor.remark(
        f"{recorded.title}: rebuilt from revision {revision}, {stages} from the source data: the "
        "weights are the same bytes"
    )


@contextmanager
def _workspace(root: Path, recorded: Recorded) -> Iterator[Path]:
    """Lend a folder with the code of the version's revision and its params."""
    revision = recorded.tags.get("aepipe.git_revision")
    if revision is None:
        raise RegistryError(
            f"{recorded.title}: was registered outside a git repository, so there is no revision "
            "to go back to"
        )
    workspace = root / FOLDER / f"{recorded.name}-{recorded.number}"
    try:
        remove(root, workspace)  # what a killed one has left
        prepare(root, workspace, revision)
    except AepipeError as error:
        raise RegistryError(
            f"{recorded.title}: its revision can't be had; `git fetch` may bring it: {error}"
        ) from error
    try:
        shutil.copyfile(recorded.params, workspace / PARAMS)
        yield workspace
    finally:
        remove(root, workspace)


def _restore(workspace: Path, recorded: Recorded) -> None:
    """Bring the model's folder back from the cache, else from the remote."""
    try:
        output(["dvc", "checkout", "--force", recorded.folder], workspace)
    except AepipeError:
        try:
            output(["dvc", "pull", "--force", recorded.folder], workspace)
        except AepipeError as error:
            raise RegistryError(
                f"{recorded.title}: neither the cache nor a remote has {recorded.folder} as it was "
                f"({str(error).splitlines()[0]}); --rebuild trains it again"
            ) from error


def _repro(workspace: Path, stage: str) -> None:
    """Run a stage and all that it needs; nothing it writes or goes on from is outside."""
    elsewhere = ("MLFLOW_TRACKING_URI", "AEPIPE_CHECKPOINTS")
    own = {key: value for key, value in environment().items() if key not in elsewhere}
    done = subprocess.run(["dvc", "repro", stage], cwd=workspace, env=own, check=False)
    if done.returncode:
        raise AepipeError(f"stage {stage} or one that it needs failed, as it says above")


def _problem(workspace: Path, recorded: Recorded) -> str | None:
    """Say how the model in ``workspace`` differs from the registered one; None if it does not."""
    folder = workspace / recorded.folder
    made = folder / "finetuned" if recorded.tags["aepipe.kind"] == "classifier" else folder
    difference = compare_weights(recorded.files / REGISTERED, made / REGISTERED.name)
    if difference is not None:
        return difference
    if model_digest(folder) != recorded.tags["aepipe.digest"]:
        return "the weights are the same bytes, other files of the model are not"
    return None


def _since(step: Step | None, rebuilt: Mapping[str, Step]) -> str:
    """Say at which stage the rebuilt chain leaves the recorded one, and what it read."""
    if step is None:
        return "all stages came out as recorded, so the registry's files were changed since"
    others = rebuilt[step.stage].deps if step.stage in rebuilt else {}
    changed = [path for path, digest in step.deps.items() if others.get(path) != digest]
    read = (
        f"it read other {', '.join(changed)}, for files had differed from the revision"
        if changed
        else "it read the same files, so other packages or another processor did it"
    )
    return f"different since stage {step.stage}; {read}"


def _other_packages(recorded: Recorded) -> Sequence[str]:
    """Say which packages are others than those of the registration."""
    here = packages()
    then: dict[str, str] = json.loads(recorded.tags.get("aepipe.packages", "{}"))
    other = [
        f"{name} {here.get(name, 'none')} (was {v})"
        for name, v in then.items()
        if here.get(name) != v
    ]
    return [f"other packages than then: {', '.join(other)}"] if other else []
