"""From the section of a penalty to its value."""

from typing import assert_never

from torch import Tensor

from aepipe.objectives.penalties import kl_sparsity, l1
from aepipe.params.penalties import L1, KLSparsity, Penalty


def penalty_term(penalty: Penalty, code: Tensor) -> Tensor:
    """Compute what ``penalty`` asks of ``code``, before its weight."""
    match penalty:
        case L1():
            return l1(code)
        case KLSparsity(target=target):
            return kl_sparsity(code, target)
        case _:
            assert_never(penalty)
