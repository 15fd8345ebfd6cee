"""What DVC knows of the pipeline: its graph, and the order of the entries of ``dvc.lock``.

This module and :mod:`flows.cache` are the only ones that import dvc. It asks DVC instead of parsing
``dvc.yaml``, so ``foreach``, ``matrix`` and variables are expanded, and whatever DVC accepts is
understood.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar, final

from dvc.dvcfile import LOCK_FILE
from dvc.exceptions import DvcException
from dvc.repo import Repo, lock_repo
from dvc.repo.reproduce import get_active_graph, plan_repro
from dvc.stage import PipelineStage, Stage
from dvc.utils.serialize import dump_yaml, load_yaml, modify_yaml

from aepipe.errors import AepipeError

Value = TypeVar("Value")

STORAGE = "aepipe"  # name of a DVC remote that is given by its URL
POOL = "cpu"  # where a stage runs whose ``meta`` names no pool


@final
@dataclass(frozen=True, slots=True)
class Graph:
    """The stages of a pipeline, in the order in which one ``dvc repro`` goes through them.

    Attributes:
        needs: for each stage the stages whose outputs it reads.
        pools: for each stage the kind of machine that it asks for, ``meta.pool`` in ``dvc.yaml``.
        gpus: how many a stage asks for, ``meta.gpus``; stages that don't say are left out.
        inputs: for each stage the paths that it reads of what other stages write, each with the
            stage; with no name what `dvc add` has put under DVC's care.
    """

    needs: dict[str, frozenset[str]]
    pools: dict[str, str]
    gpus: dict[str, int] = field(default_factory=dict)
    inputs: dict[str, dict[str, str]] = field(default_factory=dict)

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
        return self.of(wanted)

    def of(self, wanted: Collection[str]) -> "Graph":
        """Keep the stages ``wanted``, with all that is known of each."""
        return Graph(
            needs=_kept(self.needs, wanted),
            pools=_kept(self.pools, wanted),
            gpus=_kept(self.gpus, wanted),
            inputs=_kept(self.inputs, wanted),
        )

    def sent(self, elsewhere: Mapping[str, str]) -> "Graph":
        """Send stages to other pools.

        Args:
            elsewhere: the pool for a stage, a group of stages, or everything of another pool; what
                says it most closely counts.

        Raises:
            AepipeError: a key of ``elsewhere`` is none of these.
        """
        groups = {stage: stage.split("@")[0] for stage in self.needs}
        known = {*self.needs, *groups.values(), *self.pools.values()}
        for key in elsewhere:
            if key not in known:
                raise AepipeError(
                    f"pools.{key}: neither a pool nor a stage of dvc.yaml; there is "
                    f"{', '.join([*sorted(set(self.pools.values())), *self.needs])}"
                )
        pools = {
            stage: next(
                (elsewhere[k] for k in (stage, groups[stage], pool) if k in elsewhere), pool
            )
            for stage, pool in self.pools.items()
        }
        return replace(self, pools=pools)

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
    with repository(root) as opened:
        graph = opened.index.graph  # an edge points from a stage to one that it needs
        stages = [stage for stage in _plan(opened) if isinstance(stage, PipelineStage)]
        needs = {stage: list(graph.successors(stage)) for stage in stages}
        meta = {stage.name: stage.meta or {} for stage in stages}
        return Graph(
            # by name, since what DVC calls an address depends on the folder that one stands in;
            # what a person has put under DVC's care (`dvc add`) is no stage that could run
            needs={
                stage.name: frozenset(n.name for n in needs[stage] if isinstance(n, PipelineStage))
                for stage in stages
            },
            pools={name: each.get("pool", POOL) for name, each in meta.items()},
            gpus={name: _gpus(name, each["gpus"]) for name, each in meta.items() if "gpus" in each},
            inputs={stage.name: _inputs(stage, needs[stage], root.resolve()) for stage in stages},
        )


def _inputs(stage: PipelineStage, needs: Sequence[Stage], root: Path) -> dict[str, str]:
    """Where a dependency meets an output of ``needs``: the smaller of the two, relative to root."""
    found = {}
    for need in needs:
        writer = need.name if isinstance(need, PipelineStage) else ""
        for written in (Path(out.fs_path) for out in need.outs):
            for read in (Path(dep.fs_path) for dep in stage.deps):
                if read.is_relative_to(written) or written.is_relative_to(read):
                    path = max(read, written, key=lambda each: len(each.parts))
                    found[path.relative_to(root).as_posix()] = writer
    return dict(sorted(found.items()))


def _gpus(stage: str, declared: Any) -> int:
    if not isinstance(declared, int) or declared < 1:
        raise AepipeError(f"dvc.yaml: {stage}: meta.gpus is {declared!r}; expected 1 or more")
    return declared


def _kept(values: Mapping[str, Value], wanted: Collection[str]) -> dict[str, Value]:
    return {stage: value for stage, value in values.items() if stage in wanted}


def locked_stages(root: Path) -> list[str]:
    """Give the stages that ``dvc.lock`` has entries for, in its order."""
    return list(_locked(root))


def _locked(root: Path) -> dict[str, Any]:
    lock = root / LOCK_FILE
    return dict(load_yaml(str(lock)).get("stages", {})) if lock.is_file() else {}


def outputs_in_lock(root: Path, stages: Collection[str]) -> dict[str, Any]:
    """Give what ``dvc.lock`` says of the outputs of ``stages``, from which they can be pulled.

    Raises:
        AepipeError: DVC finds no pipeline in ``root``.
    """
    # DVC writes the file in place, so it is half a file while the results of another stage come in
    with repository(root) as opened, lock_repo(opened):
        entries = _kept(_locked(root), stages)
    return {
        stage: {key: entry[key] for key in ("cmd", "outs") if key in entry}
        for stage, entry in entries.items()
    }


def write_lock(root: Path, entries: Mapping[str, Any]) -> None:
    """Let ``dvc.lock`` consist of ``entries``."""
    dump_yaml(str(root / LOCK_FILE), {"schema": "2.0", "stages": dict(entries)})


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


def _plan(opened: Repo) -> list[PipelineStage]:
    targets = opened.stage.collect()
    plan: list[PipelineStage] = plan_repro(get_active_graph(opened.index.graph), targets)
    return plan


@contextmanager
def repository(root: Path, remote: str | None = None) -> Iterator[Repo]:
    """Open DVC's repository in ``root``; what locks it waits for others that do.

    Args:
        root: folder of ``dvc.yaml``.
        remote: URL of the DVC remote to use instead of the one that is declared there.

    Raises:
        AepipeError: there is none, or DVC refuses what the block asks of it.
    """
    # opened anew each time: one Repo does not survive use by several threads
    given = {"core": {"remote": STORAGE}, "remote": {STORAGE: {"url": remote}}} if remote else None
    try:
        with Repo(str(root), config=given, _wait_for_lock=True) as opened:
            yield opened
    except DvcException as error:
        reason = " ".join(str(error).split())
        raise AepipeError(f"{root}: DVC finds no pipeline it can run here: {reason}") from None
