"""The state of a training as a file: one safetensors file, with JSON among its metadata.

Whose work a file belongs to, and that it is whole, is for :mod:`aepipe.checkpoints` to say; here
it is only read and written.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from aepipe.errors import ArtifactError, StorageError
from aepipe.monitor import Monitor
from aepipe.training.finite import require_finite
from aepipe.training.parallel import processes
from aepipe.training.state import State, Tally

FORMAT = 1  # raised when what a checkpoint holds changes
ENTRY = "aepipe.checkpoint"  # of the metadata


def resume(state: State, found: Iterator[Path], monitor: Monitor) -> None:
    """Put ``state`` where the newest usable one of the ``found`` files left off, if there is one.

    The figures of its epochs are told again: a tracker that was cut short may lack the last ones.
    """
    for path in found:
        try:
            read_checkpoint(path, state)
        except ArtifactError as error:
            monitor.warn(f"{error}; it is not used")
            continue
        for row in state.history:
            monitor.record(int(row["epoch"]), {k: v for k, v in row.items() if k != "epoch"})
        done = len(state.tally.sizes)
        monitor.remark(f"goes on from a checkpoint, in epoch {state.epoch} after {done} batches")
        return


def write_checkpoint(path: Path, state: State) -> None:
    """Write ``state`` to ``path``.

    Raises:
        StorageError: the disk refuses.
        DivergedError: a number is infinite or none; the checkpoints before stay.
    """
    # imported here and below, so that a training without checkpoints needs torch alone
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    require_finite(state)
    tensors = {
        **_prefixed("model", state.model.state_dict()),
        **_prefixed("best", state.best),
        **_prefixed("loss", _loss_state(state)),
        **_prefixed("generator", _generators(state)),
    }
    for number, moments in state.optimizer.state_dict()["state"].items():
        tensors |= _prefixed(f"optimizer/{number}", moments)
    if state.tally.values:
        tensors["tally"] = torch.stack(state.tally.values)
    described = {
        **_setting(state),
        "epoch": state.epoch,
        "names": state.tally.names,
        "sizes": state.tally.sizes,
        "history": state.history,
    }
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    try:
        save_file(plain, path, {ENTRY: json.dumps(described)})
    except SafetensorError as error:
        raise StorageError(f"{path}: {error}") from None


def read_checkpoint(path: Path, state: State) -> None:
    """Put ``state`` where the file left off.

    Raises:
        ArtifactError: the file is no checkpoint, or not one of such a training; ``state`` is then
            as it was.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            described = json.loads((file.metadata() or {}).get(ENTRY, "null"))
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, json.JSONDecodeError) as error:
        raise ArtifactError(f"{path}: no checkpoint ({error})") from None
    _require_fit(path, described, tensors, state)
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
    values = [*tensors["tally"].to(state.device)] if described["sizes"] else []
    state.tally = Tally(described["names"], described["sizes"], values)


def _require_fit(path: Path, described: Any, tensors: Mapping[str, Tensor], state: State) -> None:
    if not isinstance(described, dict) or "format" not in described:
        raise ArtifactError(f"{path}: no checkpoint of a training")
    for key, expected in _setting(state).items():
        if described.get(key) != expected:
            raise ArtifactError(
                f"{path}: a checkpoint of {key} {described.get(key)}, and this is {expected}"
            )
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
