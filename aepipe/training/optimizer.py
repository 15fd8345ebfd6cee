"""torch's optimizer without what torch wraps around it.

At their first use torch's optimizers import its compiler, which takes as long as torch itself: to
keep some of their methods out of what it compiles, and to break what it traces at each step. Here
nothing is compiled, so the methods are used as they are inside the wrapping. A torch that wraps
them in another way would only import its compiler again, and start a second later.
"""

import inspect
from collections.abc import Callable

import torch
from torch import nn

GUARDED = ("add_param_group", "zero_grad", "state_dict", "load_state_dict")
GUARD = "__dynamo_disable"  # where torch keeps what it calls in place of a guarded method


def adamw(model: nn.Module, learning_rate: float, weight_decay: float) -> torch.optim.Optimizer:
    """Give AdamW over the parameters of ``model`` that are trained, in one fused pass if it can be.

    Loshchilov and Hutter (2019), "Decoupled weight decay regularization", ICLR.
    """
    for name in GUARDED:
        plain = inspect.unwrap(getattr(torch.optim.Optimizer, name))
        if not hasattr(plain, GUARD):
            setattr(plain, GUARD, plain)
    return torch.optim.AdamW(
        [p for p in model.parameters() if p.requires_grad],
        lr=learning_rate,
        weight_decay=weight_decay,
        fused=next(model.parameters()).device.type in ("cpu", "cuda"),
    )


def step_of(optimizer: torch.optim.Optimizer) -> Callable[[], None]:
    """Give what takes a step, as ``optimizer.step()`` does."""
    plain = inspect.unwrap(type(optimizer).step)

    def step() -> None:
        with torch.no_grad():
            plain(optimizer)

    return step
