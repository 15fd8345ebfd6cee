"""How well a variational network explains samples: bounds of ``log p(x)`` in nats, and its code."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor

from aepipe.data.seeds import derive
from aepipe.evaluation.judge import Court
from aepipe.evaluation.uncertainty import Bootstrap, Figure, bootstrap_mean
from aepipe.models.likelihood import BernoulliLikelihood
from aepipe.models.vae import VariationalNetwork, log_likelihood
from aepipe.monitor import Monitor
from aepipe.params.judgements import Likelihood as Config

Float64 = NDArray[np.float64]
DECODED_AT_ONCE = 5000  # draws in memory at once; with another number the draws are others
ACTIVE = 0.01  # variance of a coordinate's posterior mean; Burda et al. (2016), appendix C


@final
@dataclass(frozen=True, slots=True)
class Explained:
    """One value for each sample, in nats.

    Attributes:
        log_likelihood: importance-weighted bound of ``log p(x)``.
        reconstruction: mean ``log p(x | z)`` over the draws.
        divergence: of the posterior from the prior.
        codes: where the posteriors are centred, ``(samples, code_size)``.
        fewer: the same bound from the first draws alone, by their number.
    """

    log_likelihood: Float64
    reconstruction: Float64
    divergence: Float64
    codes: Float64
    fewer: dict[int, Float64] = field(default_factory=dict)


def explain(
    network: VariationalNetwork,
    batches: Iterable[Tensor],
    samples: int,
    binarised: bool,
    generator: Generator,
    also: Sequence[int] = (),
) -> Explained:
    """Draw ``samples`` latent variables for each sample and weigh them.

    Burda, Grosse and Salakhutdinov (2016), "Importance weighted autoencoders", equation 8, as a
    running ``logsumexp`` over chunks, so that memory does not grow with ``samples``.

    Args:
        network: in evaluation mode, on the CPU.
        batches: of ``(batch, *shape)``, scaled; :func:`rows_at_once` says how many each.
        samples: 500 and 5,000 are usual; the bound rises towards ``log p(x)`` with them.
        binarised: whether pixels are coins, thrown once for each sample.
        generator: on the CPU.
        also: smaller numbers of draws at which the bound is told too.
    """
    parts: list[tuple[Tensor, ...]] = []
    with torch.inference_mode():
        for x in batches:
            rows = (torch.rand(x.shape, generator=generator) < x).to(x) if binarised else x
            weighed = _weighed(network, rows, (*also, samples), generator)
            parts.append((network.encode(rows), *weighed))
    columns = (torch.cat(column).double().numpy() for column in zip(*parts, strict=True))
    codes, fit, cost, *bounds = columns
    return Explained(bounds[-1], fit, cost, codes, dict(zip(also, bounds, strict=False)))


def explain_test_split(
    network: VariationalNetwork, court: Court, config: Config, monitor: Monitor
) -> Explained:
    """Weigh draws of the latent variable for test samples, the same ones for every network."""
    order = np.random.default_rng(derive(court.seed, "likelihood rows")).permutation
    rows = np.sort(order(court.test_rows)[: config.rows])
    size = rows_at_once(config.samples)  # not the batch size, on which no result may depend
    chunks = [rows[start : start + size] for start in range(0, len(rows), size)]
    parts, dataset = court.dataset.features("test"), court.dataset
    return explain(
        network,
        (
            torch.from_numpy(dataset.scaled(parts.rows(chunk)))
            for chunk in monitor.progress(chunks, "likelihood")
        ),
        config.samples,
        config.binarised and isinstance(network.likelihood, BernoulliLikelihood),
        torch.Generator().manual_seed(derive(court.seed, "likelihood")),
        config.also,
    )


def rows_at_once(samples: int) -> int:
    """Give for how many samples that many draws are kept in memory together."""
    return max(1, DECODED_AT_ONCE // samples)


def _weighed(
    network: VariationalNetwork, rows: Tensor, counts: Sequence[int], generator: Generator
) -> tuple[Tensor, ...]:
    """Give reconstruction and divergence of each of ``rows``, and the bound for each of ``counts``.

    In float64; the last of ``counts`` is the largest, and all begin with the same draws.
    """
    samples = counts[-1]
    bounds = [torch.full((len(rows),), -torch.inf, dtype=torch.float64) for _ in counts]
    fit, cost = torch.zeros_like(bounds[0]), torch.zeros_like(bounds[0])
    at_once = max(1, DECODED_AT_ONCE // len(rows))
    for start in range(0, samples, at_once):
        inference = network.infer(rows, min(at_once, samples - start), generator)
        fits = log_likelihood(network, inference.raw, rows).double()
        weights = fits - inference.log_ratio().double()
        for place, count in enumerate(counts):
            if start < count:
                first = weights[: count - start].logsumexp(dim=0)
                bounds[place] = torch.logaddexp(bounds[place], first)
        fit += fits.sum(dim=0)
        cost += inference.divergence().double().sum(dim=(0, 2))
    means = [bound - np.log(count) for bound, count in zip(bounds, counts, strict=True)]
    return fit / samples, cost / samples, *means


def active_units(codes: Float64) -> int:
    """Count the coordinates that say something: their posterior mean varies by more than 0.01.

    Burda et al. (2016), appendix C. A coordinate below that has collapsed to the prior.

    Args:
        codes: posterior means, ``(samples, code_size)``.
    """
    return int((codes.var(axis=0) > ACTIVE).sum())


def likelihood_figures(explained: Explained, bootstrap: Bootstrap) -> dict[str, Figure | int]:
    """Give the figures as the JSON file holds them, intervals over the samples."""
    bound = explained.reconstruction - explained.divergence
    fewer = explained.fewer.items()
    return {
        **{f"log_likelihood_{count}": bootstrap_mean(values, bootstrap) for count, values in fewer},
        "log_likelihood": bootstrap_mean(explained.log_likelihood, bootstrap),
        "evidence_lower_bound": bootstrap_mean(bound, bootstrap),
        "reconstruction": bootstrap_mean(explained.reconstruction, bootstrap),
        "divergence": bootstrap_mean(explained.divergence, bootstrap),
        "active_units": active_units(explained.codes),
        "samples": len(bound),
    }
