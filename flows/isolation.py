"""A workspace of its own for a run: a revision, overrides, and nothing of a person's edits."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from prefect.runtime import flow_run
from pydantic import BaseModel, ConfigDict, Field

from aepipe.errors import AepipeError
from aepipe.experiments.overrides import overridden
from aepipe.workspace import output, prepare
from flows.execution import environment
from flows.workspaces import in_place, making, own, share, sweep

PARAMS = "params.yaml"


class Isolated(BaseModel):
    """What a run of its own works with."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    revision: str = "HEAD"
    """Commit, branch or tag of the clone."""
    overrides: dict[str, Any] = Field(default_factory=dict)
    """Other values for keys of ``params.yaml``: ``{"vae.code_size": 8}``."""
    keep: str | None = Field(default=None, pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")
    """Name of a DVC experiment that a finished run is to be kept as; not kept without it."""


@final
@dataclass(frozen=True, slots=True)
class Ground:
    """What a run stands on.

    Attributes:
        folder: of ``dvc.yaml``.
        environment: of stages that run there.
    """

    folder: Path
    environment: dict[str, str]


@contextmanager
def ground(root: Path, isolated: Isolated | None) -> Iterator[Ground]:
    """Give what a run stands on, for it alone: the clone ``root``, or a workspace in it.

    Raises:
        AepipeError: another run is at work there; git refuses; an override is wrong; the name to
            keep the run under is taken.
    """
    if isolated is None:
        with in_place(root):
            yield Ground(root, environment())
        return
    name = re.sub(r"[^A-Za-z0-9_-]", "-", flow_run.get_name() or "run")
    with own(root, name) as folder:
        with making(root):
            sweep(root)
            prepare(root, folder, isolated.revision)
        shared = share(root, folder)
        _require_new(folder, isolated.keep)
        if isolated.overrides:
            params = folder / PARAMS
            params.write_text(overridden(params, isolated.overrides), encoding="utf-8")
        yield Ground(folder, {**environment(), **shared})


def _require_new(folder: Path, name: str | None) -> None:
    """Refuse a name that is taken before anything runs; DVC would do so when all is done."""
    head = output(["git", "rev-parse", "HEAD"], folder).strip()
    reference = f"refs/exps/{head[:2]}/{head[2:]}/{name}"
    if name and output(["git", "for-each-ref", reference], folder):
        raise AepipeError(
            f"keep: there is an experiment {name!r} of this revision already; choose another name, "
            f"or `dvc exp remove {name}`"
        )


def keep(folder: Path, name: str) -> None:
    """Keep the state of a workspace as a DVC experiment, which every clone-mate then lists.

    Raises:
        AepipeError: DVC refuses.
    """
    output(["dvc", "exp", "save", "--name", name], folder)
