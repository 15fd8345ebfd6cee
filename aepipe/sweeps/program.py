"""The loss of one network, computed for many sets of weights at once.

``torch.func.vmap`` turns each operation of the ordinary loss into one over all members. Some it
takes apart into several passes over memory, and those are done by hand: see :class:`ByHand`.
"""

from collections.abc import Callable, Sequence
from typing import Any, final

import torch
from torch import Generator, Tensor, nn
from torch.func import functional_call, vmap
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from aepipe.models.k_sparse import Network
from aepipe.objectives.loss import Terms

ACTIVE = "network.k"  # the buffer of :class:`KeepSome`
EPOCH = 1  # any: what depends on it is a buffer

Rows = tuple[Tensor, Tensor, Tensor | None]  # shown, target, weights in the error
Given = Callable[[Rows, Generator, int], Terms]


@final
class Program:
    """The terms of the loss of each member.

    Args:
        network: of any member; its weights don't matter.
        given: its terms, with every penalty at weight 1, computed on ``network``.
        states: those of its terms that remember earlier batches.
    """

    def __init__(self, network: nn.Module, given: Given, states: Sequence[nn.Module]) -> None:
        self.network = network
        self.states = nn.ModuleList(states)
        self._joined = _Joined(network, self.states, given)
        # of a loss that draws nothing more: what draws is not swept
        self._noise = Generator(next(network.parameters()).device)

    def parameters(self) -> dict[str, Tensor]:
        """Give the parameters of one member, by the names that :meth:`terms` takes them by."""
        return {name: value.detach() for name, value in self._joined.named_parameters()}

    def buffers(self) -> dict[str, Tensor]:
        """Give the buffers of one member, by name."""
        return {name: value.detach() for name, value in self._joined.named_buffers()}

    def weights(self, parameters: dict[str, Tensor]) -> dict[str, Tensor]:
        """Give ``parameters`` by the names that the network itself has for them."""
        return {name.removeprefix("network."): value for name, value in parameters.items()}

    def train(self, mode: bool) -> None:
        """Put the network into training mode, or evaluation."""
        self._joined.train(mode)

    def alone(self, rows: Rows) -> Terms:
        """Give the terms of the network itself, for rows ``(batch, *shape)``."""
        terms: Terms = self._joined(rows, self._noise, EPOCH)
        return terms

    def terms(self, parameters: dict[str, Tensor], buffers: dict[str, Tensor], rows: Rows) -> Terms:
        """Give each term of each member, ``(members,)``, before the weights of penalties.

        Args:
            parameters: by name, ``(members, *shape)``.
            buffers: likewise; those of penalties with a state are changed in place.
            rows: each ``(members, batch, *shape)``.
        """

        def one(parameters: dict[str, Tensor], buffers: dict[str, Tensor], rows: Rows) -> Terms:
            arguments = (rows, self._noise, EPOCH)
            terms: Terms = functional_call(self._joined, (parameters, buffers), arguments)
            return terms

        dims = (0, 0, None if rows[2] is None else 0)
        with ByHand():
            terms: Terms = vmap(one, in_dims=(0, 0 if buffers else None, dims))(
                parameters, buffers, rows
            )
        return terms


@final
class _Joined(nn.Module):
    """A network and the states of its loss, so that all of it can be given other tensors."""

    def __init__(self, network: nn.Module, states: nn.ModuleList, given: Given) -> None:
        super().__init__()
        self.network, self.states, self._given = network, states, given

    def forward(self, rows: Rows, noise: Generator, epoch: int) -> Terms:
        return self._given(rows, noise, epoch)


@final
class KeepSome(nn.Module):
    """A network of whose code the largest activations count, as many as a buffer says.

    :class:`aepipe.models.k_sparse.KSparse` with its number as data, so that members differ in it.

    Args:
        network: any autoencoder.
        most: activations that count in any member in any epoch.
    """

    k: Tensor

    def __init__(self, network: Network, most: int) -> None:
        super().__init__()
        self.network = network
        self.shape, self.code_size, self.most = network.shape, network.code_size, most
        self.register_buffer("k", torch.tensor(most))

    def encode(self, x: Tensor) -> Tensor:
        """Give the sparse code ``(batch, code_size)`` of ``x``."""
        activations = self.network.encode(x)
        values, places = activations.topk(self.most, dim=1)  # the largest first
        kept = torch.where(torch.arange(self.most, device=x.device) < self.k, values, 0.0)
        return torch.zeros_like(activations).scatter(1, places, kept)

    def decode(self, code: Tensor) -> Tensor:
        """Give the raw output of the network's decoder."""
        return self.network.decode(code)


@final
class ByHand(TorchFunctionMode):
    """Does by hand what vmap would take apart, with the same results.

    vmap makes of a linear layer a matrix product, a copy and a sum, and of the cross-entropy ten
    passes over the batch; done as below both cost as much for many members as for one large batch.
    A moving average it takes member by member, with a warning.
    """

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Divert three functions, and call any other."""
        if func is functional.linear:
            return _Linear.apply(*args, **(kwargs or {}))  # type: ignore[no-untyped-call]
        if func is functional.binary_cross_entropy_with_logits:
            return _CrossEntropy.apply(*args)  # type: ignore[no-untyped-call]
        if func is Tensor.lerp_:
            return args[0].copy_(_Lerp.apply(*args))  # type: ignore[no-untyped-call]
        return func(*args, **(kwargs or {}))


class _Linear(torch.autograd.Function):
    """``nn.functional.linear`` of members; outside vmap it is never used."""

    @staticmethod
    def forward(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        return functional.linear(x, weight, bias)

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        raise NotImplementedError("inside vmap only, which differentiates what `vmap` below does")

    @staticmethod
    def vmap(
        info: Any, dims: Any, x: Tensor, weight: Tensor, bias: Tensor | None = None
    ) -> tuple[Tensor, int]:
        x, weight = x.movedim(dims[0], 0), weight.movedim(dims[1], 0)
        if bias is None:
            return torch.bmm(x, weight.mT), 0
        return torch.baddbmm(bias.movedim(dims[2], 0)[:, None], x, weight.mT), 0


class _CrossEntropy(torch.autograd.Function):
    """``binary_cross_entropy_with_logits`` of each component of members."""

    @staticmethod
    def forward(raw: Tensor, target: Tensor) -> Tensor:
        return functional.binary_cross_entropy_with_logits(raw, target, reduction="none")

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        raise NotImplementedError("inside vmap only, which differentiates what `vmap` below does")

    @staticmethod
    def vmap(info: Any, dims: Any, raw: Tensor, target: Tensor) -> tuple[Tensor, int]:
        raw, target = raw.movedim(dims[0], 0), target.movedim(dims[1], 0)
        return functional.binary_cross_entropy_with_logits(raw, target, reduction="none"), 0


class _Lerp(torch.autograd.Function):
    """``torch.lerp`` with one weight for all; of what is not differentiated."""

    @staticmethod
    def forward(start: Tensor, end: Tensor, weight: float) -> Tensor:
        return torch.lerp(start, end, weight)

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        """Keep nothing."""

    @staticmethod
    def vmap(info: Any, dims: Any, start: Tensor, end: Tensor, weight: float) -> tuple[Tensor, int]:
        if dims[1] is not None:
            end = end.movedim(dims[1], 0)
        return torch.lerp(start.movedim(dims[0], 0), end, weight), 0
