"""A workspace of its own for a run: a revision, overrides, and nothing of a person's edits."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from prefect.runtime import flow_run
from pydantic import BaseModel, ConfigDict, Field

from aepipe.experiments.overrides import overridden
from aepipe.workspace import link, output, prepare
from flows.workspaces import in_place, making, own, sweep

PARAMS = "params.yaml"
TRACKING = Path("mlruns")  # runs that no server takes belong to the clone, not to a workspace
CHECKPOINTS = Path(".aepipe/checkpoints")  # of the clone, so that any of its runs can go on


class Isolated(BaseModel):
    """What a run of its own works with."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    revision: str = "HEAD"
    """Commit, branch or tag of the clone."""
    overrides: dict[str, Any] = Field(default_factory=dict)
    """Other values for keys of ``params.yaml``: ``{"vae.code_size": 8}``."""
    keep: str | None = Field(default=None, pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")
    """Name of a DVC experiment that a finished run is to be kept as; not kept without it."""


@contextmanager
def work_folder(root: Path, isolated: Isolated | None) -> Iterator[Path]:
    """Give the folder that a run works in, for it alone: the clone ``root``, or a workspace in it.

    Raises:
        AepipeError: another run is at work there; git refuses; an override is wrong.
    """
    if isolated is None:
        with in_place(root):
            yield root
        return
    name = re.sub(r"[^A-Za-z0-9_-]", "-", flow_run.get_name() or "run")
    with own(root, name) as folder:
        with making(root):
            sweep(root)
            prepare(root, folder, isolated.revision)
        link(root, folder, TRACKING)
        if isolated.overrides:
            params = folder / PARAMS
            params.write_text(overridden(params, isolated.overrides), encoding="utf-8")
        yield folder


def keep(folder: Path, name: str) -> None:
    """Keep the state of a workspace as a DVC experiment, which every clone-mate then lists.

    Raises:
        AepipeError: there is one of that name already, or DVC refuses.
    """
    output(["dvc", "exp", "save", "--name", name], folder)
