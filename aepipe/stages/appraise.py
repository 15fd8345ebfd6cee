"""Judge what a variational network generates: against the test split, and for copies of training.

Everything is compared in a declared space of features, by default that of the pipeline's own
classifier: the code below its head. Figures are of use for comparing networks in the same space.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, assert_never, cast, final

import numpy as np
import torch
from numpy.typing import NDArray

from aepipe.data.dataset import Dataset, Split, open_dataset
from aepipe.data.parts import Array
from aepipe.data.seeds import derive
from aepipe.errors import ArtifactError, ParamsError
from aepipe.evaluation.generation import fidelity, memorisation, nearest
from aepipe.evaluation.threads import one_thread
from aepipe.evaluation.uncertainty import Bootstrap
from aepipe.files import write_json
from aepipe.models.absent import absence, write_absence
from aepipe.models.two_layer import TwoLayerVariational
from aepipe.models.vae import VariationalAutoencoder, VariationalNetwork
from aepipe.monitor import Monitor
from aepipe.representation import load_representations
from aepipe.signature import instance, section

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Params:
    """Sections of params.yaml that the stage reads."""

    seed: int
    seeds: int = section("evaluate.seeds")
    name: str = instance()
    feature_space: Literal["classifier", "pixels"] = section("appraise.feature_space")
    samples: int = section("appraise.samples")
    neighbours: int = section("appraise.neighbours")
    shown: int = section("appraise.shown")
    confidence: float = section("evaluate.confidence")
    resamples: int = section("evaluate.resamples")
    batch_size: int = section("evaluate.batch_size")


@dataclass(frozen=True, slots=True)
class Inputs:
    """The dataset, the network that generates, and the classifier."""

    dataset: Path
    model: Path
    classifier: Path


@dataclass(frozen=True, slots=True)
class Outputs:
    """A JSON file of figures, and a folder with ``first.npy`` and ``closest.npy``.

    The figures of further trainings are in its list ``repeats``.

    Each is ``(2, shown, *shape)`` in scaled units, generated samples and the training samples
    nearest to them: of the first that were drawn, and of those that lie closest.

    Without the classifier whose features are asked for there are none, and the folder says why.
    """

    figures: Path
    pairs: Path


@final
@dataclass(frozen=True, slots=True)
class Space:
    """Samples as features, batch by batch."""

    dataset: Dataset
    features: Callable[[Array], Float64]
    batch_size: int

    def of(self, samples: Array) -> Float64:
        """Give the features of scaled samples, ``(n, features)``."""
        starts = range(0, len(samples), self.batch_size)
        return np.concatenate([self.features(samples[s : s + self.batch_size]) for s in starts])

    def split(self, split: Split) -> Iterator[Float64]:
        """Give the features of a whole split, batch by batch."""
        for block in self.dataset.features(split).blocks(self.batch_size):
            yield self.features(self.dataset.scaled(block))

    def some(self, split: Split, count: int, seed: int) -> Float64:
        """Give the features of at most ``count`` samples of ``split``."""
        order = np.random.default_rng(seed).permutation(self.dataset.counts[split])
        parts = self.dataset.features(split)
        return self.of(self.dataset.scaled(parts.rows(np.sort(order[:count]))))


def run(params: Params, inputs: Inputs, outputs: Outputs, monitor: Monitor) -> None:
    """Draw from the prior, look at the draws as features, and compare."""
    dataset, network = open_dataset(inputs.dataset), load_network(inputs.model, 1)
    outputs.pairs.mkdir(parents=True)
    reason = absence(inputs.classifier)
    if params.feature_space == "classifier" and reason is not None:
        write_json(outputs.figures, {})
        write_absence(outputs.pairs, reason)
        monitor.remark(f"{params.name}: not appraised without a classifier: {reason}")
        return
    count = min(params.samples, dataset.counts["test"])
    if params.neighbours >= min(count, dataset.counts["train"]):
        raise ParamsError(
            f"appraise.neighbours: {params.neighbours} is not below the {count} test samples that "
            "are compared; lower it"
        )
    with one_thread():
        space = Space(dataset, features_of(params, inputs.classifier), params.batch_size)
        samples = draw(network, count, params.seed)
        figures, distances, place = appraise(space, samples, params)
        if params.seeds > 1:
            figures["repeats"] = appraise_repeats(space, inputs.model, count, params)
    write_json(outputs.figures, figures)
    training = dataset.features("train")
    closest = np.argsort(distances, kind="stable")
    for name, chosen in (("first", np.arange(count)), ("closest", closest)):
        shown = chosen[: params.shown]
        beside = dataset.scaled(training.rows(place[shown]))
        pairs = np.stack([samples[shown], beside]).astype(np.float32)
        np.save(outputs.pairs / f"{name}.npy", pairs, allow_pickle=False)
    monitor.remark(f"{params.name}: {count} samples in the space of {params.feature_space}")


def load_network(folder: Path, number: int) -> VariationalNetwork:
    """Load what generates: training ``number`` of the model in ``folder``.

    Raises:
        ArtifactError: it is missing or damaged, or it is no variational network.
    """
    for representation in load_representations(folder, number):
        match representation.network:
            case VariationalAutoencoder() | TwoLayerVariational():
                return cast(VariationalNetwork, representation.network)
    raise ArtifactError(
        f"{folder}: no variational network, which alone can be drawn from; name another under "
        "appraise.networks"
    )


def features_of(params: Params, classifier: Path) -> Callable[[Array], Float64]:
    """Give the declared features of scaled samples ``(n, *shape)``, as ``(n, features)``."""
    match params.feature_space:
        case "pixels":
            return lambda samples: samples.reshape(len(samples), -1).astype(np.float64)
        case "classifier":
            encode = load_representations(classifier)[0].encode

            def coded(samples: Array) -> Float64:
                with torch.inference_mode():
                    codes = encode(torch.from_numpy(samples.astype(np.float32)))
                return codes.numpy().astype(np.float64)

            return coded
        case _:
            assert_never(params.feature_space)


def draw(network: VariationalNetwork, count: int, seed: int) -> Float32:
    """Give the decoder's mean for ``count`` draws from the prior, ``(count, *shape)``."""
    generator = torch.Generator().manual_seed(derive(seed, "appraise/samples"))
    with torch.inference_mode():
        samples: Float32 = network.mean(network.decode(network.prior(count, generator))).numpy()
    return samples


