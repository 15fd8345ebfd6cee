"""How probable test samples are to a restricted Boltzmann machine."""

from dataclasses import dataclass
from typing import TypedDict, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor

from aepipe.data.seeds import derive
from aepipe.evaluation.judge import Court
from aepipe.evaluation.partition import LogPartition, annealed, enumerable, enumerated
from aepipe.evaluation.uncertainty import Figure, bootstrap_mean, figure
from aepipe.models.pseudo_likelihood import log_pseudo_likelihood
from aepipe.models.rbm import RestrictedBoltzmannMachine
from aepipe.params.judgements import Partition

FLIPS = 64  # bits of a test sample whose conditionals are taken, of those that there are


class EnergyFigures(TypedDict):
    """Figures of one machine on the test split, in nats.

    The intervals of ``log_partition`` and ``log_likelihood`` are those of the normaliser's
    estimate; that of ``log_pseudo_likelihood``, which needs no normaliser and is None for Gaussian
    visible units, is the bootstrap's over samples.
    """

    log_partition: Figure
    log_likelihood: Figure
    log_pseudo_likelihood: Figure | None


@final
@dataclass(frozen=True, slots=True)
class _Scores:
    """Of each test sample: minus its free energy, and its log pseudo-likelihood or None."""

    unnormalised: NDArray[np.float64]
    pseudo: NDArray[np.float64] | None


def energy_figures(
    model: RestrictedBoltzmannMachine, court: Court, config: Partition
) -> EnergyFigures:
    """Estimate the normaliser and with it the mean log-probability of the test split.

    Samples between 0 and 1 are not what Bernoulli units can show: where the machine was trained on
    bits drawn from them, one such draw is judged, else the nearer bit of each value.

    Args:
        model: on the CPU.
        court: where the samples and the seed are.
        config: chains and temperatures, for a machine too large to enumerate.
    """

    def stream(purpose: str) -> Generator:
        return torch.Generator().manual_seed(derive(court.seed, f"energy/{purpose}"))

    if enumerable(model):
        partition = enumerated(model)
    else:
        means = _training_means(court)
        chains, steps = config.chains, config.temperatures
        partition = annealed(model, means, chains, steps, stream("annealing"))
    scores = _score(model, court, stream("bits"), stream("flips"))
    return _figures(partition, scores, court)


def _training_means(court: Court) -> Tensor:
    rows = np.arange(court.dataset.counts["train"])
    total = np.zeros(court.dataset.shape)
    for batch in court.batches("train", rows):
        total += batch.sum(axis=0, dtype=np.float64)
    return torch.from_numpy((total / len(rows)).astype(np.float32))


@torch.no_grad()
def _score(
    model: RestrictedBoltzmannMachine, court: Court, bits: Generator, flips: Generator
) -> _Scores:
    unnormalised: list[Tensor] = []
    pseudo: list[Tensor] = []
    for batch in court.batches("test", court.test_rows):
        visible = model.units(torch.from_numpy(batch), bits)
        if model.visible == "bernoulli":
            visible = visible.round()
            pseudo.append(log_pseudo_likelihood(model, visible, FLIPS, flips).double())
        unnormalised.append(-model.free_energy(visible).double())
    return _Scores(
        unnormalised=torch.cat(unnormalised).numpy(),
        pseudo=torch.cat(pseudo).numpy() if pseudo else None,
    )


def _figures(partition: LogPartition, scores: _Scores, court: Court) -> EnergyFigures:
    mean = float(scores.unnormalised.mean())
    pseudo = None if scores.pseudo is None else bootstrap_mean(scores.pseudo, court.bootstrap)
    return {
        "log_partition": figure(partition.value, partition.low, partition.high),
        "log_likelihood": figure(
            mean - partition.value, mean - partition.high, mean - partition.low
        ),
        "log_pseudo_likelihood": pseudo,
    }
