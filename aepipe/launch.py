"""Running one stage in several processes, started by torch's elastic launch.

``AEPIPE_PROCESSES`` says in how many. The first does what a stage does; the others train along, and
what they make is thrown away.
"""

import logging
import os
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields
from pathlib import Path

from pydantic import BaseModel

from aepipe.command import Call
from aepipe.errors import ParamsError
from aepipe.interruption import Interrupted, postponed
from aepipe.monitor import Silent
from aepipe.params.base import walk
from aepipe.params.convolutional import Convolutions
from aepipe.params.corruption import Emphasis
from aepipe.params.dense import Dense
from aepipe.params.energy import Rbm, RbmLayer
from aepipe.params.models import SemiAdversarial
from aepipe.params.penalties import ContractiveHigherOrder, ContractiveHutchinson, KLSparsity
from aepipe.params.sequence import Lstm, Transformer
from aepipe.params.sweep import Sweep
from aepipe.params.training import Training
from aepipe.params.variational import Variational, VonMisesFisherPosterior

VARIABLE = "AEPIPE_PROCESSES"
LAUNCHED = "TORCHELASTIC_RUN_ID"  # torch sets it in what it launches, beside RANK
LAST_SECONDS = 10  # for the processes to end once they were told to


def run_in_processes(call: Call, words: Sequence[str], alone: Callable[[], None]) -> None:
    """Run a stage in as many processes as are asked for; in one where it trains nothing.

    Args:
        call: the stage.
        words: of its command line, with which the processes are started.
        alone: does what the first, or only, process does.

    Raises:
        ParamsError: the number is none, or what is trained cannot be divided.
        SystemExit: a process failed, with its exit code; it has said why.
    """
    if LAUNCHED in os.environ:
        alone() if os.environ["RANK"] == "0" else _train_along(call)
        return
    sections = [*_sections(call)]
    count = _count() if any(isinstance(each, Training) for _, each in sections) else 1
    if count == 1:
        alone()
        return
    problems = [f"  {at}: {why}" for at, each in sections if (why := _indivisible(each))]
    if problems:
        head = f"{VARIABLE}={count}: not a mean over samples, so it is trained in one process:"
        raise ParamsError("\n".join([head, *problems, "  unset it, or leave these out"]))
    _launch(count, words)


def _count() -> int:
    asked = os.environ.get(VARIABLE) or "1"
    if not asked.isdecimal() or asked == "0":
        raise ParamsError(f"{VARIABLE}={asked}: expected the number of processes, 1 or more")
    return int(asked)


def _launch(count: int, words: Sequence[str]) -> None:
    from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs, SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    _require_devices(count)
    loopback = next((name for _, name in socket.if_nameindex() if name.startswith("lo")), "lo")
    os.environ.setdefault("GLOO_SOCKET_IFNAME", loopback)
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // count)))
    logging.disable(logging.ERROR)  # the processes say what is wrong, and torch would say it again
    with tempfile.TemporaryDirectory() as logs:
        config = LaunchConfig(
            min_nodes=1,
            max_nodes=1,
            nproc_per_node=count,
            logs_specs=DefaultLogsSpecs(log_dir=logs),
            run_id="aepipe",
            rdzv_backend="c10d",
            rdzv_endpoint="localhost:0",  # any free port
            max_restarts=0,  # the next try goes on from a checkpoint
            local_addr="127.0.0.1",
            shutdown_timeout=LAST_SECONDS,
        )
        try:
            elastic_launch(config, sys.executable)("-m", "aepipe", *words)
        except ChildFailedError as error:
            code = max(failure.exitcode for failure in error.failures.values())
            sys.exit(code if code > 0 else 1)
        except SignalException as error:
            raise Interrupted(int(error.sigval), "the first process says how to go on") from None


def _require_devices(count: int) -> None:
    import torch

    device = os.environ.get("AEPIPE_DEVICE") or ("cuda" if torch.cuda.is_available() else "cpu")
    if device not in ("cpu", "cuda") or (device == "cuda" and count > torch.cuda.device_count()):
        raise ParamsError(
            f"{VARIABLE}={count} on {device}: expected cpu, or cuda with as many GPUs, and there "
            f"are {torch.cuda.device_count()}; lower it, or set AEPIPE_DEVICE=cpu"
        )


def _train_along(call: Call) -> None:
    """Train with the others, and keep nothing; end when the first one does, saying nothing."""
    with postponed() as asked, tempfile.TemporaryDirectory() as folder:
        paths = {f.name: Path(folder, f.name) for f in fields(call.outputs)}
        try:
            call.stage.run(call.params, call.inputs, type(call.outputs)(**paths), Silent())
        except RuntimeError:  # a process that it was to meet has ended
            if asked() is None:
                raise
        number = asked()
        if number is not None:
            sys.exit(128 + number)


def _sections(call: Call) -> Iterator[tuple[str, BaseModel]]:
    for f in fields(call.params):
        value = getattr(call.params, f.name)
        if isinstance(value, BaseModel):
            yield f.name, value
            yield from walk(value, f.name)


def _indivisible(section: BaseModel) -> str | None:
    """Say why the loss of a section is more than a mean over the samples of a batch, if it is."""
    match section:
        case KLSparsity():
            return "kl_sparsity looks at the mean activation over the whole batch"
        case ContractiveHutchinson() | ContractiveHigherOrder() | Emphasis():
            return "its draws are not divided"
        case Dense(normalisation="batch") | Convolutions(batch_norm=True):
            return "batch normalisation looks at the whole batch"
        case Variational(free_bits=float()):
            return "free_bits cuts a mean over the whole batch"
        case Variational(importance_samples=int()) | Variational(upper=BaseModel()):
            return "several draws for a sample are not divided"
        case VonMisesFisherPosterior():
            return "von_mises_fisher draws until all of a batch are accepted"
        case Rbm() | RbmLayer():
            return "chains are not divided"
        case Lstm() | Transformer():
            return "series are trained in one process"
        case Sweep() | SemiAdversarial():
            return "its networks are trained in one process"
        case _:
            return None
