"""What travels between a flow, its workers and the processes that run stages; JSON on the way."""

from typing import Any

from pydantic import BaseModel

from flows.outcome import Did

MARK = "\x1e"  # the ASCII record separator starts a line that is not for people


class Remote(BaseModel):
    """The DVC remote through which machines exchange what they compute.

    Attributes:
        url: of it; the one that the clone declares without it.
    """

    url: str | None = None


class Order(BaseModel):
    """What a process is to do with a group of stages.

    Attributes:
        stages: to settle, in an order that can run.
        needs: for each of ``stages`` those among them that it needs.
        inputs: as of a graph, for each of ``stages``.
        run: whether what no cache has is to run.
        remote: to ask, and to give what was run; no exchange without it.
        certain: whether the remote must have all of it, since a worker has just pushed it.
        pull: paths to bring to what ``dvc.lock`` says, first.
    """

    stages: tuple[str, ...] = ()
    needs: dict[str, frozenset[str]] = {}
    inputs: dict[str, dict[str, str]] = {}
    run: bool
    remote: Remote | None = None
    certain: bool = False
    pull: tuple[str, ...] = ()


class Note(BaseModel):
    """What became of a stage, or, with neither ``did`` nor ``code``, that it starts now.

    Attributes:
        stage: which.
        did: where a cache had it.
        code: of ``dvc repro``, which says itself what it did.
    """

    stage: str
    did: Did | None = None
    code: int | None = None


class Job(BaseModel):
    """All that a worker needs to run a group of stages.

    Attributes:
        repository: URL of the git repository.
        revision: commit that has the code.
        params: text of ``params.yaml``; that of the revision without it.
        pool: where the stages were sent.
        processes: how many GPUs, and so processes, the stage asks for.
        lock: entries of ``dvc.lock`` that name what the stages read.
        order: what to do.
    """

    repository: str
    revision: str
    params: str | None
    pool: str
    processes: int | None
    lock: dict[str, Any]
    order: Order
