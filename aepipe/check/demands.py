"""What ``params.yaml`` asks of the data, held against what the source can give."""

from math import prod

from aepipe.check.outline import Outline
from aepipe.check.sizes import unmet_by_shape
from aepipe.params.base import walk
from aepipe.params.corruption import Block, SaltAndPepper
from aepipe.params.members import member_models
from aepipe.params.models import Autoencoder, Model, SemiAdversarial
from aepipe.params.privacy import partition_problems
from aepipe.params.root import Params, everything, unit_range_demands
from aepipe.params.stack import DATASET
from aepipe.params.sweep import ByClassification
from aepipe.params.variational import DiscretisedDecoder


def unmet_demands(params: Params, outline: Outline) -> list[str]:
    """Give one line for each thing that cannot be done with these data: what, why, what to do."""
    return [
        *_shapes(params, outline),
        *_bounds(params, outline),
        *_levels(params, outline),
        *_neighbours(params, outline),
        *_neighbourhood(params, outline),
        *_anomaly(params, outline),
        *_attributes(params, outline),
        *_blocks(params, outline),
    ]


def limitations(params: Params, outline: Outline) -> list[str]:
    """Give one line for each thing that will run, but not as one may think."""
    lines: list[str] = []
    if not outline.classes:
        lines.append(
            f"{outline.where}: no labels, so no accuracies and no classifier; where there are "
            "some, declare them in data.source"
        )
    elif outline.trained_classes < 2:
        lines.append(
            f"{outline.where}: the training samples are of one class, so no accuracies and no "
            "classifier; data.train_on declares the classes"
        )
    if outline.trained_classes < 2:
        lines += [
            f"sweep.{name}.choose.by = 'classification': there is nothing to classify, so it is "
            "chosen by reconstruction"
            for name, sweep in params.sweep.items()
            if isinstance(sweep.choose, ByClassification)
        ]
    size = prod(outline.shape)
    codes = {f"models.{name}": model.code_size for name, model in params.models.items()}
    codes["vae"] = params.vae.code_size
    *_, (name, top) = params.stack.layers.items()
    codes[f"stack.layers.{name}"] = top.units
    lines += [
        f"models.{name}: capacity overcomplete, and a code of {model.code_size} for {size} "
        "features is not"
        for name, model in params.models.items()
        if isinstance(model, Autoencoder)
        and getattr(model.architecture, "capacity", None) == "overcomplete"
        and model.code_size <= size
    ]
    lines += [
        f"{place}: a code of {code} for {size} features: no PCA of its size stands beside it, for "
        f"with {size} components PCA is the raw features turned"
        for place, code in codes.items()
        if code >= size
    ]
    return lines


def _shapes(params: Params, outline: Outline) -> list[str]:
    """Architectures that cannot take samples of this shape."""
    models: list[tuple[str, Model]] = [(f"models.{name}", m) for name, m in params.models.items()]
    models += [("vae", params.vae), *member_models(params.sweep, params.seed)]
    lines = (
        f"{path}{problem}"
        for path, model in models
        for problem in unmet_by_shape(model, outline.shape, outline.where)
    )
    return [*dict.fromkeys(lines)]


def _bounds(params: Params, outline: Outline) -> list[str]:
    """Bernoulli likelihoods and salt-and-pepper noise on values without bounds."""
    if outline.bounded:
        return []  # scaling other than range has been refused with the params
    return [
        f"{place} = 'bernoulli' needs values in [0, 1], and {outline.where} does not bound its "
        "values, so that a test sample may lie outside; use squared (gaussian for a VAE or an RBM)"
        for place in unit_range_demands(params)
    ] + [
        f"{place} = 'salt_and_pepper' needs a smallest and a largest value, and "
        f"{outline.where} has neither; use masking or gaussian"
        for place in _salted(params)
    ]