def appraise_repeats(
    space: Space, folder: Path, count: int, params: Params
) -> list[dict[str, Any]]:
    """Give the figures of further trainings, from the same codes, against the same samples."""
    found = []
    for number in range(2, params.seeds + 1):
        samples = draw(load_network(folder, number), count, params.seed)
        found.append(appraise(space, samples, params)[0])
    return found


def appraise(
    space: Space, samples: Float32, params: Params
) -> tuple[dict[str, Any], Float64, NDArray[np.int64]]:
    """Give the figures, and each sample's distance to the nearest training sample and its number.

    ``training`` are the same figures of training samples in place of generated ones: what a network
    would come to that knew the data as they are.
    """
    count, seed = len(samples), params.seed
    bootstrap = Bootstrap(params.confidence, params.resamples, derive(seed, "appraise/bootstrap"))
    real = space.some("test", count, derive(seed, "appraise/test"))
    generated = space.of(samples)
    training = space.some("train", count, derive(seed, "appraise/train"))
    distances, place = nearest(generated, space.split("train"))
    held_out, _ = nearest(real, space.split("train"))
    figures = {
        "samples": count,
        "feature_space": params.feature_space,
        "generated": fidelity(real, generated, params.neighbours, bootstrap),
        "training": fidelity(real, training, params.neighbours, bootstrap),
        "memorisation": memorisation(distances, held_out, bootstrap),
    }
    return figures, distances, place
