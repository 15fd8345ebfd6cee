"""From samples in files to predictions in a file, in bounded memory.

The output is whole or absent: it is written beside its name and renamed at the end.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from math import ceil, prod
from pathlib import Path
from typing import Literal, assert_never

from aepipe.consume.predictions import ROWS_AT_ONCE, classified, described, drawn, encoded
from aepipe.consume.readers import Input, open_input
from aepipe.consume.trained import Trained
from aepipe.consume.writers import Predictions, open_output, require_output
from aepipe.data.parts import Array
from aepipe.errors import InputError
from aepipe.files import all_or_nothing
from aepipe.monitor import Monitor

What = Literal["codes", "reconstructions", "anomaly_scores"]
WHATS: tuple[What, ...] = ("codes", "reconstructions", "anomaly_scores")
BATCH_BYTES = 64 * 2**20  # of samples in float32

Predict = Callable[[Array], Predictions]


def encode(model: Trained, given: Input, what: What, output: Path, monitor: Monitor) -> None:
    """Write the codes, reconstructions or anomaly scores of samples.

    An ``.npy`` file holds just these. A table has what the input keeps and, of codes, a column for
    each feature; of reconstructions, one of flat lists.

    Raises:
        InputError: samples are not what the model takes, or it cannot give ``what``.
    """

    def predict(samples: Array) -> Predictions:
        match what:
            case "codes":
                codes: Array = encoded(model, samples).numpy()
                return Predictions(codes, numbered("code", codes))
            case "reconstructions":
                rebuilt = described(model, samples)[what]
                return Predictions(rebuilt, {"reconstruction": rebuilt})
            case "anomaly_scores":
                scores = described(model, samples)[what]
                return Predictions(scores, {"anomaly_score": scores})
            case _:
                assert_never(what)

    _stream(model, given, predict, output, monitor)


def predict(model: Trained, given: Input, output: Path, monitor: Monitor) -> None:
    """Write the class probabilities of samples.

    An ``.npy`` file holds just these. A table has what the input keeps, ``label``, ``class_name``
    and a column ``probability_CLASS`` for each class.

    Raises:
        InputError: samples are not what the model takes, or it is no classifier.
    """
    model.classifier()

    def of(samples: Array) -> Predictions:
        given = classified(model, samples)
        chances = given["probabilities"]
        each = {
            f"probability_{name}": chances[:, i] for i, name in enumerate(model.dataset.classes)
        }
        told = {"label": given["label"], "class_name": given["class_name"]}
        return Predictions(chances, {**told, **each})

    _stream(model, given, of, output, monitor)


def sample(model: Trained, count: int, seed: int, output: Path, monitor: Monitor) -> None:
    """Write samples that are drawn from the prior, in the units of the dataset.

    Raises:
        InputError: the model has no prior, or there is nothing to draw.
    """
    require_output(output)
    draws = drawn(model, count, seed)
    with all_or_nothing([output]) as (lent,), open_output(lent, output.name) as writer:
        for rows in monitor.progress(draws, "sample", ceil(count / ROWS_AT_ONCE)):
            writer.write(Predictions(rows, {"sample": rows}))


def numbered(name: str, rows: Array) -> dict[str, Array]:
    """Give a column for each feature of ``(n, features)``: ``code_00``, ``code_01``, ..."""
    digits = len(str(rows.shape[1] - 1))
    return {f"{name}_{i:0{digits}}": rows[:, i] for i in range(rows.shape[1])}


def open_samples(path: Path, model: Trained, keep: Sequence[str], output: Path) -> Input:
    """Open samples for a model, once it is clear that its predictions can be written.

    Raises:
        InputError: see :func:`open_input`; or columns to keep have no table to go to.
    """
    require_output(output)
    if keep and output.suffix != ".parquet":
        raise InputError(f"{output}: --keep needs a table to write to; expected .parquet")
    return open_input(path, model.dataset, keep)


def _stream(model: Trained, given: Input, predict: Predict, output: Path, monitor: Monitor) -> None:
    rows = max(1, min(ROWS_AT_ONCE, BATCH_BYTES // (4 * prod(model.dataset.shape))))
    total = None if given.rows is None else ceil(given.rows / rows)
    with all_or_nothing([output]) as (lent,), open_output(lent, output.name) as writer:
        done = 0
        for batch in monitor.progress(given.batches(rows), output.name, total):
            with _placed(given.where, done):
                told = predict(batch.samples)
            writer.write(Predictions(told.array, {**batch.kept, **told.columns}))
            done += len(batch.samples)
        if not done:
            raise InputError(f"{given.where}: holds no sample; expected at least one")
    monitor.remark(f"{output}: {done} samples of {given.where}")


@contextmanager
def _placed(where: str, start: int) -> Iterator[None]:
    """Say which samples a message is about."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{where}, samples from {start}: {error}") from None
