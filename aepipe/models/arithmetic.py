"""How much arithmetic a network needs: a figure of its shape alone, unlike the seconds it takes."""

from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import cast

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode


def multiply_adds(network: nn.Module, shape: Sequence[int]) -> int:
    """Count the multiplications with an addition by which ``network`` encodes one sample.

    Those of matrix products, convolutions and attention, which are nearly all.

    Args:
        network: with ``encode``.
        shape: of one sample.
    """
    # in float64, for which no processor has fused kernels, into which the counter could not see
    watched = deepcopy(network).double()
    encode = cast(Callable[[Tensor], Tensor], watched.encode)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        encode(torch.ones(1, *shape, dtype=torch.float64))
    return int(counter.get_total_flops()) // 2
