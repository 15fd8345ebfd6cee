"""Which bytes a trained model is; without torch, so that asking is cheap."""

from pathlib import Path

from aepipe.errors import ArtifactError
from aepipe.files import digest_files

MODEL_FILES = ("model.json", "weights.safetensors")


def model_files(folder: Path) -> list[Path]:
    """Give the files of ``folder``, at any depth, from which its networks are built."""
    return sorted(path for name in MODEL_FILES for path in folder.rglob(name))


def model_digest(folder: Path) -> str:
    """Give one checksum of all networks in ``folder``; histories and codes are not part of it.

    Raises:
        ArtifactError: there is no network.
    """
    files = model_files(folder)
    if not files:
        raise ArtifactError(f"{folder}: holds no model; `dvc checkout` or `dvc repro` makes it")
    return digest_files(folder, files)
