"""One training by several processes: each step's batch is divided, its gradients put together.

The gradient of a mean over the batch is the mean of the shares' gradients, weighed by their sizes.
So every process ends with the weights that one alone would have, but for the order in which floats
are added. What is drawn for a batch is drawn for all of it in every process, from generators in the
same state, and each uses its own rows: the noise of a sample does not depend on who computes it.

Torch's elastic launch starts the processes; without it there is one.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, final

import torch
from torch import Generator, Tensor, nn
from torch import distributed as dist
from torch.nn.functional import dropout
from torch.nn.modules.batchnorm import _BatchNorm
from torch.overrides import TorchFunctionMode

from aepipe.objectives.loss import Batch, Loss
from aepipe.training.state import Tally

LAUNCHED = "TORCHELASTIC_RUN_ID"  # set in what torch launches, beside RANK and WORLD_SIZE
PATH_BYTES = 4096


def join() -> None:
    """Meet the other processes, if there are any; each takes a GPU of its own, if there are any."""
    if LAUNCHED not in os.environ or dist.is_initialized():
        return
    cuda = torch.cuda.is_available() and os.environ.get("AEPIPE_DEVICE", "cuda") == "cuda"
    if cuda:
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    dist.init_process_group("nccl" if cuda else "gloo")


def team(model: nn.Module, loss: Loss) -> "Team":
    """Give the processes that are to train ``model`` together: those that were met, or this one.

    Raises:
        ValueError: there are several, and the network or the loss looks at a batch as a whole.
    """
    if processes() == 1:
        return Team(0, 1)
    if any(isinstance(module, _BatchNorm) for module in model.modules()):
        raise ValueError("batch normalisation looks at the whole batch; train it in one process")
    if isinstance(loss, nn.Module):
        raise ValueError("a loss with a state looks at whole batches; train it in one process")
    return Team(dist.get_rank(), processes())


def processes() -> int:
    """Say how many were met, this one among them."""
    return dist.get_world_size() if dist.is_initialized() else 1


@final
class Team:
    """The processes of one training, all at the same step; alone, none of it does anything.

    Args:
        rank: of this process, from 0; that one alone speaks, and writes checkpoints and outputs.
        size: how many there are.
    """

    def __init__(self, rank: int, size: int) -> None:
        self.rank, self.size = rank, size

    def rows(self, count: int) -> tuple[int, int]:
        """Give the first row of this process and the one after its last, of ``count``."""
        return count * self.rank // self.size, count * (self.rank + 1) // self.size

    @contextmanager
    def sharing(self, batch: Batch, noise: Generator) -> Iterator[Batch]:
        """Give this process's rows; inside the block what is drawn is that of the whole batch.

        A process for which there is no row computes one all the same, and it counts nothing.

        Args:
            batch: the same in all processes.
            noise: in the same state in all processes, and so after the block.
        """
        if self.size == 1:
            yield batch
            return
        whole = len(batch.target)
        start, stop = self.rows(whole)
        stop = max(stop, start + 1)
        index = None if batch.index is None else batch.index[start:stop]
        share = Batch(
            batch.input[start:stop], batch.target[start:stop], batch.label[start:stop], index
        )
        with _Draws(noise, whole, start, stop):
            yield share

    def combine(self, model: nn.Module, tally: Tally) -> None:
        """Put gradients, and the terms of the last batch, together; all processes then have both.

        Args:
            model: with the gradients of this process's share.
            tally: whose last batch has the size of the whole and the terms of the share.
        """
        if self.size == 1:
            return
        start, stop = self.rows(tally.sizes[-1])
        gradients = [p.grad for p in model.parameters() if p.grad is not None]
        parts = [*gradients, tally.last]
        together = torch.cat([part.flatten() for part in parts])
        together *= (stop - start) / tally.sizes[-1]
        dist.all_reduce(together)
        sums = torch.split(together, [part.numel() for part in parts])
        for part, summed in zip(parts, sums, strict=True):
            part.copy_(summed.view_as(part))

    def agree(self, found: Iterator[Path]) -> Iterator[Path]:
        """Give what the first process finds, in all of them."""
        if self.size == 1:
            yield from found
            return
        while True:
            name = os.fsencode(next(found, "")) if self.rank == 0 else b""
            told = torch.tensor([*name.ljust(PATH_BYTES, b"\0")], dtype=torch.uint8).to(_place())
            dist.broadcast(told, src=0)
            agreed = bytes(told.tolist()).rstrip(b"\0")
            if not agreed:
                return
            yield Path(os.fsdecode(agreed))

    def confirm(self, noise: Generator) -> None:
        """Check that all processes have drawn alike.

        Raises:
            RuntimeError: they have not, and so were not training one network: a bug.
        """
        if self.size == 1:
            return
        for state in (noise.get_state(), torch.get_rng_state()):
            theirs = state.to(_place(), copy=True)
            dist.broadcast(theirs, src=0)
            if not torch.equal(theirs.cpu(), state):
                raise RuntimeError(f"process {self.rank} has drawn other noise than process 0")


@final
class _Draws(TorchFunctionMode):
    """Draws for the whole batch what is asked for a share, and gives the share's rows of it.

    Which axis is that of samples is told by its length, the first that has it: networks draw
    ``(samples, ...)`` or ``(1, samples, ...)``.
    """

    def __init__(self, noise: Generator, whole: int, start: int, stop: int) -> None:
        super().__init__()
        self._noise, self._whole, self._start, self._stop = noise, whole, start, stop

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        if func in (torch.rand, torch.randn) and kwargs.get("generator") is self._noise:
            size: list[int] = [*(args[0] if isinstance(args[0], Sequence) else args)]
            axis = size.index(self._stop - self._start)
            size[axis] = self._whole
            drawn: Tensor = func(size, **kwargs)
            return drawn.narrow(axis, self._start, self._stop - self._start)
        if func is torch.Tensor.random_ and kwargs.get("generator") is self._noise:
            words = args[0]
            drawn = words.new_empty(self._whole, *words.shape[1:])
            func(drawn, *args[1:], **kwargs)
            words.copy_(drawn[self._start : self._stop])
            return words
        if func is dropout:
            return self._dropout(*args, **kwargs)
        return func(*args, **kwargs)

    def _dropout(
        self, x: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
    ) -> Tensor:
        ones = torch.ones(self._whole, *x.shape[1:], dtype=x.dtype, device=x.device)
        return x * dropout(ones, p, training)[self._start : self._stop]


def _place() -> torch.device:
    """Where the processes exchange tensors."""
    return torch.device("cuda" if dist.get_backend() == "nccl" else "cpu")
