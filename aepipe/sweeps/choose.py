"""Which setting of a sweep is best on the validation split."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import assert_never, cast, final

import numpy as np
import torch
from torch import Tensor, nn

from aepipe.data.dataset import FITTED, UNLABELLED, Dataset, Split
from aepipe.errors import DivergedError
from aepipe.evaluation.candidates import Labelled
from aepipe.evaluation.probes import fit_linear
from aepipe.models.build import model_blueprint
from aepipe.models.files import construct
from aepipe.monitor import Monitor
from aepipe.objectives.autoencoder import Network
from aepipe.objectives.reconstruction import distance
from aepipe.params.corruption import NoCorruption
from aepipe.params.models import Autoencoder
from aepipe.params.sweep import ByClassification, ByLoss, ByReconstruction, Choose
from aepipe.sweeps.build import Candidate
from aepipe.sweeps.loop import Trained
from aepipe.training.build import Workbench
from aepipe.training.state import best_epoch

ROWS = 1000  # encoded at once; changes memory alone


@final
@dataclass(frozen=True, slots=True)
class Score:
    """How a member does on the validation split; infinite where it has diverged.

    Attributes:
        loss: of its best epoch, as training saw it.
        reconstruction: error of clean samples, sum over features, mean over samples.
        classification: share of mistakes of a linear classifier of its codes; None where sweeps
            are not chosen by it.
    """

    loss: float
    reconstruction: float
    classification: float | None


def score(
    candidate: Candidate, trained: Trained, choose: Choose, dataset: Dataset, monitor: Monitor
) -> Score:
    """Judge one member by the validation split."""
    asked = isinstance(choose, ByClassification)
    if trained.diverged:
        return Score(np.inf, np.inf, np.inf if asked else None)
    network = restored(candidate.model, trained, dataset)
    loss = best_epoch(trained.history)["valid_total"]
    error = _reconstruction(candidate, network, dataset)
    mistakes = None
    if isinstance(choose, ByClassification):
        train, valid = (_codes(candidate, network, dataset, split) for split in FITTED)
        train = _thinned(train, choose.rows)
        probe = fit_linear(choose.probe, train, valid, monitor)
        mistakes = float(np.mean(probe.predict(valid.codes) != valid.labels))
    return Score(loss, error, mistakes)


def decisive(choose: Choose, dataset: Dataset, monitor: Monitor) -> Choose:
    """Give what decides with these data: without labels to tell apart it is reconstruction."""
    if not isinstance(choose, ByClassification):
        return choose
    train, valid = (dataset.labels(split) for split in FITTED)
    if len(np.unique(train[train != UNLABELLED])) > 1 and np.any(valid != UNLABELLED):
        return choose
    monitor.remark("nothing to classify, so the setting is chosen by reconstruction")
    return ByReconstruction(by="reconstruction")


def winner(scores: Sequence[Sequence[Score]], choose: Choose) -> int:
    """Give the place of the best setting, by the mean over its seeds; of equals, the first.

    Args:
        scores: of each setting, one for each seed.
        choose: what decides.

    Raises:
        DivergedError: no setting was trained to an end with every seed.
    """
    means = [_mean(each, choose) for each in scores]
    best = min(range(len(scores)), key=lambda place: means[place])
    if not np.isfinite(means[best][0]):
        raise DivergedError(
            f"each of the {len(scores)} settings diverged; lower training.learning_rate"
        )
    return best


def restored(model: Autoencoder, trained: Trained, dataset: Dataset) -> nn.Module:
    """Give the network of a member, with the weights of its best epoch, in evaluation mode."""
    network = construct(model_blueprint(model, dataset.shape))
    network.load_state_dict(trained.weights)
    device = next(iter(trained.weights.values())).device
    return network.to(device).eval()


def _mean(scores: Sequence[Score], choose: Choose) -> tuple[float, ...]:
    """Give what settings are ordered by: what decides, then what decides among equals."""
    error = float(np.mean([each.reconstruction for each in scores]))
    match choose:
        case ByClassification():
            mistakes = [each.classification for each in scores if each.classification is not None]
            return float(np.mean(mistakes)), error
        case ByReconstruction():
            return (error,)
        case ByLoss():
            return (float(np.mean([each.loss for each in scores])),)
        case _:
            assert_never(choose)


def _reconstruction(candidate: Candidate, network: nn.Module, dataset: Dataset) -> float:
    error, reads = distance(candidate.model.reconstruction), cast(Network, network)
    total, count = 0.0, 0
    for rows in _clean(candidate, dataset, "valid"):
        raw = reads.decode(reads.encode(rows))
        total += float(error(raw, rows.view_as(raw))) * len(rows)
        count += len(rows)
    return total / count


def _codes(candidate: Candidate, network: nn.Module, dataset: Dataset, split: Split) -> Labelled:
    """Encode the clean samples of a split that have a label."""
    encoded = [
        cast(Network, network).encode(rows).cpu().numpy()
        for rows in _clean(candidate, dataset, split)
    ]
    labels = dataset.labels(split)
    known = np.flatnonzero(labels != UNLABELLED)
    return Labelled(np.concatenate(encoded)[known].astype(np.float64), labels[known])


def _thinned(samples: Labelled, rows: int) -> Labelled:
    """Give at most so many, spread evenly, for they may be stored class by class."""
    count = len(samples.labels)
    if count <= rows:
        return samples
    chosen = np.linspace(0, count - 1, rows).round().astype(int)
    return Labelled(samples.codes[chosen], samples.labels[chosen])


def _clean(candidate: Candidate, dataset: Dataset, split: Split) -> Iterator[Tensor]:
    bench = Workbench(candidate.seed, candidate.title)
    with torch.no_grad():
        for batch in bench.feed(dataset, split, NoCorruption(kind="none"), ROWS).in_order():
            yield batch.target
