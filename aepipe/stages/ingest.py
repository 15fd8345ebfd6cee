"""Read the declared source and lay it down as arrays and a table that every other stage reads.

The source lies outside what DVC watches: it may be large, elsewhere, or downloaded. What has been
ingested is therefore kept until ``data`` in params.yaml changes. ``data.source_digest`` is the key
for that: it says which files are meant. Without it ``dvc repro --force ingest`` reads the source
again, and what depends on it runs only if the content has changed.
"""

from dataclasses import dataclass
from pathlib import Path

from aepipe.data.contracts import Samples, checked, read_table, require_apart
from aepipe.data.ingestion import Assignment, write_dataset
from aepipe.data.shift import check_label_shift
from aepipe.data.sources.checksum import require_digest
from aepipe.data.sources.open import open_source
from aepipe.data.splits import assign_samples
from aepipe.monitor import Monitor
from aepipe.params.data import Data


@dataclass(frozen=True, slots=True)
class Params:
    """Sections of params.yaml that the stage reads."""

    seed: int
    data: Data


@dataclass(frozen=True, slots=True)
class Inputs:
    """None that DVC watches; the source is declared in ``data.source``."""


@dataclass(frozen=True, slots=True)
class Outputs:
    """Folder of the dataset: feature parts of each split, ``samples.parquet``, ``dataset.json``."""

    dataset: Path


def run(params: Params, inputs: Inputs, outputs: Outputs, monitor: Monitor) -> None:
    """Split and label by what the source says of its samples, then read their features once."""
    require_digest(params.data)
    source = open_source(params.data.source, params.seed)
    splits, labels = assign_samples(source, params.data, params.seed)
    assigned = Assignment(splits, labels, params.data.scaling)
    kind = params.data.source.kind
    dataset = write_dataset(source, kind, assigned, outputs.dataset, monitor)

    table = outputs.dataset / "samples.parquet"
    samples = checked(Samples, read_table(table), table)
    require_apart(samples, params.data.across_splits, Path(source.where))
    if params.data.train_on is None:  # else training has fewer classes than test, as declared
        check_label_shift(dataset, params.data.label_shift, monitor)
    counts = ", ".join(f"{split} {count}" for split, count in dataset.counts.items())
    total = sum(dataset.counts.values())
    monitor.remark(f"{source.where}: {total} samples of shape {dataset.shape}: {counts}")
    if source.origin:
        monitor.remark(f"{source.where}: {source.origin}")
