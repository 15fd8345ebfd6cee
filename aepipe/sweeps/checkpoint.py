"""The state of a group as a file, as :mod:`aepipe.training.checkpoint` has that of one network."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from aepipe.errors import ArtifactError
from aepipe.monitor import Monitor
from aepipe.sweeps.state import GroupState
from aepipe.training.checkpoint_file import read_file, take_up, tell, write_file
from aepipe.training.state import Tally

FORMAT = 1  # raised when what a checkpoint holds changes
ENTRY = "aepipe.sweep"  # of the metadata


def resume(state: GroupState, found: Iterator[Path], monitor: Monitor) -> None:
    """Put ``state`` where the newest usable one of the ``found`` files left off, if there is one.

    The figures of its epochs are told again: a tracker that was cut short may lack the last ones.
    """
    if take_up(partial(read_checkpoint, state=state), found, monitor):
        for epoch in range(1, state.epoch):
            monitor.record(epoch, state.standing(epoch))
        tell(state.epoch, len(state.tally.sizes), monitor)


def write_checkpoint(path: Path, state: GroupState) -> None:
    """Write ``state`` to ``path``.

    Raises:
        StorageError: the disk refuses.
    """
    tensors = {
        "weights": state.weights,
        "first": state.first,
        "second": state.second,
        "best": state.best,
        "orders": _stacked(state.orders),
        "noises": _stacked([noise.get_state() for noise in state.noises()]),
        **{f"buffer/{name}": value for name, value in state.buffers.items()},
    }
    if state.tally.sizes:
        tensors["tally"] = state.tally.values
    described = {
        **_setting(state),
        "alive": state.alive,
        "diverged": state.diverged,
        "steps": state.steps,
        "epoch": state.epoch,
        "names": state.tally.names,
        "sizes": state.tally.sizes,
        "histories": state.histories,
    }
    write_file(path, ENTRY, described, tensors)


def read_checkpoint(path: Path, state: GroupState) -> None:
    """Put ``state`` where the file left off.

    Raises:
        ArtifactError: the file is no checkpoint, or not one of such a group; ``state`` is then as
            it was.
    """
    described, tensors = read_file(path, ENTRY, _setting(state), "sweep")
    if tensors["best"].shape != state.best.shape:
        raise ArtifactError(f"{path}: a checkpoint of another group")
    there = {name: tensor.to(state.device) for name, tensor in tensors.items()}
    state.alive, state.diverged = described["alive"], described["diverged"]
    state.weights = there["weights"].requires_grad_()
    state.first, state.second, state.best = there["first"], there["second"], there["best"]
    state.buffers = {name: there[f"buffer/{name}"] for name in state.buffers}
    # copies, since set_state reads from the start of a tensor's storage, wherever the row begins
    state.orders = [row.clone() for row in tensors["orders"]]
    noises = [row.clone() for row in tensors["noises"]]
    for member, order, noise in zip(state.trained(), state.orders, noises, strict=True):
        member.randomness.order.set_state(order)
        member.randomness.noise.set_state(noise)
    state.steps, state.epoch = described["steps"], described["epoch"]
    state.histories = described["histories"]
    values = there["tally"] if described["sizes"] else None
    state.tally = Tally(described["names"], described["sizes"], values)


def _stacked(states: list[Tensor]) -> Tensor:
    return torch.stack(states) if states else torch.empty(0, 0, dtype=torch.uint8)


def _setting(state: GroupState) -> dict[str, Any]:
    """What has to be equal for the bytes to be those of a training that was never interrupted."""
    return {"format": FORMAT, "torch": torch.__version__, "device": state.device.type}
