"""What the machine can do at most: the matrix products of a training step alone, and copies.

The products are those that the step itself asks for, forward and backward: its calls are written
down as they are made, and made again with nothing between them, into memory that is there already.
"""

from collections.abc import Callable
from typing import Any, final

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from benchmarks.measure import Work, took

aten = torch.ops.aten
CONVOLUTIONS = (aten.convolution.default, aten.convolution_backward.default)
COPIED = 64 * 2**20  # bytes: more than caches hold


@final
class Products(TorchDispatchMode):
    """Writes down matrix products and convolutions while it is entered.

    Attributes:
        calls: each does one of them again.
        flops: of the matrix products among them.
    """

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[Callable[[], object]] = []
        self.flops = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Do what is asked, and keep it."""
        result = func(*args, **(kwargs or {}))
        match func:
            case aten.mm.default:
                self._product(args[0], args[1])
            case aten.addmm.default:  # without the addend, which is no product
                self._product(args[1], args[2])
            case _ if func in CONVOLUTIONS:
                kept = [_kept(each) if isinstance(each, Tensor) else each for each in args]
                self.calls.append(lambda: func(*kept))
        return result

    def _product(self, left: Tensor, right: Tensor) -> None:
        one, other = _kept(left), _kept(right)
        out = torch.empty(len(one), other.shape[1], dtype=one.dtype, device=one.device)
        self.calls.append(lambda: torch.mm(one, other, out=out))
        self.flops += 2 * left.numel() * right.shape[1]


def _kept(value: Tensor) -> Tensor:
    """Copy ``value`` with its layout, which the speed of a product depends on."""
    value = value.detach()
    return value.T.clone().T if value.dim() == 2 and value.stride(0) == 1 else value.clone()


def products(step: Callable[[], None]) -> tuple[Work, int]:
    """Give what does the products of one ``step`` so many times, and their operations."""
    with Products() as seen:
        step()

    def work(times: int) -> None:
        with torch.no_grad():
            for _ in range(times):
                for call in seen.calls:
                    call()

    return work, seen.flops


def copy_speed(device: torch.device) -> float:
    """Give the gigabytes a second that are read and written when a large tensor is copied."""
    source = torch.ones(COPIED, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)

    def work(times: int) -> None:
        for _ in range(times):
            target.copy_(source)

    return 2 * COPIED / min(took(work, 5).wall for _ in range(5)) / 1e9
