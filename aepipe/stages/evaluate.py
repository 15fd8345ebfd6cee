"""Judge one representation on the test split, which no other stage reads."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from aepipe.data.contracts import Predictions, checked, write_table
from aepipe.data.dataset import Dataset, open_dataset
from aepipe.data.parts import Array
from aepipe.data.seeds import derive
from aepipe.errors import ContractError
from aepipe.evaluation.energy import energy_figures
from aepipe.evaluation.geometry import Encoder, GeometryFigures, geometry_figures
from aepipe.evaluation.judge import Court, judge
from aepipe.evaluation.likelihood import Explained, explain, likelihood_figures, rows_at_once
from aepipe.evaluation.outcome import Attribute, Outcome, Subject
from aepipe.evaluation.privacy import privacy_figures
from aepipe.evaluation.uncertainty import Bootstrap
from aepipe.files import write_json
from aepipe.models.likelihood import BernoulliLikelihood
from aepipe.models.vae import VariationalNetwork
from aepipe.monitor import Monitor
from aepipe.params.evaluation import Geometry, Likelihood, Partition, Probes
from aepipe.representation import Map, Representation, load_representations
from aepipe.signature import instance, section


@dataclass(frozen=True, slots=True)
class Params:
    """Sections of params.yaml that the stage reads."""

    seed: int
    name: str = instance()
    probes: Probes = section("evaluate.probes")
    confidence: float = section("evaluate.confidence")
    resamples: int = section("evaluate.resamples")
    examples: int = section("evaluate.examples")
    batch_size: int = section("evaluate.batch_size")
    partition: Partition | None = section("evaluate.partition")
    likelihood: Likelihood | None = section("evaluate.likelihood")
    geometry: Geometry | None = section("evaluate.geometry")


@dataclass(frozen=True, slots=True)
class Inputs:
    """The dataset, its corrupted splits, and the folder of what is judged."""

    dataset: Path
    corrupted: Path
    model: Path


@dataclass(frozen=True, slots=True)
class Outputs:
    """A JSON file of figures; a folder with ``samples.parquet`` and an array of examples."""

    figures: Path
    tables: Path


def run(params: Params, inputs: Inputs, outputs: Outputs, monitor: Monitor) -> None:
    """Judge each representation in the model's folder; PCA has one for each code size."""
    dataset = open_dataset(inputs.dataset)
    bootstrap = Bootstrap(params.confidence, params.resamples, derive(params.seed, "bootstrap"))
    court = Court(
        dataset, inputs.corrupted, params.probes, bootstrap, params.seed, params.batch_size
    )
    shown = dataset.scaled(dataset.features("test").rows(court.test_rows[: params.examples]))
    figures, tables = {}, []
    outputs.tables.mkdir(parents=True)
    with one_thread():
        for representation in load_representations(inputs.model):
            entry = f"{params.name}{representation.name_suffix}"
            subject = as_subject(representation, inputs.model)
            figures[entry], outcome = judge(subject, court, monitor)
            if subject.attributes:
                figures[entry]["privacy"] = privacy_figures(subject, court, monitor)
            if representation.machine is not None and params.partition is not None:
                figures[entry]["energy"] = energy_figures(
                    representation.machine, court, params.partition
                )
            if params.likelihood is not None and representation.variational is not None:
                found = explained(representation.variational, params.likelihood, court, monitor)
                figures[entry]["likelihood"] = likelihood_figures(found, bootstrap)
            if params.geometry is not None:
                figures[entry]["geometry"] = shape_of(representation, params.geometry, court)
            tables.append(predictions(entry, dataset, outcome))
            if inputs.model == inputs.dataset:
                write_examples(outputs.tables / f"{entry}.npy", shown)
            elif subject.decode is not None:
                decoded = subject.decode(subject.encode(shown))
                write_examples(outputs.tables / f"{entry}.npy", decoded)
    write_json(outputs.figures, figures)
    path = outputs.tables / "samples.parquet"
    write_table(path, checked(Predictions, pd.concat(tables, ignore_index=True), path))


def explained(
    network: VariationalNetwork, config: Likelihood, court: Court, monitor: Monitor
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
    )


def shape_of(representation: Representation, config: Geometry, court: Court) -> GeometryFigures:
    """Look at the encoder near the same test samples for every representation."""
    seed = derive(court.seed, "geometry")
    rows = np.sort(np.random.default_rng(seed).permutation(court.test_rows)[: config.rows])
    samples = court.dataset.scaled(court.dataset.features("test").rows(rows))
    encoder = Encoder(representation.encode, representation.code_bounds)
    return geometry_figures(encoder, samples, config.projections, seed)


@contextmanager
def one_thread() -> Iterator[None]:
    """Let no library share its work out inside the block.

    The last bits then do not depend on the number of cores; and evaluations that run side by side
    do not wait for each other's threads, which made some of them 20 times slower.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1):
            yield
    finally:
        torch.set_num_threads(before)


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


def write_examples(path: Path, samples: Array) -> None:
    """Write ``(examples, *shape)`` samples in scaled units."""
    np.save(path, samples.astype(np.float32), allow_pickle=False)
