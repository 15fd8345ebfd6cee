"""From the section of a penalty to what it asks of a step."""

from typing import assert_never, cast

from torch import nn

from aepipe.objectives.autoencoder import Term
from aepipe.objectives.contraction import contractive, sampled_contraction, sampled_curvature
from aepipe.objectives.penalties import (
    RunningSparsity,
    kl_sparsity,
    l1,
    weight_l1,
    weight_l2,
    weights_of,
)
from aepipe.params.penalties import (
    L1,
    Contractive,
    ContractiveHigherOrder,
    ContractiveHutchinson,
    KLSparsity,
    Penalty,
    WeightL1,
    WeightL2,
)


def penalty_term(penalty: Penalty, network: nn.Module) -> Term:
    """Give what computes ``penalty`` on ``network``, before its weight.

    One that has a state is an ``nn.Module`` with that state in buffers.
    """
    match penalty:
        case L1():
            return lambda seen: l1(seen.code)
        case WeightL1():
            return lambda seen: weight_l1(weights_of(network))
        case WeightL2():
            return lambda seen: weight_l2(weights_of(network))
        case KLSparsity(target=target, decay=decay):
            if decay is None:
                return lambda seen: kl_sparsity(seen.code, target)
            units, place = cast(int, network.code_size), next(network.parameters()).device
            return RunningSparsity(units, target, decay).to(place)
        case Contractive():
            layer = _first_layer(network)
            return lambda seen: contractive(seen.code, layer.weight)
        case ContractiveHutchinson(projections=projections):
            return lambda seen: sampled_contraction(
                seen.encode, seen.shown, projections, seen.noise
            )
        case ContractiveHigherOrder(deviation=deviation, samples=samples):
            return lambda seen: sampled_curvature(
                seen.encode, seen.shown, deviation, samples, seen.noise
            )
        case _:
            assert_never(penalty)


def _first_layer(network: nn.Module) -> nn.Linear:
    """Give the encoder's only layer: the params have been checked for there being one."""
    return next(module for module in network.modules() if isinstance(module, nn.Linear))
