"""Dense layers in a row: what every dense network is built of."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal, TypedDict, final

from torch import Tensor, nn
from torch.nn.functional import batch_norm

from aepipe.models.k_sparse import KeepLargest
from aepipe.models.outputs import Activation, activation


class Options(TypedDict, total=False):
    """What a perceptron can have beside its layers; each may be left out.

    ``dropout`` is the probability of dropping each hidden unit in training (Srivastava et al.
    2014, JMLR 15:1929). ``normalisation`` stands between a hidden layer and its activation: over
    the batch (Ioffe and Szegedy 2015, ICML) or over the layer's units (Ba, Kiros and Hinton 2016).
    ``kept`` says for each layer how many of its units count, the largest; None for all of them.
    """

    dropout: float
    normalisation: Literal["batch", "layer"]
    kept: Sequence[int | None]


def perceptron(
    sizes: Sequence[int], nonlinearities: Sequence[Activation], options: Options | None = None
) -> nn.Sequential:
    """Linear layers through ``sizes``, each followed by its activation.

    Dropout and normalisation act on all layers but the last.
    """
    options = options or {}
    layers: list[nn.Module] = []
    kept = options.get("kept") or [None] * len(nonlinearities)
    steps = zip(pairwise(sizes), nonlinearities, kept, strict=True)
    for number, ((fan_in, fan_out), name, units) in enumerate(steps, start=1):
        last = number == len(nonlinearities)
        layers.append(nn.Linear(fan_in, fan_out, bias=has_bias(options, last)))
        layers += [activation(name)] if last else behind(fan_out, name, options)
        if units is not None:
            layers.append(KeepLargest(units))
    return nn.Sequential(*layers)


def behind(width: int, name: Activation, options: Options) -> list[nn.Module]:
    """Give what follows the linear map of a hidden layer: normalisation, activation, dropout."""
    layers: list[nn.Module] = []
    match options.get("normalisation"):
        case "batch":
            layers.append(BatchNormalisation(width))
        case "layer":
            layers.append(nn.LayerNorm(width))
        case None:
            pass
    layers.append(activation(name))
    if "dropout" in options:
        layers.append(nn.Dropout(options["dropout"]))
    return layers


def has_bias(options: Options, last: bool) -> bool:
    """Say whether a linear layer has a bias: batch normalisation would only take it away again."""
    return last or options.get("normalisation") != "batch"


def linears(network: nn.Sequential) -> list[nn.Linear]:
    """Give the linear layers of ``network`` in order."""
    return [module for module in network if isinstance(module, nn.Linear)]


@final
class BatchNormalisation(nn.Module):
    """Mean 0 and variance 1 for each unit over the batch, then a learned scale and shift.

    Ioffe and Szegedy (2015), ICML, algorithm 1; in evaluation, running estimates take the place of
    the batch's moments (algorithm 2). So they do for a batch of one sample, which has no variance:
    the last batch of an epoch can be one.

    Args:
        width: number of units.

    Shapes:
        ``(batch, width)`` in and out.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.normalise = nn.BatchNorm1d(width)

    def forward(self, x: Tensor) -> Tensor:
        """Give the normalised units."""
        if self.training and len(x) == 1:
            norm = self.normalise
            return batch_norm(x, norm.running_mean, norm.running_var, norm.weight, norm.bias)
        normalised: Tensor = self.normalise(x)
        return normalised
