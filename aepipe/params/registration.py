"""What is to be registered, and its gates, against everything else that is declared."""

import difflib
from collections.abc import Iterator, Mapping

from aepipe.params.corruption import CorruptionSection
from aepipe.params.evaluation import HEADS, OWN_PROBES, Evaluate, Registered, Registry
from aepipe.params.gates import Bound, NotWorseThanChampion
from aepipe.params.models import Model
from aepipe.params.stack import DATASET
from aepipe.params.variational import Variational

CLASSIFIER, AUTOENCODER, VAE, PCA = (
    f"models/{name}" for name in ("classifier", "autoencoder", "vae", "pca")
)
OF_RECONSTRUCTIONS = ("squared_error", "psnr", "ssim", "explained_variance", "cross_entropy")
OF_RBMS = ("log_partition", "log_likelihood", "log_pseudo_likelihood")


def registry_problems(
    registry: Registry,
    models: Mapping[str, Model],
    evaluate: Evaluate,
    corruption: CorruptionSection,
) -> list[str]:
    """Give a line for each model that can't be what it is registered as, and each gate in vain."""
    paths = {**evaluate.representations, **{name: f"models/{name}" for name in models}}
    problems = [
        line
        for name, registered in registry.models.items()
        for line in _kind_problems(name, registered, models)
    ]
    for name, conditions in registry.gates.items():
        if name not in registry.models:
            problems.append(
                f"registry.gates.{name}: no such model; expected one of "
                f"{', '.join(registry.models)}"
            )
            continue
        folder = registry.models[name].model
        for place, condition in enumerate(conditions):
            for line in _condition_problems(condition, folder, paths, evaluate, corruption):
                problems.append(f"registry.gates.{name}.{place}: {line}")
    return problems


def _kind_problems(name: str, registered: Registered, models: Mapping[str, Model]) -> Iterator[str]:
    own = [f"models/{each}" for each in models]
    variational = [f"models/{n}" for n, model in models.items() if isinstance(model, Variational)]
    expected = {
        "encoder": [AUTOENCODER, VAE, *own],  # a classifier has no way back to samples
        "classifier": [CLASSIFIER],
        "vae": [VAE, *variational],
    }[registered.kind]
    if registered.model not in expected:
        yield (
            f"registry.models.{name}.model = {registered.model!r}: can't be registered as "
            f"{registered.kind}; expected {' or '.join(expected)}"
        )


def _condition_problems(
    condition: Bound | NotWorseThanChampion,
    folder: str,
    paths: Mapping[str, str],
    evaluate: Evaluate,
    corruption: CorruptionSection,
) -> Iterator[str]:
    """Say which figures of the condition nothing will measure."""
    entry = condition.metric.partition(".")[0]
    if entry in paths and paths[entry] != folder:
        judged = [name for name, path in paths.items() if path == folder]
        yield (
            f"{condition.metric} is a figure of {paths[entry]}, and the model is {folder}; "
            f"expected a figure of {' or '.join(judged) or 'nothing, for it is not evaluated'}"
        )
    baseline = condition.baseline if isinstance(condition, Bound) else None
    for metric in filter(None, (condition.metric, baseline)):
        yield from _metric_problems(metric, paths, evaluate, corruption)


def _metric_problems(
    metric: str, paths: Mapping[str, str], evaluate: Evaluate, corruption: CorruptionSection
) -> Iterator[str]:
    entry, _, figure = metric.partition(".")
    declared = next((name for name in paths if _is_entry(entry, name, paths[name])), None)
    if declared is None:
        yield f"{metric}: nothing is evaluated as {entry!r}; there is {', '.join(paths)}"
        return
    names = figure_names(paths[declared], evaluate)
    if figure in names or figure.startswith(figure_families(evaluate, corruption)):
        return
    near = difflib.get_close_matches(figure, names, n=1)
    known = f"did you mean {near[0]!r}?" if near else f"there is {', '.join(names)}"
    yield f"{metric}: no figure {figure!r} of {entry} is measured; {known}"


def _is_entry(entry: str, name: str, path: str) -> bool:
    """Say whether what is declared as ``name`` is evaluated as ``entry``; PCA at many sizes."""
    return entry == name or (path == PCA and entry.removeprefix(f"{name}_").isdigit())


def figure_families(evaluate: Evaluate, corruption: CorruptionSection) -> tuple[str, ...]:
    """Give how the figures begin whose names depend on more than the model."""
    conditions = [
        f"robust_{what}_{noise.kind}_"
        for what in ("accuracy", "squared_error")
        for noise in corruption.conditions
    ]
    judgements = type(evaluate.further).model_fields
    declared = [f"{name}_" for name in judgements if getattr(evaluate.further, name) is not None]
    return (*conditions, *declared, "generation_")


def figure_names(path: str, evaluate: Evaluate) -> list[str]:
    """Give what is measured of the model in folder ``path``, beside :func:`figure_families`."""
    probes = [name for name in OWN_PROBES if getattr(evaluate.probes, name) is not None]
    names = [
        "code_size",
        "parameters",
        *(f"accuracy_{name}" for name in (*probes, *evaluate.probes.others)),
    ]
    if path == CLASSIFIER:
        names += [f"head_{name}" for name in HEADS]
    elif path != DATASET:
        names += [*OF_RECONSTRUCTIONS, *(OF_RBMS if path.startswith("models/") else ())]
    return names
