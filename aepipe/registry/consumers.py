"""The commands of those who use trained models: their options, and running them."""

import argparse
from pathlib import Path

from aepipe.registry.serve import HOST, LARGEST_MIB, serve

MODEL = "models:/NAME@ALIAS, models:/NAME/VERSION, or a folder with a model"
INPUT = "array (.npy), table (.parquet, .csv), folder of images, or folder with dataset.json"
OUTPUT = "file to write: an array (.npy) or a table (.parquet)"
WHATS = ("codes", "reconstructions", "anomaly_scores")


def add_options(command: argparse.ArgumentParser, name: str) -> None:
    """Give ``command`` the options of the command of that name."""
    command.add_argument("--model", required=True, help=MODEL)
    if name == "serve":
        command.add_argument("--host", default=HOST, help=f"address to listen on (default: {HOST})")
        command.add_argument("--port", type=int, default=5001, help="(default: 5001)")
        text = f"largest request in MiB (default: {LARGEST_MIB})"
        command.add_argument("--largest", type=int, default=LARGEST_MIB, help=text)
        return
    text = "of a model that is a folder of the pipeline's (default: data/dataset)"
    command.add_argument("--dataset", type=Path, default=Path("data/dataset"), help=text)
    if name in ("encode", "predict"):
        command.add_argument("--input", type=Path, required=True, help=INPUT)
        text = "column of a table that goes along into the output; may be repeated"
        command.add_argument("--keep", action="append", default=[], metavar="COLUMN", help=text)
    if name == "encode":
        command.add_argument("--what", choices=WHATS, default=WHATS[0], help="(default: codes)")
    if name == "sample":
        command.add_argument("--samples", type=int, required=True, help="how many")
        command.add_argument("--seed", type=int, required=True, help="equal seeds, equal samples")
    if name == "export":
        command.add_argument("--format", choices=["onnx"], required=True)
    command.add_argument(
        "--output", type=Path, required=True, help="file to write" if name == "export" else OUTPUT
    )


def consume(parsed: argparse.Namespace) -> None:
    """Run the command that ``parsed`` is the command line of.

    Raises:
        AepipeError: the model, the samples or the output are not what they have to be.
    """
    if parsed.title == "serve":
        serve(parsed.model, parsed.host, parsed.port, parsed.largest)
        return
    from aepipe.console import ConsoleMonitor
    from aepipe.consume import streams
    from aepipe.registry.fetch import open_model  # and torch with it

    monitor = ConsoleMonitor()
    model = open_model(parsed.model, parsed.dataset)
    match parsed.title:
        case "encode":
            given = streams.open_samples(parsed.input, model, parsed.keep, parsed.output)
            streams.encode(model, given, parsed.what, parsed.output, monitor)
        case "predict":
            given = streams.open_samples(parsed.input, model, parsed.keep, parsed.output)
            streams.predict(model, given, parsed.output, monitor)
        case "sample":
            streams.sample(model, parsed.samples, parsed.seed, parsed.output, monitor)
        case "export":
            from aepipe.consume.export import export_onnx

            export_onnx(model, parsed.output, monitor)
