"""What the page was made from: checksums of the models, locked versions."""

from collections.abc import Iterable
from pathlib import Path

from aepipe.errors import ArtifactError
from aepipe.models.digest import model_digest, model_files

NAMED = ("torch", "torchvision", "numpy", "scipy", "scikit-learn", "scikit-image", "dvc", "mlflow")


def digests(models: Path, names: Iterable[str]) -> dict[str, str]:
    """Give the checksum of the networks in each folder that has any."""
    folders = {name: models / name for name in names}
    return {
        name: model_digest(folder)
        for name, folder in folders.items()
        if any(path.suffix == ".safetensors" for path in model_files(folder))
    }


def versions(lock: Path) -> list[str]:
    """Read the versions of the libraries that results depend on most, as they are locked.

    Raises:
        ArtifactError: there is no lock file.
    """
    try:
        lines = lock.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        raise ArtifactError(f"{lock}: no such file; `git checkout {lock}` restores it") from None
    pinned = dict(line.split("==") for line in lines if "==" in line and not line.startswith("#"))
    return [f"{name} {pinned[name]}" for name in NAMED if name in pinned]
