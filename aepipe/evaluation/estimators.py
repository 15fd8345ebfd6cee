"""Any scikit-learn classifier as a probe: by its class name, with its own parameters.

The names are those of ``sklearn.utils.discovery.all_estimators(type_filter="classifier")``, which
imports the whole of scikit-learn and therefore stays out until an estimator is asked for.
"""

import difflib
import warnings
from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from typing import Any

from aepipe.data.parts import Array
from aepipe.data.seeds import derive
from aepipe.errors import ParamsError
from aepipe.evaluation.candidates import (
    SEEDS,
    Labelled,
    Labels,
    Predict,
    Probe,
    Standardiser,
    best,
)
from aepipe.monitor import Monitor
from aepipe.params.evaluation import Estimator

OURS = {
    "random_state": "it is derived from seed and the probe's name",
    "n_jobs": "figures must not depend on the number of cores",
}
ADVICE = (
    "it sees standardised codes, negative values among them; choose other settings or another "
    "estimator"
)


def classifiers() -> dict[str, type[Any]]:
    """Give scikit-learn's classifiers by their class names."""
    from sklearn.utils.discovery import all_estimators

    return dict(all_estimators(type_filter="classifier"))


def estimator_problems(others: Mapping[str, Estimator]) -> list[str]:
    """Give one line for each name or value that scikit-learn would refuse."""
    if not others:
        return []
    known = classifiers()
    return [
        line
        for name, config in others.items()
        for line in _problems(f"evaluate.probes.others.{name}", config, known)
    ]


def fit_estimator(
    name: str,
    config: Estimator,
    splits: tuple[Labelled, Labelled],
    seed: int,
    monitor: Monitor,
) -> Probe:
    """Fit every combination of the candidates on standardised codes; choose on validation.

    Args:
        name: the probe's, which names its random stream.
        config: the estimator, its settings and candidates.
        splits: training and validation codes.
        seed: the pipeline's.
        monitor: hears what scikit-learn warns of.

    Raises:
        ParamsError: the declaration is wrong, or the estimator cannot be used on these codes.
    """
    problems = estimator_problems({name: config})
    if problems:
        raise ParamsError("\n  ".join(problems))
    train, valid = splits
    standardise = Standardiser(train.codes)
    codes = standardise(train.codes)
    build = classifiers()[config.estimator]
    where = f"evaluate.probes.others.{name}"
    heard: list[str] = []

    def candidates() -> Iterator[Probe]:
        for chosen in combinations(config):
            model = build(**_seeded(build, {**config.settings, **chosen}, name, seed))
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                fit = _refusing(model.fit, where, config, chosen)
                fit(codes, train.labels)
            heard.extend(str(warning.message).splitlines()[0] for warning in caught)
            predict = _refusing(model.predict, where, config, chosen)
            yield Probe(chosen, _predicting(standardise, predict))

    winner = best(candidates(), valid)
    for text in dict.fromkeys(heard):
        monitor.remark(f"probe {name}: {text}")
    return winner


def combinations(config: Estimator) -> Iterable[dict[str, Any]]:
    """Give every combination of the candidates; one empty combination where there are none."""
    for values in product(*config.candidates.values()):
        yield dict(zip(config.candidates, values, strict=True))


def _problems(where: str, config: Estimator, known: Mapping[str, type[Any]]) -> list[str]:
    if config.estimator not in known:
        near = difflib.get_close_matches(config.estimator, known, n=1)
        near += [name for name in known if name.startswith(config.estimator)]  # Ridge, of Ridge...
        hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"
        return [f"{where}.estimator = {config.estimator!r}: no classifier of scikit-learn, {hint}"]
    build = known[config.estimator]
    names = build._get_param_names()
    keys = [f"settings.{key}" for key in config.settings]
    keys += [f"candidates.{key}" for key in config.candidates]
    problems = [
        f"{where}.{key}: {_unknown(key.split('.')[1], config.estimator, names)}"
        for key in keys
        if key.split(".")[1] not in names or key.split(".")[1] in OURS
    ]
    problems += [
        f"{where}.candidates.{key}: is in settings too; leave it in one of them"
        for key in config.candidates
        if key in config.settings
    ]
    return problems or _refused_values(where, config, build)


def _unknown(key: str, estimator: str, names: list[str]) -> str:
    if key in OURS:
        return f"not to be set here, for {OURS[key]}"
    near = difflib.get_close_matches(key, names, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(names)}"
    return f"no parameter of {estimator}, {hint}"


def _refused_values(where: str, config: Estimator, build: type[Any]) -> list[str]:
    """Hold each value against scikit-learn's own description of the parameter."""
    first = next(iter(combinations(config)))
    trials = [("settings", {**config.settings, **first})]
    trials += [
        (f"candidates.{key}", {**config.settings, **first, key: value})
        for key, values in config.candidates.items()
        for value in values[1:]
    ]
    refusals: list[str] = []
    for place, values in trials:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # deprecation; told when it is fitted
                build(**values)._validate_params()
        except TypeError as error:
            refusals.append(_refusal(where, place, config, error))
        except ValueError as error:
            refusals.append(f"{where}.{place}: {error}")
    return list(dict.fromkeys(refusals))


def _refusal(where: str, place: str, config: Estimator, error: TypeError) -> str:
    if "required" in str(error) or "'estimator'" in str(error):
        return (
            f"{where}.estimator = {config.estimator!r}: wraps another estimator, which cannot be "
            "declared; name that one itself"
        )
    return f"{where}.{place}: {error}"


def _seeded(build: type[Any], values: dict[str, Any], name: str, seed: int) -> dict[str, Any]:
    if "random_state" not in build._get_param_names():
        return values
    return {**values, "random_state": derive(seed, f"probe/{name}") % SEEDS}


def _refusing(call: Any, where: str, config: Estimator, chosen: Mapping[str, Any]) -> Any:
    """Turn scikit-learn's refusal into a sentence of ours."""

    def called(*arrays: Array) -> Any:
        try:
            return call(*arrays)
        except ValueError as error:
            settings = ", ".join(f"{k} {v}" for k, v in {**config.settings, **chosen}.items())
            first = str(error).splitlines()[0]
            raise ParamsError(
                f"{where}: {config.estimator} ({settings or 'its own defaults'}) cannot be used "
                f"here: {first.rstrip('.')}; {ADVICE}"
            ) from error

    return called


def _predicting(standardise: Standardiser, predict: Any) -> Predict:
    def labels(codes: Array) -> Labels:
        found: Labels = predict(standardise(codes))
        return found

    return labels
