"""Show what the VAE has learned: draws from its prior, reconstructions, interpolations, traversals.

Everything comes from the prior and the validation split; stage appraise holds draws against test.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import cast, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor

from aepipe.data.dataset import UNLABELLED, Dataset, open_dataset
from aepipe.data.parts import Array
from aepipe.data.seeds import derive
from aepipe.errors import ArtifactError
from aepipe.files import FORMAT, read_description, write_json
from aepipe.models.files import load_model
from aepipe.models.two_layer import TwoLayerVariational
from aepipe.models.vae import VariationalNetwork
from aepipe.models.walks import along, between
from aepipe.monitor import Monitor
from aepipe.params.evaluation import Generate
from aepipe.reporting.pictures import in_rows, limits, picture

BLOCK = 1000  # samples encoded at once; changes memory, not results
KINDS = ("variational", "two_layer_variational")
BETWEEN = 4  # frames of a walk for each step of its picture: a slider moves smoothly through them
WALKS = ("interpolations", "traversals")


@dataclass(frozen=True, slots=True)
class Params:
    """Sections of params.yaml that the stage reads."""

    seed: int
    generate: Generate


@dataclass(frozen=True, slots=True)
class Inputs:
    """The dataset and the VAE."""

    dataset: Path
    vae: Path


@dataclass(frozen=True, slots=True)
class Outputs:
    """Folder with four ``.npy`` files in scaled units, a PNG of each, and ``generated.json``.

    ``samples`` is ``(n, *shape)``; ``reconstructions`` is ``(2, n, *shape)``, originals first;
    ``interpolations`` and ``traversals`` are ``(rows, frames, *shape)``, of which the pictures show
    every ``frames_per_step``-th.
    """

    generated: Path


def run(params: Params, inputs: Inputs, outputs: Outputs, monitor: Monitor) -> None:
    """Draw all pictures."""
    dataset = open_dataset(inputs.dataset)
    vae = load_vae(inputs.vae)
    with torch.no_grad():
        survey = look(vae, dataset, monitor)
        order = survey.order().argsort(descending=True, stable=True)
        traversed: list[int] = order[: params.generate.traversal_dimensions].tolist()
        pictures = {
            "samples": prior_samples(vae, params),
            "reconstructions": reconstructions(vae, dataset, params),
            "interpolations": interpolations(vae, dataset, params),
            "traversals": traversals(vae, survey, traversed, params.generate),
        }
    described = {
        "format": FORMAT,
        "divergence": survey.divergence.tolist(),  # nats, of each group of latent dimensions
        "activity": survey.variance.tolist(),  # variance of each coordinate of the codes
        "traversal_dimensions": traversed,
        "traversal_range": params.generate.traversal_range,
        "frames_per_step": BETWEEN,
    }
    write(outputs.generated, dataset, {name: rows.numpy() for name, rows in pictures.items()})
    write_json(outputs.generated / "generated.json", described)
    monitor.remark(f"{', '.join(pictures)}: {dataset.counts['valid']} validation samples, prior")


def load_vae(folder: Path) -> VariationalNetwork:
    """Load the model of ``folder``.

    Raises:
        ArtifactError: it is missing or damaged, or it is no VAE.
    """
    kind = read_description(folder / "model.json").get("kind")
    if kind not in KINDS:
        raise ArtifactError(
            f"{folder}: a model of kind {kind!r} where 'variational' was expected; "
            "give --vae the folder that stage vae writes"
        )
    return cast(VariationalNetwork, load_model(folder))


def generator(params: Params, purpose: str) -> Generator:
    """Give the generator of ``purpose``, on the CPU so that every machine draws the same."""
    return torch.Generator().manual_seed(derive(params.seed, f"generate/{purpose}"))


@final
@dataclass(frozen=True, slots=True)
class Survey:
    """What the codes of the validation split are like.

    Attributes:
        divergence: mean KL of each latent dimension where dimensions are independent, else of the
            whole code, in nats; empty where it has no closed form.
        mean: of the codes, ``(code_size,)``.
        variance: of the codes, ``(code_size,)``.
    """

    divergence: Tensor
    mean: Tensor
    variance: Tensor

    def order(self) -> Tensor:
        """Give by what dimensions are ranked: by divergence, else by variance."""
        known = self.divergence.shape == self.variance.shape
        return self.divergence if known else self.variance


def look(vae: VariationalNetwork, dataset: Dataset, monitor: Monitor) -> Survey:
    """Encode the validation split."""
    parts = dataset.features("valid")
    codes: list[Tensor] = []
    divergences: list[Tensor] = []
    for block in monitor.progress(parts.blocks(BLOCK), "encode valid"):
        posterior = vae.posterior(torch.from_numpy(dataset.scaled(block)))
        codes.append(posterior.code.double())
        divergences.append(posterior.divergence().double())
    whole = torch.cat(codes)
    divergence = torch.cat(divergences).mean(dim=0)
    return Survey(
        # against a prior that itself depends on a variable above there is no closed form
        divergence=torch.empty(0) if isinstance(vae, TwoLayerVariational) else divergence,
        mean=whole.mean(dim=0).float(),
        variance=whole.var(dim=0, correction=0),
    )


def prior_samples(vae: VariationalNetwork, params: Params) -> Tensor:
    """Give the likelihood's mean for draws from the prior, ``(samples, *shape)``."""
    return decode(vae, vae.prior(params.generate.samples, generator(params, "samples")))


