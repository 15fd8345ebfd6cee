"""Batches from stored arrays: kept on the device as stored, turned into float32 batch by batch."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor

from aepipe.data.parts import Parts
from aepipe.objectives.loss import Batch

RESIDENT_SHARE = 0.5  # of the free memory; results are the same on either side of it
AHEAD = 8  # batches that are read from disk while others are computed; enough for slow disks


class Rows(Protocol):
    """Rows of one array, fetched to the device by index."""

    def fetch(self, indices: Tensor) -> Tensor:
        """Give ``(len(indices), *shape)`` in float32, scaled."""
        ...

    def expect(self, indices: Tensor) -> None:
        """Hear which rows will be asked for soon."""
        ...


@final
@dataclass(frozen=True, slots=True)
class Feed:
    """One split as training sees it.

    Attributes:
        input: what the network is shown before corruption.
        target: what it is to reconstruct; the same rows as ``input`` unless the data are pairs.
        labels: ``(samples,)`` on the device, or None.
        indices: ``(samples,)`` on the CPU, the rows that take part.
        batch_size: samples per batch; the last batch of an epoch may be smaller.
    """

    input: Rows
    target: Rows
    labels: Tensor | None
    indices: Tensor
    batch_size: int

    def __len__(self) -> int:
        return -(-len(self.indices) // self.batch_size)

    def shuffled(self, order: Generator, done: int = 0) -> Iterator[Batch]:
        """Go through all samples once, in an order drawn from ``order`` (on the CPU).

        The first ``done`` batches of that order are left out.
        """
        drawn = self.indices[torch.randperm(len(self.indices), generator=order)]
        yield from self._batches(drawn[done * self.batch_size :])

    def in_order(self) -> Iterator[Batch]:
        """Go through all samples once, as stored."""
        yield from self._batches(self.indices)

    def _batches(self, indices: Tensor) -> Iterator[Batch]:
        batches = torch.split(indices, self.batch_size) if len(indices) else ()
        for coming in batches[:AHEAD]:
            self._expect(coming)
        for number, chosen in enumerate(batches):
            for coming in batches[number + AHEAD : number + AHEAD + 1]:
                self._expect(coming)
            shown = self.input.fetch(chosen)
            target = shown if self.target is self.input else self.target.fetch(chosen)
            device = shown.device
            label = torch.empty(0, dtype=torch.int64, device=device)
            if self.labels is not None:
                label = self.labels[chosen.to(device)]
            yield Batch(shown, target, label, chosen)

    def _expect(self, indices: Tensor) -> None:
        self.input.expect(indices)
        if self.target is not self.input:
            self.target.expect(indices)


@final
class Scaling:
    """Stored rows to what a network sees, in as few passes over them as it takes.

    Args:
        scale: factor, a scalar or of the shape of a row.
        offset: addend, likewise.
    """

    def __init__(self, scale: Tensor, offset: Tensor) -> None:
        self.device = scale.device
        self._scale = None if bool((scale == 1).all()) else scale
        self._offset = None if bool((offset == 0).all()) else offset

    def __call__(self, rows: Tensor) -> Tensor:
        """Give ``rows`` in float32, scaled; they may be overwritten."""
        scaled = rows.float()
        if self._scale is not None:
            scaled = scaled.mul_(self._scale)
        return scaled if self._offset is None else scaled.add_(self._offset)


@final
class Resident:
    """An array that lies on the device whole, in the type it is stored in."""

    def __init__(self, stored: Tensor, scale: Tensor, offset: Tensor) -> None:
        self._stored, self._scaled = stored, Scaling(scale, offset)

    def fetch(self, indices: Tensor) -> Tensor:
        """Gather on the device."""
        # whole rows are copied at once, which indexing would do element by element
        return self._scaled(self._stored.index_select(0, indices.to(self._stored.device)))

    def expect(self, indices: Tensor) -> None:
        """They are there already."""


@final
class Mapped:
    """An array too large for the memory, read from its memory-mapped parts batch by batch."""

    def __init__(self, parts: Parts, scale: Tensor, offset: Tensor) -> None:
        self._parts, self._scaled = parts, Scaling(scale, offset)

    def fetch(self, indices: Tensor) -> Tensor:
        """Read on the CPU, then move."""
        rows = torch.from_numpy(self._parts.rows(indices.numpy()))
        return self._scaled(rows.to(self._scaled.device))

    def expect(self, indices: Tensor) -> None:
        """Have them read while earlier batches are computed."""
        self._parts.expect(indices.numpy())


def rows_of(
    parts: Parts, scaling: tuple[NDArray[np.float32], NDArray[np.float32]], device: torch.device
) -> Rows:
    """Give the rows of ``parts`` on ``device``: whole where they fit, mapped where not.

    Args:
        parts: of ``(rows, *shape)``.
        scaling: factor and addend, scalars or of ``shape``.
        device: where batches are wanted.
    """
    scale, offset = (torch.from_numpy(np.array(value)).to(device) for value in scaling)
    if parts.nbytes > RESIDENT_SHARE * free_bytes(device):
        return Mapped(parts, scale, offset)
    return Resident(torch.from_numpy(parts.load()).to(device), scale, offset)


def free_bytes(device: torch.device) -> int:
    """Give how much of the device's memory nobody uses."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
