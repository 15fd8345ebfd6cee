"""What ``params.yaml`` asks of the data, held against what the source can give."""

from math import prod

from aepipe.check.outline import Outline
from aepipe.params.models import Convolutional
from aepipe.params.root import Params
from aepipe.params.training import Corruption

IMAGE_DIMENSIONS = 3  # channels, height, width


def unmet_demands(params: Params, outline: Outline) -> list[str]:
    """Give one line for each thing that cannot be done with these data: what, why, what to do."""
    return [
        *_images(params, outline),
        *_bounds(params, outline),
        *_neighbours(params, outline),
    ]


def limitations(params: Params, outline: Outline) -> list[str]:
    """Give one line for each thing that will run, but not as one may think."""
    lines: list[str] = []
    if not outline.classes:
        lines.append(
            f"{outline.where}: no labels, so no accuracies, and nothing for stage finetune to "
            "learn from; declare labels in data.source, or remove that stage from dvc.yaml"
        )
    size = prod(outline.shape)
    codes = {
        f"models.{name}": model.architecture.code_size for name, model in params.models.items()
    }
    codes["vae"] = params.vae.code_size
    *_, (name, top) = params.stack.layers.items()
    codes[f"stack.layers.{name}"] = top.units
    lines += [
        f"{place}: a code of {code} for {size} features: no PCA of its size stands beside it, for "
        f"with {size} components PCA is the raw features turned"
        for place, code in codes.items()
        if code >= size
    ]
    return lines


def _images(params: Params, outline: Outline) -> list[str]:
    """Convolutions on samples that are no images, or too small."""
    problems: list[str] = []
    for name, model in params.models.items():
        if not isinstance(model.architecture, Convolutional):
            continue
        times = len(model.architecture.channels)
        least = 2 ** (times - 1) + 1  # an odd side is rounded up when halved
        if len(outline.shape) != IMAGE_DIMENSIONS:
            problems.append(
                f"models.{name}: convolutional needs images, and samples of {outline.where} have "
                f"shape {outline.shape}; use kind dense"
            )
        elif min(outline.shape[1:]) < least:
            _, height, width = outline.shape
            problems.append(
                f"models.{name}.architecture.channels: {times} halvings need sides of at least "
                f"{least} pixels, and {outline.where} has {height} x {width}; list fewer channels"
            )
    return problems


def _bounds(params: Params, outline: Outline) -> list[str]:
    """Bernoulli likelihoods and salt-and-pepper noise on values without bounds."""
    if outline.bounded:
        return []  # scaling other than range has been refused with the params
    first = next(iter(params.stack.layers))
    likelihoods = {
        f"stack.layers.{first}.reconstruction": params.stack.layers[first].reconstruction,
        "vae.decoder.kind": params.vae.decoder.kind,
        **{f"models.{n}.reconstruction": m.reconstruction for n, m in params.models.items()},
    }
    corruptions: dict[str, Corruption] = {
        f"stack.layers.{first}.corruption": params.stack.layers[first].corruption,
        "unroll.corruption": params.unroll.corruption,
        "finetune.corruption": params.finetune.corruption,
        **{f"models.{n}.corruption": m.corruption for n, m in params.models.items()},
        **{f"corruption.conditions.{i}": c for i, c in enumerate(params.corruption.conditions)},
    }
    return [
        f"{place} = 'bernoulli' needs values in [0, 1], and {outline.where} does not bound its "
        "values, so that a test sample may lie outside; use squared (gaussian for the VAE)"
        for place, kind in likelihoods.items()
        if kind == "bernoulli"
    ] + [
        f"{place} = 'salt_and_pepper' needs a smallest and a largest value, and "
        f"{outline.where} has neither; use masking or gaussian"
        for place, corruption in corruptions.items()
        if corruption.kind == "salt_and_pepper"
    ]


def _neighbours(params: Params, outline: Outline) -> list[str]:
    """More neighbours than there are labelled training samples to vote."""
    if not outline.classes:
        return []
    voters = min(outline.labelled, params.evaluate.probes.rows)
    return [
        f"evaluate.probes.nearest_neighbours.neighbours: {count} is more than the {voters} "
        f"labelled training samples of {outline.where} that vote; lower it, or raise probes.rows"
        for count in params.evaluate.probes.nearest_neighbours.neighbours
        if count > voters
    ]
