"""Judge one representation on the test split, which nothing that learns or chooses reads."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from aepipe.data.contracts import MapPoints, Predictions, checked, write_table
from aepipe.data.dataset import Dataset, open_dataset
from aepipe.data.parts import Array
from aepipe.data.seeds import derive
from aepipe.errors import ContractError
from aepipe.evaluation.excitation import exciting_inputs
from aepipe.evaluation.exhibits import (
    Rebuild,
    map_codes,
    write_examples,
    write_map_samples,
)
from aepipe.evaluation.further import further_figures
from aepipe.evaluation.judge import Court, judge
from aepipe.evaluation.outcome import Attribute, Outcome, Subject
from aepipe.evaluation.threads import one_thread
from aepipe.evaluation.uncertainty import Bootstrap
from aepipe.files import write_json
from aepipe.models.absent import absence, write_absence
from aepipe.models.arithmetic import multiply_adds
from aepipe.models.repeats import repeat_folder
from aepipe.monitor import Monitor, Prefixed
from aepipe.params.evaluation import Probes
from aepipe.params.judgements import Further
from aepipe.representation import Map, Representation, load_representations
from aepipe.signature import instance, section


@dataclass(frozen=True, slots=True)
class Params:
    """Sections of params.yaml that the stage reads."""

    seed: int
    seeds: int = section("evaluate.seeds")
    name: str = instance()
    probes: Probes = section("evaluate.probes")
    confidence: float = section("evaluate.confidence")
    resamples: int = section("evaluate.resamples")
    examples: int = section("evaluate.examples")
    batch_size: int = section("evaluate.batch_size")
    further: Further = section("evaluate.further")


@dataclass(frozen=True, slots=True)
class Inputs:
    """The dataset, its corrupted splits, and the folder of what is judged."""

    dataset: Path
    corrupted: Path
    model: Path


@dataclass(frozen=True, slots=True)
class Outputs:
    """A JSON file of figures; a folder with ``samples.parquet``, ``map.parquet`` and arrays.

    ``ENTRY.npy``, ``ENTRY.noisy.npy`` and ``ENTRY.worst.npy`` are reconstructions
    (:func:`aepipe.evaluation.exhibits.write_examples`), ``ENTRY.map.npy``, of raw features, the
    samples on the map; ``ENTRY.concepts.npy`` inputs that excite the units which detect each class:
    test samples and, where declared, optimal ones.

    The figures of an entry's further trainings are in its list ``repeats``.

    Of a model that was not trained there are none, and the folder says why.
    """

    figures: Path
    tables: Path


def run(params: Params, inputs: Inputs, outputs: Outputs, monitor: Monitor) -> None:
    """Judge each representation in the model's folder; PCA has one for each code size."""
    dataset = open_dataset(inputs.dataset)
    bootstrap = Bootstrap(params.confidence, params.resamples, derive(params.seed, "bootstrap"))
    court = Court(
        dataset, inputs.corrupted, params.probes, bootstrap, params.seed, params.batch_size
    )
    figures, tables, maps = {}, [], []
    outputs.tables.mkdir(parents=True)
    with one_thread():
        for representation in load_representations(inputs.model):
            entry = f"{params.name}{representation.name_suffix}"
            subject = as_subject(representation, inputs.model)
            figures[entry], outcome = judge_whole(representation, subject, court, params, monitor)
            if representation.network is not None and params.seeds > 1:
                figures[entry]["repeats"] = judge_repeats(params, inputs, court, monitor)
            tables.append(predictions(entry, dataset, outcome))
            concepts = figures[entry].get("concepts")
            if concepts is not None and params.further.concepts is not None:
                ascent = params.further.concepts.ascent
                exciting = exciting_inputs(subject, court, concepts["classes"], ascent)
                write_array(outputs.tables / f"{entry}.concepts.npy", exciting)
            way = there_and_back(subject)
            if inputs.model == inputs.dataset:
                way = unchanged
                write_map_samples(outputs.tables / entry, court)
            if way is not None:
                write_examples(outputs.tables / entry, way, outcome, court, params.examples)
            points, figures[entry]["map"] = map_codes(entry, subject, court)
            maps.append(points)
    reason = absence(inputs.model)
    if reason is not None:
        write_absence(outputs.tables, reason)
        monitor.remark(f"{params.name}: nothing to judge, for {reason}")
        tables = [predictions("", dataset, Outcome(None, {}, {})).iloc[:0]]
    write_json(outputs.figures, figures)
    write_tables(outputs.tables, tables, maps)


