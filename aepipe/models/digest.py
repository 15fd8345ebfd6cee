"""Which bytes a trained model is; without torch, so that asking is cheap."""

from pathlib import Path

from aepipe.errors import ArtifactError
from aepipe.files import digest_files
from aepipe.models.repeats import is_repeat

MODEL_FILES = ("model.json", "weights.safetensors")


def model_files(folder: Path) -> list[Path]:
    """Give the files of ``folder``, at any depth, from which its networks are built.

    Further trainings (:mod:`aepipe.models.repeats`) are not part of the model.
    """
    found = sorted(path for name in MODEL_FILES for path in folder.rglob(name))
    return [path for path in found if not is_repeat(path, folder)]


def model_digest(folder: Path) -> str:
    """Give one checksum of all networks in ``folder``; histories and codes are not part of it.

    Raises:
        ArtifactError: there is no network.
    """
    files = model_files(folder)
    if not files:
        raise ArtifactError(f"{folder}: holds no model; `dvc checkout` or `dvc repro` makes it")
    return digest_files(folder, files)
