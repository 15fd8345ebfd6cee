"""The state of the training of one network as a file."""

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from aepipe.errors import ArtifactError
from aepipe.monitor import Monitor
from aepipe.training.checkpoint_file import read_file, take_up, tell, write_file
from aepipe.training.finite import require_finite
from aepipe.training.parallel import processes
from aepipe.training.state import State, Tally

FORMAT = 1  # raised when what a checkpoint holds changes
ENTRY = "aepipe.checkpoint"  # of the metadata


def resume(state: State, found: Iterator[Path], monitor: Monitor) -> None:
    """Put ``state`` where the newest usable one of the ``found`` files left off, if there is one.

    The figures of its epochs are told again: a tracker that was cut short may lack the last ones.
    """
    if take_up(partial(read_checkpoint, state=state), found, monitor):
        for row in state.history:
            monitor.record(int(row["epoch"]), {k: v for k, v in row.items() if k != "epoch"})
        tell(state.epoch, len(state.tally.sizes), monitor)


def write_checkpoint(path: Path, state: State) -> None:
    """Write ``state`` to ``path``.

    Raises:
        StorageError: the disk refuses.
        DivergedError: a number is infinite or none; the checkpoints before stay.
    """
    require_finite(state)
    tensors = {
        **_prefixed("model", state.model.state_dict()),
        **_prefixed("best", state.best),
        **_prefixed("loss", _loss_state(state)),
        **_prefixed("generator", _generators(state)),
    }
    for number, moments in state.optimizer.state_dict()["state"].items():
        tensors |= _prefixed(f"optimizer/{number}", moments)
    if state.tally.sizes:
        tensors["tally"] = state.tally.values
    described = {
        **_setting(state),
        "epoch": state.epoch,
        "names": state.tally.names,
        "sizes": state.tally.sizes,
        "history": state.history,
    }
    write_file(path, ENTRY, described, tensors)


def read_checkpoint(path: Path, state: State) -> None:
    """Put ``state`` where the file left off.

    Raises:
        ArtifactError: the file is no checkpoint, or not one of such a training; ``state`` is then
            as it was.
    """
    described, tensors = read_file(path, ENTRY, _setting(state), "training")
    _require_fit(path, tensors, state)
    state.model.load_state_dict(_below("model", tensors))
    if isinstance(state.loss, nn.Module):
        state.loss.load_state_dict(_below("loss", tensors))
    moments: dict[int, dict[str, Tensor]] = {}
    for name, tensor in _below("optimizer", tensors).items():
        number, _, key = name.partition("/")
        moments.setdefault(int(number), {})[key] = tensor
    groups = state.optimizer.state_dict()["param_groups"]
    state.optimizer.load_state_dict({"state": moments, "param_groups": groups})
    _set_generators(state, _below("generator", tensors))
    state.best = {k: v.to(state.device) for k, v in _below("best", tensors).items()}
    state.epoch, state.history = described["epoch"], described["history"]
    values = tensors["tally"].to(state.device) if described["sizes"] else None
    state.tally = Tally(described["names"], described["sizes"], values)


def _require_fit(path: Path, tensors: Mapping[str, Tensor], state: State) -> None:
    for prefix, ours in (("model", state.model.state_dict()), ("loss", _loss_state(state))):
        there = _below(prefix, tensors)
        if {k: v.shape for k, v in there.items()} != {k: v.shape for k, v in ours.items()}:
            raise ArtifactError(f"{path}: a checkpoint of another {prefix}")


def _setting(state: State) -> dict[str, Any]:
    """What has to be equal for the bytes to be those of a training that was never interrupted."""
    return {
        "format": FORMAT,
        "torch": torch.__version__,
        "device": state.device.type,
        "processes": processes(),
    }


def _loss_state(state: State) -> dict[str, Tensor]:
    return state.loss.state_dict() if isinstance(state.loss, nn.Module) else {}


def _generators(state: State) -> dict[str, Tensor]:
    """Give the states of all generators, those of torch itself among them: dropout draws there."""
    states = {
        "order": state.order,
        "noise": state.randomness.noise.get_state(),
        "torch": torch.get_rng_state(),
    }
    if state.device.type == "cuda":
        states["device"] = torch.cuda.get_rng_state(state.device)
    if state.device.type == "mps":
        states["device"] = torch.mps.get_rng_state()
    return states


def _set_generators(state: State, states: Mapping[str, Tensor]) -> None:
    state.order = states["order"]
    state.randomness.order.set_state(states["order"])
    state.randomness.noise.set_state(states["noise"])
    torch.set_rng_state(states["torch"])
    if state.device.type == "cuda":
        torch.cuda.set_rng_state(states["device"], state.device)
    if state.device.type == "mps":
        torch.mps.set_rng_state(states["device"])


def _prefixed(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {f"{prefix}/{name}": tensor for name, tensor in tensors.items()}


def _below(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    start = f"{prefix}/"
    return {k.removeprefix(start): v for k, v in tensors.items() if k.startswith(start)}