def judge_whole(
    representation: Representation, subject: Subject, court: Court, params: Params, monitor: Monitor
) -> tuple[dict[str, Any], Outcome]:
    """Give all figures of a representation, and what lies behind those that every one has."""
    figures, outcome = judge(subject, court, monitor)
    figures["parameters"] = representation.parameters
    figures["multiply_adds"] = representation.multiply_adds
    if representation.network is not None:
        figures["multiply_adds"] = multiply_adds(representation.network, court.dataset.shape)
    return figures | further_figures(subject, court, params.further, monitor), outcome


def judge_repeats(
    params: Params, inputs: Inputs, court: Court, monitor: Monitor
) -> list[dict[str, Any]]:
    """Give the figures of a network's further trainings, judged as the first one is.

    Probes, resamples and noise are those of the first, so that the trainings alone differ.
    """
    found = []
    for number in range(2, params.seeds + 1):
        (representation,) = load_representations(inputs.model, number)
        subject = as_subject(representation, repeat_folder(inputs.model, number))
        again = Prefixed(monitor, f"training {number}")
        found.append(judge_whole(representation, subject, court, params, again)[0])
    return found


def write_tables(folder: Path, tables: list[pd.DataFrame], maps: list[pd.DataFrame]) -> None:
    """Write ``samples.parquet`` and, if there is anything on it, ``map.parquet``."""
    path = folder / "samples.parquet"
    write_table(path, checked(Predictions, pd.concat(tables, ignore_index=True), path))
    if maps:
        path = folder / "map.parquet"
        write_table(path, checked(MapPoints, pd.concat(maps, ignore_index=True), path))


def as_subject(representation: Representation, folder: Path) -> Subject:
    """Turn functions of tensors into functions of arrays.

    The encoder of what it gives raises a ContractError for codes that are not finite.
    """
    decode = representation.decode

    def encode(features: Array) -> NDArray[np.float64]:
        codes = on_arrays(representation.encode)(features)
        if not np.isfinite(codes).all():
            raise ContractError(
                f"{folder}: gives codes that are not finite; train it again with a lower "
                "learning_rate"
            )
        return codes.astype(np.float64)

    return Subject(
        code_size=representation.code_size,
        encode=encode,
        decode=None if decode is None else on_arrays(decode),
        heads={name: on_arrays(winner(head)) for name, head in representation.heads.items()},
        attributes={
            name: Attribute(attribute.groups, on_arrays(winner(attribute.classify)))
            for name, attribute in representation.attributes.items()
        },
        encode_tensors=representation.encode,
        network=representation.network,
    )


def winner(head: Map) -> Map:
    """Give the label with the largest logit."""
    return lambda features: head(features).argmax(dim=1)


def on_arrays(function: Map) -> Callable[[Array], Array]:
    """Give ``function`` as one from arrays, taken as float32, to arrays."""

    def apply(values: Array) -> Array:
        with torch.inference_mode():
            result: Array = function(torch.from_numpy(values.astype(np.float32))).numpy()
        return result

    return apply


def predictions(entry: str, dataset: Dataset, outcome: Outcome) -> pd.DataFrame:
    """List what was found for each test sample."""
    missing = np.full(dataset.counts["test"], np.nan)
    columns = {
        "entry": entry,
        "id": dataset.ids("test"),
        "label": dataset.labels("test"),
        "squared_error": missing if outcome.squared_error is None else outcome.squared_error,
    }
    return pd.DataFrame(
        columns | {f"predicted_{name}": p for name, p in outcome.predictions.items()}
    )


def unchanged(samples: Array) -> Array:
    """Give samples back: raw features lose nothing."""
    return samples


def there_and_back(subject: Subject) -> Rebuild | None:
    """Give the way from samples to their reconstructions; None where there is none."""
    encode, decode = subject.encode, subject.decode
    return None if decode is None else lambda samples: decode(encode(samples))


def write_array(path: Path, samples: Array) -> None:
    """Write ``(examples, *shape)`` samples in scaled units."""
    np.save(path, samples.astype(np.float32), allow_pickle=False)
