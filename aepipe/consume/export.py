"""A trained model as an ONNX graph: raw units go in, what its kind predicts comes out.

Scaling lies inside the graph, and the number of samples is free. Before the file is put in place,
onnxruntime has to give what torch gives.
"""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast, final

import numpy as np
import torch
from torch import Tensor, nn

from aepipe.consume.predictions import Network
from aepipe.consume.samples import example_input
from aepipe.consume.trained import Trained
from aepipe.errors import InputError
from aepipe.files import all_or_nothing
from aepipe.models.dense import Classifier
from aepipe.models.k_sparse import KSparse
from aepipe.models.lstm import LstmAutoencoder
from aepipe.models.transformer import TransformerAutoencoder
from aepipe.monitor import Monitor

if TYPE_CHECKING:
    import onnx

NEEDED = ("onnx", "onnxruntime", "onnxscript")
INPUT = "samples"
CLOSE = 1e-4  # relative, and absolute in units of the largest value: float32 sums in another order
BATCHES = (1, 2, 7)  # on which both have to agree


@final
class Graph(nn.Module):
    """What an ONNX file computes: scaling, network, and scaling back.

    Shapes:
        input ``(batch, *shape)`` float32 in the units of the dataset; outputs in the order of
        :meth:`outputs`.
    """

    def __init__(self, model: Trained) -> None:
        super().__init__()
        self.network = model.network
        self.shape = model.dataset.shape
        scale, offset = (torch.from_numpy(np.array(each)) for each in model.dataset.scaling)
        self.register_buffer("scale", scale)
        self.register_buffer("offset", offset)

    def outputs(self) -> list[str]:
        """Give the names of what :meth:`forward` gives."""
        if isinstance(self.network, Classifier):
            return ["probabilities"]
        return ["codes", "reconstructions", "anomaly_scores"]

    def forward(self, samples: Tensor) -> tuple[Tensor, ...]:
        """Give the predictions for samples in the units of the dataset."""
        scale, offset = cast(Tensor, self.scale), cast(Tensor, self.offset)
        rows = samples * scale + offset
        if isinstance(self.network, Classifier):
            return (self.network(rows).softmax(dim=1),)
        network = cast(Network, self.network)
        codes = network.encode(rows)
        rebuilt = network.mean(network.decode(codes)).reshape(-1, *self.shape)
        errors = (rebuilt - rows).square().flatten(1).sum(dim=1)
        return codes, (rebuilt - offset) / scale, errors


def export_onnx(model: Trained, output: Path, monitor: Monitor) -> None:
    """Write the model as one ONNX file; equal models give equal bytes.

    Raises:
        InputError: its family cannot be exported, a package is missing, or the file would not give
            what the model gives.
    """
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise InputError(
            f"{', '.join(missing)} not installed; `pip install 'aepipe[export]'` installs it"
        )
    inner = model.network.network if isinstance(model.network, KSparse) else model.network
    if isinstance(inner, LstmAutoencoder | TransformerAutoencoder):
        raise InputError(
            f"a {type(inner).__name__} can't be exported: how many of its steps are read depends "
            "on the values, which torch's exporter can't write down; use `aepipe encode`"
        )
    graph = Graph(model).eval()
    with all_or_nothing([output]) as (lent,):
        _write(graph, model, lent)
        worst = _agreement(graph, model, lent)
    monitor.remark(f"{output}: {', '.join(graph.outputs())}; onnxruntime agrees to {worst:.1e}")


def _write(graph: Graph, model: Trained, path: Path) -> None:
    import onnx

    example = torch.from_numpy(example_input(model.dataset, 2))
    with _quiet():
        program = torch.onnx.export(
            graph,
            (example,),
            dynamo=True,
            input_names=[INPUT],
            output_names=graph.outputs(),
            dynamic_shapes=({0: torch.export.Dim("batch")},),
            verbose=False,
        )
    written = cast(Any, program).model_proto
    _forget_places(written)
    dataset = model.dataset
    about = {"dataset": dataset.digest, "classes": "\n".join(dataset.classes)}
    onnx.helper.set_model_props(written, about)
    path.write_bytes(written.SerializeToString(deterministic=True))


def _forget_places(written: "onnx.ModelProto") -> None:
    """Drop what the exporter notes of source files, whose paths are those of this machine."""
    graph = written.graph
    parts = [graph, *graph.node, *graph.input, *graph.output, *graph.value_info, *graph.initializer]
    for function in written.functions:
        parts += [function, *function.node, *function.value_info]
    for part in parts:
        del part.metadata_props[:]
        part.doc_string = ""


def _agreement(graph: Graph, model: Trained, path: Path) -> float:
    """Compare both on batches of several sizes; give the largest difference, relative.

    Raises:
        InputError: it is too large.
    """
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    worst = 0.0
    for count in BATCHES:
        samples = example_input(model.dataset, count)
        with torch.inference_mode():
            wanted = [values.numpy() for values in graph(torch.from_numpy(samples))]
        for name, want, got in zip(
            graph.outputs(), wanted, session.run(None, {INPUT: samples}), strict=True
        ):
            difference = float(np.abs(want - got).max() / max(1.0, float(np.abs(want).max())))
            if got.shape != want.shape or difference > CLOSE:
                raise InputError(
                    f"{name} of {count} samples differ by {difference:.1e} in onnxruntime; "
                    f"expected {CLOSE:g} at most; this model can't be exported faithfully"
                )
            worst = max(worst, difference)
    return worst


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence what the exporter says about its own insides."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", category=FutureWarning, module=r"(torch|copyreg)")
            yield
    finally:
        logger.setLevel(level)
