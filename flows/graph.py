"""What DVC knows of the pipeline: its graph, and the order of the entries of ``dvc.lock``.

The only module that imports dvc. It asks DVC instead of parsing ``dvc.yaml``, so ``foreach``,
``matrix`` and variables are expanded, and whatever DVC accepts is understood.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import final

from dvc.dvcfile import LOCK_FILE
from dvc.exceptions import DvcException
from dvc.repo import Repo
from dvc.repo.reproduce import get_active_graph, plan_repro
from dvc.stage import PipelineStage
from dvc.utils.serialize import load_yaml, modify_yaml

from aepipe.errors import AepipeError

POOL = "cpu"  # where a stage runs whose ``meta`` names no pool


@final
@dataclass(frozen=True, slots=True)
class Graph:
    """The stages of a pipeline, in the order in which one ``dvc repro`` goes through them.

    Attributes:
        needs: for each stage the stages whose outputs it reads.
        pools: for each stage the kind of machine that it asks for, ``meta.pool`` in ``dvc.yaml``.
    """

    needs: dict[str, frozenset[str]]
    pools: dict[str, str]

    def upstream(self, targets: Sequence[str]) -> "Graph":
        """Keep ``targets`` and everything that they need; all stages where there are no targets.

        Args:
            targets: stages, or groups of stages: ``pretrain`` stands for every ``pretrain@LAYER``.

        Raises:
            AepipeError: a target is neither.
        """
        wanted = {stage for target in targets for stage in self._named(target)} or set(self.needs)
        waiting = list(wanted)
        while waiting:
            new = self.needs[waiting.pop()] - wanted
            wanted |= new
            waiting += new
        return Graph(
            needs={stage: needs for stage, needs in self.needs.items() if stage in wanted},
            pools={stage: pool for stage, pool in self.pools.items() if stage in wanted},
        )

    def _named(self, target: str) -> list[str]:
        found = [s for s in self.needs if s == target or s.startswith(f"{target}@")]
        if not found:
            known = ", ".join(self.needs)
            raise AepipeError(f"{target}: no such stage in dvc.yaml; there is {known}")
        return found

    def heights(self) -> dict[str, int]:
        """For each stage, how many stages the longest chain has that waits for it."""
        heights = dict.fromkeys(self.needs, 0)
        for stage in reversed(self.needs):  # the order of the keys puts needs first
            for need in self.needs[stage]:
                heights[need] = max(heights[need], heights[stage] + 1)
        return heights


def read_graph(root: Path) -> Graph:
    """Ask DVC for the graph of the pipeline in ``root``.

    Raises:
        AepipeError: there is none, or DVC doesn't understand it.
    """
    with _repository(root) as repository:
        graph = repository.index.graph  # an edge points from a stage to one that it needs
        stages = [stage for stage in _plan(repository) if isinstance(stage, PipelineStage)]
        return Graph(
            # by name, since what DVC calls an address depends on the folder that one stands in
            needs={
                stage.name: frozenset(need.name for need in graph.successors(stage))
                for stage in stages
            },
            pools={stage.name: (stage.meta or {}).get("pool", POOL) for stage in stages},
        )


def locked_stages(root: Path) -> list[str]:
    """Give the stages that ``dvc.lock`` has entries for, in its order."""
    lock = root / LOCK_FILE
    return list(load_yaml(str(lock)).get("stages", {})) if lock.is_file() else []


def order_lock(root: Path, before: Sequence[str]) -> None:
    """Put the entries of ``dvc.lock`` where a single ``dvc repro`` would have put them.

    DVC updates an entry in place and appends a new one when its stage is done, so stages that run
    side by side leave an order that depends on which was faster.

    Args:
        root: folder of ``dvc.yaml``.
        before: what :func:`locked_stages` gave before anything ran.
    """
    lock = root / LOCK_FILE
    after = locked_stages(root)
    known = [stage for stage in before if stage in after]
    planned = [stage for stage in read_graph(root).needs if stage in after]
    order = list(dict.fromkeys([*known, *planned, *after]))
    if order == after:
        return
    with modify_yaml(str(lock)) as content:  # as DVC writes it, so that the bytes are DVC's
        stages = content["stages"]
        for stage in order:
            stages[stage] = stages.pop(stage)


def _plan(repository: Repo) -> list[PipelineStage]:
    targets = repository.stage.collect()
    plan: list[PipelineStage] = plan_repro(get_active_graph(repository.index.graph), targets)
    return plan


@contextmanager
def _repository(root: Path) -> Iterator[Repo]:
    # opened anew each time: one Repo does not survive use by several threads
    try:
        with Repo(str(root)) as repository:
            yield repository
    except DvcException as error:
        reason = " ".join(str(error).split())
        raise AepipeError(f"{root}: DVC finds no pipeline it can run here: {reason}") from None
