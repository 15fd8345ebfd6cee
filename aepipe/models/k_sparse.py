"""Sparse codes: of any network's code only the largest activations count."""

from typing import Protocol, final

import torch
from torch import Tensor, nn


class Network(Protocol):
    """What a network must have for its code to be made sparse."""

    shape: tuple[int, ...]
    code_size: int

    def encode(self, x: Tensor) -> Tensor:
        """Give the code."""
        ...

    def decode(self, code: Tensor) -> Tensor:
        """Give the raw output."""
        ...

    def mean(self, raw: Tensor) -> Tensor:
        """Turn the raw output into the units of the input."""
        ...


@final
class KSparse(nn.Module):
    """A network of whose code only the k largest activations count.

    Makhzani and Frey (2014), "k-sparse autoencoders", ICLR, algorithm 1, where the network is one
    tied linear layer; section 4.2.1 for a k that falls from epoch to epoch.

    Args:
        network: any autoencoder; its code is made sparse, its decoder sees the sparse code.
        k: units that stay active in training, from the end of the schedule on.
        evaluation_k: units that stay active in evaluation (the paper's alpha times k).
        start_k: units that stay active in the first epoch.
        epochs: over which k moves linearly from ``start_k`` to ``k``; 0 without a schedule.

    Shapes:
        those of ``network``; each row of the code has at most k non-zeros.

    Raises:
        ValueError: a number of units is more than the code has.
    """

    def __init__(
        self, network: Network, k: int, evaluation_k: int, start_k: int, epochs: int
    ) -> None:
        super().__init__()
        self.network = network
        self.shape, self.code_size = network.shape, network.code_size
        if max(k, evaluation_k, start_k) > self.code_size:
            raise ValueError(
                f"k {k}, evaluation k {evaluation_k} and start k {start_k} must not exceed "
                f"code_size {self.code_size}"
            )
        self.k, self.evaluation_k = k, evaluation_k
        self.start_k, self.epochs = start_k, epochs

    def encode(self, x: Tensor) -> Tensor:
        """Give the sparse code ``(batch, code_size)`` of ``x``."""
        k = self.k if self.training else self.evaluation_k
        return keep_largest(self.network.encode(x), k)

    def encode_at(self, x: Tensor, epoch: int) -> Tensor:
        """Give the code as training sees it in ``epoch``, counted from 1.

        Validation in training looks at it too: with the k of evaluation, the best epoch would be
        one of the first, in which many units were still active.
        """
        return keep_largest(self.network.encode(x), self.k_at(epoch))

    def k_at(self, epoch: int) -> int:
        """Give the number of units that stay active in ``epoch`` of training, counted from 1."""
        passed = min(1.0, (epoch - 1) / self.epochs) if self.epochs else 1.0
        return round(self.start_k + passed * (self.k - self.start_k))

    def decode(self, code: Tensor) -> Tensor:
        """Give the raw output of the network's decoder."""
        return self.network.decode(code)

    def mean(self, raw: Tensor) -> Tensor:
        """Turn the raw output into the units of the input."""
        return self.network.mean(raw)


@final
class KeepLargest(nn.Module):
    """Sets all but the ``k`` largest activations of each row of ``(batch, units)`` to 0.

    Args:
        k: at most the number of units.
    """

    def __init__(self, k: int) -> None:
        super().__init__()
        self.k = k

    def forward(self, activations: Tensor) -> Tensor:
        """Give the sparse activations, of the same shape."""
        return keep_largest(activations, self.k)


def keep_largest(activations: Tensor, k: int) -> Tensor:
    """Set all but the ``k`` largest of each row of ``(batch, units)`` to 0."""
    values, places = activations.topk(k, dim=1)
    return torch.zeros_like(activations).scatter(1, places, values)