def reconstructions(vae: VariationalNetwork, dataset: Dataset, params: Params) -> Tensor:
    """Give validation samples and their reconstructions, ``(2, samples, *shape)``."""
    order = torch.randperm(dataset.counts["valid"], generator=generator(params, "reconstructions"))
    x = rows(dataset, order[: params.generate.reconstructions])
    return torch.stack([x, decode(vae, vae.encode(x))])


def interpolations(vae: VariationalNetwork, dataset: Dataset, params: Params) -> Tensor:
    """Walk the shortest way from one code to another, ``(pairs, frames, *shape)``."""
    count = params.generate.interpolations
    pairs = choose_pairs(dataset.labels("valid"), count, generator(params, "interpolations"))
    start, end = (vae.encode(rows(dataset, places)) for places in pairs.unbind(dim=1))
    shares = torch.linspace(0, 1, frames(params.generate))
    return decode(vae, between(vae.latent, start, end, shares))


def choose_pairs(labels: NDArray[np.int64], count: int, generator: Generator) -> Tensor:
    """Draw pairs of samples, of two classes wherever there are labels to tell.

    Args:
        labels: of the samples to choose from; -1 where there is none.
        count: pairs wanted; fewer where there are not enough samples.
        generator: on the CPU.

    Returns:
        ``(pairs, 2)`` places in ``labels``; no place is in two pairs.
    """
    order: list[int] = torch.randperm(len(labels), generator=generator).tolist()
    pairs: list[tuple[int, int]] = []
    while len(order) > 1 and len(pairs) < count:
        first = order.pop(0)
        known = labels[first] != UNLABELLED
        others = (place for place in order if not known or labels[place] != labels[first])
        second = next(others, order[0])
        order.remove(second)
        pairs.append((first, second))
    return torch.tensor(pairs, dtype=torch.int64).reshape(-1, 2)


def traversals(
    vae: VariationalNetwork, survey: Survey, dimensions: list[int], config: Generate
) -> Tensor:
    """Move one dimension at a time about the centre of the codes, ``(rows, frames, *shape)``."""
    positions = torch.linspace(-config.traversal_range, config.traversal_range, frames(config))
    centre, units = vae.centre(survey.mean), torch.ones(vae.code_size)
    if isinstance(vae, TwoLayerVariational):  # whose prior of the code is known by its draws alone
        units = survey.variance.float().sqrt()
    ways = [along(vae.latent, centre, each, positions * units[each]) for each in dimensions]
    return decode(vae, torch.stack(ways))


def frames(config: Generate) -> int:
    """Give the number of frames of a walk, so that every step of the picture is one of them."""
    return (config.steps - 1) * BETWEEN + 1


def rows(dataset: Dataset, places: Tensor) -> Tensor:
    """Read validation samples, ``(n, *shape)``, scaled."""
    return torch.from_numpy(dataset.scaled(dataset.features("valid").rows(places.numpy())))


def decode(vae: VariationalNetwork, codes: Tensor) -> Tensor:
    """Give the likelihood's mean ``(..., *shape)`` for codes ``(..., code_size)``."""
    decoded = vae.mean(vae.decode(codes.reshape(-1, vae.code_size)))
    return decoded.reshape(*codes.shape[:-1], *vae.shape)


def write(folder: Path, dataset: Dataset, pictures: dict[str, Array]) -> None:
    """Write each array and its picture; a picture of nothing is left out."""
    folder.mkdir(parents=True, exist_ok=True)
    shades = limits(dataset, pictures["reconstructions"][0])
    for name, content in pictures.items():
        with (folder / f"{name}.npy").open("wb") as file:
            np.save(file, content, allow_pickle=False)
        grid = content[:, ::BETWEEN] if name in WALKS else content
        grid = in_rows(content) if name == "samples" else grid
        if grid.size:  # a single validation sample makes no pair
            (folder / f"{name}.png").write_bytes(picture(dataset, grid, shades))
