"""What a semi-adversarial network leaves readable: before and after, to old eyes and to new ones.

Mirjalili et al. (2018), ICB, report the classifier that the network was trained against, and others
trained on clean samples. Such a classifier is fooled by small changes, which does not say that the
attribute is gone: whoever sees transformed samples with their attributes can learn to read them
anew, and where the classifier was led to the opposite group, a fresh one has but to turn it round.
So each probe of ``params.yaml`` is trained as such an attacker, on transformed training samples,
its settings chosen on transformed validation samples; and, for comparison, on clean ones. On the
digits, led to the opposite group, the frozen classifier falls from 97 % to 2 %, and a fresh linear
one rises from 88 % to 97 %: what the network adds to mislead the one is what the other reads.

Every figure is of the test split.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypedDict

import numpy as np

from aepipe.data.dataset import FITTED, UNLABELLED, Split
from aepipe.data.parts import Array
from aepipe.data.seeds import derive
from aepipe.evaluation.candidates import Labelled, Predict, chained
from aepipe.evaluation.judge import Court, labelled_codes
from aepipe.evaluation.outcome import Attribute, Float32, Float64, Labels, Subject, observe
from aepipe.evaluation.probes import fit_probes
from aepipe.evaluation.reconstruction import squared_errors
from aepipe.evaluation.uncertainty import Figure, bootstrap_mean, wilson
from aepipe.monitor import Monitor
from aepipe.params.privacy import group_of_class

VIEWS = ("before", "after")  # the sample, and what the network makes of it


class AttributeFigures(TypedDict):
    """How well one attribute can be read, before and after.

    Attributes:
        groups: their names, in the order of the labels.
        chance: accuracy of naming the group that is most frequent in training.
        given_other: accuracy of the best guess from the other attribute alone, which no hiding can
            go below while that one stays readable.
        fixed: accuracy of the classifier that the network was trained against.
        fresh: accuracy of probes trained on samples of the same view, by the probe's name.
    """

    groups: list[str]
    chance: float
    given_other: float
    fixed: dict[str, Figure]
    fresh: dict[str, dict[str, Figure]]


def privacy_figures(subject: Subject, court: Court, monitor: Monitor) -> dict[str, Any] | None:
    """Give ``keep`` and ``hide``, and the mean squared change of a sample over its features.

    None where the validation or test split has no labels.
    """
    judged: tuple[Split, ...] = ("valid", "test")
    for split in judged:
        if (court.dataset.labels(split) == UNLABELLED).all():
            monitor.remark(f"no figures of privacy: no labels in the {split} split")
            return None
    views = dict(zip(VIEWS, (_clean(subject), _transformed(subject)), strict=True))
    readings = {name: _read(view, court, monitor) for name, view in views.items()}
    figures: dict[str, Any] = {
        name: _attribute_figures(name, subject.attributes, court, readings)
        for name in subject.attributes
    }
    return {**figures, "squared_change": bootstrap_mean(_change(subject, court), court.bootstrap)}


def _clean(subject: Subject) -> Subject:
    """Take samples as codes, so that probes learn from them as they are."""
    heads = {name: attribute.classify for name, attribute in subject.attributes.items()}
    return replace(subject, encode=_flat, decode=None, heads=heads)


def _transformed(subject: Subject) -> Subject:
    """Take transformed samples as codes; the attributes' classifiers see them too."""
    transform = _transform(subject)
    return replace(
        subject,
        encode=lambda samples: _flat(transform(samples)),
        decode=None,
        heads={
            name: chained(transform, attribute.classify)
            for name, attribute in subject.attributes.items()
        },
    )


def _read(view: Subject, court: Court, monitor: Monitor) -> dict[str, Labels]:
    """Give what is read of each test sample: by ``ATTRIBUTE``, and by ``ATTRIBUTE/PROBE``."""
    size = court.dataset.size
    flat = replace(view, code_size=size)
    train, valid = (labelled_codes(flat, court, split) for split in FITTED)
    predict: dict[str, Predict] = {}
    for name, attribute in view.attributes.items():
        groups = np.array(group_of_class(attribute.groups, court.dataset.classes))
        attackers = fit_probes(
            court.probes,
            Labelled(train.codes, groups[train.labels]),
            Labelled(valid.codes, groups[valid.labels]),
            derive(court.seed, f"attackers of {name}"),
            monitor,
        )
        predict |= {f"{name}/{probe}": fitted.predict for probe, fitted in attackers.items()}
    return observe(flat, court.clean_batches(), predict, scores={}).predictions


def _attribute_figures(
    name: str,
    attributes: Mapping[str, Attribute],
    court: Court,
    readings: Mapping[str, Mapping[str, Labels]],
) -> AttributeFigures:
    classes = court.dataset.classes
    labels = court.dataset.labels("test")
    known = labels != UNLABELLED
    own, other = (
        np.array(group_of_class(attributes[attribute].groups, classes))
        for attribute in (name, next(n for n in attributes if n != name))
    )
    truth = own[labels[known]]
    trained = own[court.dataset.labels("train")[court.dataset.labels("train") != UNLABELLED]]

    def accuracy(key: str, view: str) -> Figure:
        right = int(np.sum(readings[view][key][known] == truth))
        return wilson(right, len(truth), court.bootstrap.confidence)

    probes = [key for key in readings["after"] if key.startswith(f"{name}/")]
    return {
        "groups": list(attributes[name].groups),
        "chance": float(np.mean(truth == np.bincount(trained).argmax())),
        "given_other": best_guess(other[labels[known]], truth),
        "fixed": {view: accuracy(name, view) for view in VIEWS},
        "fresh": {
            key.removeprefix(f"{name}/"): {view: accuracy(key, view) for view in VIEWS}
            for key in probes
        },
    }


def best_guess(seen: Labels, hidden: Labels) -> float:
    """Give how often the most frequent ``hidden`` group among those with the same ``seen`` one is.

    Args:
        seen: ``(samples,)``, numbers of groups.
        hidden: of the same samples.
    """
    counts = [np.bincount(hidden[seen == group]).max() for group in np.unique(seen)]
    return float(np.sum(counts) / len(seen))


def _transform(subject: Subject) -> Callable[[Float32], Float32]:
    """Give what the network makes of samples.

    Raises:
        ValueError: it has no decoder.
    """
    decode = subject.decode
    if decode is None:
        raise ValueError(
            "a network that hides an attribute transforms samples; this has no decoder"
        )
    return lambda samples: decode(subject.encode(samples))


def _change(subject: Subject, court: Court) -> Float64:
    transform = _transform(subject)
    return np.concatenate(
        [squared_errors(clean, transform(clean)) for clean, _ in court.clean_batches()]
    )


def _flat(samples: Array) -> Float64:
    flat: Float64 = samples.reshape(len(samples), -1).astype(np.float64)
    return flat