def _levels(params: Params, outline: Outline) -> list[str]:
    """Discretised decoders on values that are not whole numbers, or not so many."""
    asked = {p: s.levels for p, s in walk(params) if isinstance(s, DiscretisedDecoder)}
    if outline.levels is None:
        return [
            f"{place}.kind = 'discretised_logistic' needs whole numbers between bounds, such as "
            f"pixels of 8 bits, and {outline.where} has none; use gaussian"
            for place in asked
        ]
    return [
        f"{place}.levels: {levels}, and {outline.where} has values from 0 to {outline.levels - 1}; "
        f"expected {outline.levels}"
        for place, levels in asked.items()
        if levels != outline.levels
    ]


def _salted(params: Params) -> list[str]:
    """Key paths of salt-and-pepper noise on the samples; the codes of a layer have own bounds."""
    above = {
        f"stack.layers.{name}.corruption"
        for name, layer in params.stack.layers.items()
        if layer.input != DATASET
    }
    found = (path for path, section in everything(params) if isinstance(section, SaltAndPepper))
    return [path for path in dict.fromkeys(found) if path not in above]


def _attributes(params: Params, outline: Outline) -> list[str]:
    """Attributes to keep and to hide that are no groups of the data's classes."""
    return [
        f"models.{name}{problem}"
        for name, model in params.models.items()
        if isinstance(model, SemiAdversarial)
        for problem in partition_problems(model.keep, model.hide, outline.class_names)
    ]


def _anomaly(params: Params, outline: Outline) -> list[str]:
    """Normal classes that are not there."""
    config = params.evaluate.further.anomaly
    unknown = [
        name for name in (config.normal if config else ()) if name not in outline.class_names
    ]
    if not unknown:
        return []
    known = ", ".join(map(repr, outline.class_names[:20])) or "none"
    return [
        f"evaluate.further.anomaly.normal names {', '.join(map(repr, unknown))}; classes of "
        f"{outline.where} are {known}; name some of these"
    ]


def _blocks(params: Params, outline: Outline) -> list[str]:
    """Blocks of neighbours in tables, whose columns are in no order."""
    if params.data.source.kind not in ("csv", "parquet"):
        return []
    return [
        f"{path} = 'block' hides neighbours, and the {prod(outline.shape)} columns of "
        f"{outline.where} are in no order; use masking, or read series with data.source.kind series"
        for path in dict.fromkeys(p for p, s in everything(params) if isinstance(s, Block))
    ]


def _neighbours(params: Params, outline: Outline) -> list[str]:
    """More neighbours than there are labelled training samples to vote, or to retrieve."""
    if not outline.classes:
        return []
    nearest = params.evaluate.probes.nearest_neighbours
    retrieval = params.evaluate.further.retrieval
    voters = min(outline.labelled, params.evaluate.probes.rows)
    asked = {
        ("probes.nearest_neighbours.neighbours", "vote"): nearest.neighbours if nearest else (),
        ("further.retrieval.at", "can be retrieved"): retrieval.at if retrieval else (),
    }
    return [
        f"evaluate.{place}: {count} is more than the {voters} labelled training samples of "
        f"{outline.where} that {what}; lower it, or raise probes.rows"
        for (place, what), counts in asked.items()
        for count in counts
        if count > voters
    ]


def _neighbourhood(params: Params, outline: Outline) -> list[str]:
    """Neighbourhoods larger than the test samples allow."""
    there, problems = outline.counts["test"], []
    config, generated = params.evaluate.further.neighbourhood, params.appraise.neighbours
    if config is not None and 2 * config.neighbours >= min(config.rows, there):
        problems.append(
            f"evaluate.further.neighbourhood.neighbours: {config.neighbours} is not below half of "
            f"the {there} test samples of {outline.where}; lower it"
        )
    if generated >= there:
        problems.append(
            f"appraise.neighbours: {generated} is not below the {there} test samples of "
            f"{outline.where}; lower it"
        )
    return problems
