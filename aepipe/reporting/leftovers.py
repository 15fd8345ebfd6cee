"""Results of what is declared no longer: DVC leaves them, and they would change checksums."""

from collections.abc import Iterable
from pathlib import Path

from aepipe.errors import ArtifactError


def refuse_leftovers(folder: Path, declared: Iterable[str]) -> None:
    """Refuse a folder that holds more than what is declared.

    A folder that a stage depends on must be the same on every machine, whatever ran there before.

    Args:
        folder: that several stages write to; hidden files don't count.
        declared: names that may be in it.

    Raises:
        ArtifactError: with the command that removes the rest.
    """
    there = {path.name for path in folder.glob("[!.]*")}
    left = sorted(there - set(declared))
    if left:
        paths = " ".join(str(folder / name) for name in left)
        raise ArtifactError(
            f"{folder}: holds {', '.join(left)}, which params.yaml does not declare; remove what "
            f"is left over: `rm -r {paths}`"
        )
