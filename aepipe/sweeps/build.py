"""From models with their seeds to groups that train at once, as far as memory allows."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, cast, final

import torch
from torch import Tensor

from aepipe.corruption.build import build_corruption
from aepipe.data.dataset import FITTED, Dataset
from aepipe.models.build import model_blueprint
from aepipe.models.files import construct
from aepipe.models.k_sparse import KSparse
from aepipe.monitor import Monitor, Prefixed
from aepipe.objectives.autoencoder import Network, terms_given
from aepipe.objectives.build.autoencoder import emphasis_weights, weighted_terms
from aepipe.params.models import Autoencoder
from aepipe.sweeps.loop import Trained, fit_group
from aepipe.sweeps.program import KeepSome, Program
from aepipe.sweeps.state import Member
from aepipe.training.build import Workbench, schedule
from aepipe.training.device import choose_device
from aepipe.training.feed import Feed, free_bytes

GROUP_BYTES = 2 * 2**30  # that the training of a group may take; more members gain nothing by then
FREE_SHARE = 0.5  # of the free memory, where that is less
COPIES = 6  # of the weights: gradients, two moments, the best so far, and one that passes


@final
@dataclass(frozen=True, slots=True)
class Candidate:
    """One training that is wanted.

    Attributes:
        model: what is trained.
        seed: its streams are those of the stage ``title`` in a pipeline with this seed.
        title: of the stage that would train it alone: ``model@denoising``.
    """

    model: Autoencoder
    seed: int
    title: str


def train_all(candidates: Sequence[Candidate], dataset: Dataset, monitor: Monitor) -> list[Trained]:
    """Train all, those that one program can train at once together as far as memory allows.

    Returns:
        In the order of ``candidates``.
    """
    trained: dict[int, Trained] = {}
    groups = _groups(candidates, dataset)
    for number, places in enumerate(groups, start=1):
        chosen = [candidates[place] for place in places]
        members = [_member(each, dataset) for each in chosen]
        program = _program([each.model for each in chosen], dataset)
        listener = Prefixed(monitor, f"group_{number}") if len(groups) > 1 else monitor
        fitted = fit_group(members, program, _feeds(chosen[0], dataset), listener)
        trained |= dict(zip(places, fitted, strict=True))
    return [trained[place] for place in range(len(candidates))]


def _groups(candidates: Sequence[Candidate], dataset: Dataset) -> list[list[int]]:
    """Give the places of candidates that train together, those with the same rate side by side."""
    alike: dict[Hashable, list[int]] = {}
    for place, candidate in enumerate(candidates):
        alike.setdefault(_shape(candidate.model), []).append(place)
    groups: list[list[int]] = []
    for places in alike.values():
        places.sort(key=lambda place: _rate(candidates[place].model))
        count = -(-len(places) // _most(candidates[places[0]], dataset))
        ends = [round(part * len(places) / count) for part in range(count + 1)]
        groups += [places[a:b] for a, b in pairwise(ends)]
    return groups


def _rate(model: Autoencoder) -> tuple[float, float]:
    return model.training.learning_rate, model.training.weight_decay


def _shape(model: Autoencoder) -> Hashable:
    """Give what two models must have in common to be trained by one program."""
    return (
        model.architecture,
        model.reconstruction,
        model.corruption.kind == "pairs",  # shown other rows
        model.sparsity is not None,
        _unweighted(model),
        model.training.batch_size,
        model.training.precision,
    )


def _unweighted(model: Autoencoder) -> tuple[Any, ...]:
    """Give the penalties with weight 1; each member has its own weights beside the program."""
    return tuple(penalty.model_copy(update={"weight": 1.0}) for penalty in model.penalties)


def _program(models: Sequence[Autoencoder], dataset: Dataset) -> Program:
    model = models[0]
    network = construct(model_blueprint(model, dataset.shape))
    if isinstance(network, KSparse):
        counts = (m.sparsity for m in models if m.sparsity)
        most = max(max(s.k, s.schedule.start_k if s.schedule else 0) for s in counts)
        network = KeepSome(network.network, most)
    network = network.to(choose_device())
    penalties = weighted_terms(cast(Network, network), _unweighted(model))
    given, states = terms_given(cast(Network, network), model.reconstruction, penalties)
    return Program(network, given, states)


def _member(candidate: Candidate, dataset: Dataset) -> Member:
    model = candidate.model
    bench = Workbench(candidate.seed, candidate.title)  # seeds the weights that come next
    network = construct(model_blueprint(model, dataset.shape))
    return Member(
        start=network.state_dict(),
        corrupt=build_corruption(model.corruption, dataset.value_range),
        weigh=emphasis_weights(model.emphasis, model.corruption),
        factors={penalty.kind: penalty.weight for penalty in model.penalties},
        active=network.k_at if isinstance(network, KSparse) else None,
        schedule=schedule(model.training),
        randomness=bench.randomness(),
    )


def _feeds(candidate: Candidate, dataset: Dataset) -> tuple[Feed, Feed]:
    bench, model = Workbench(candidate.seed, candidate.title), candidate.model
    size = model.training.batch_size
    train, valid = (bench.feed(dataset, split, model.corruption, size) for split in FITTED)
    return train, valid


def _most(candidate: Candidate, dataset: Dataset) -> int:
    """Give how many members like ``candidate`` train at once."""
    model = candidate.model
    program = _program([model], dataset)
    parameters = program.parameters().values()
    device = next(iter(parameters)).device
    weights = sum(value.nbytes for value in parameters)
    shape = (min(model.training.batch_size, dataset.counts["train"]), *dataset.shape)
    held = _held(program, torch.zeros(shape, device=device))
    budget = min(GROUP_BYTES, int(FREE_SHARE * free_bytes(device)))
    return max(1, budget // (COPIES * weights + 2 * held))  # gradients are as large


def _held(program: Program, batch: Tensor) -> int:
    """Count the bytes that a step of one member keeps until its gradients are known."""
    sizes: list[int] = []

    def pack(tensor: Tensor) -> Tensor:
        sizes.append(tensor.nbytes)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        program.alone((batch, batch, None))
    return sum(sizes) + 3 * batch.nbytes  # shown, target and what is drawn
