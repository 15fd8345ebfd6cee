"""Bad models, tables, samples, lock files, checkpoints and environments."""

import json
import os
import shutil
import struct
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from safetensors.numpy import load_file, save_file

from tests.wall.place import Case
from tests.wall.source_cases import image

Damage = Callable[[Path], None]
ENCODE = ("encode", "--model", "models/autoencoder", "--input", "rows.npy", "--output", "out.npy")
CHECK = ("check",)
PCA = ("stage", "pca", "--dataset", "data/dataset", "--pca", "models/new")
WEIGHTS = "models/autoencoder/weights.safetensors"
MODEL = "models/autoencoder/model.json"
DATASET = "data/dataset/dataset.json"
SAMPLES = "data/dataset/samples.parquet"
CONDITIONS = "data/corrupted/conditions.parquet"
PART = "data/dataset/features/train/00000.npy"


def cases() -> Iterator[Case]:
    """Give all of them."""
    yield from _of_the_pipeline()
    for name, (damage, words) in SAMPLES_GIVEN.items():
        yield Case(name, "samples", damage, words)
    for name, words in COMMANDS.items():
        yield Case(name, "command", lambda folder: None, words)
    for name, (variable, value, words) in ENVIRONMENTS.items():
        yield Case(name, "environment", lambda folder: None, words, ((variable, value),))
    for name, text in LOCKS.items():
        yield Case(name, "lock file", partial(_lock, text), ("which", "data/dataset"))


def _of_the_pipeline() -> Iterator[Case]:
    """What stages have written, damaged."""
    for name, text in JSON_TEXTS.items():
        for path, words in ((MODEL, ENCODE), (DATASET, PCA)):
            yield Case(f"{name} as {Path(path).name}", "json", partial(_write, path, text), words)
    for name, (path, change) in JSON_CHANGES.items():
        words = ENCODE if path == MODEL else PCA
        yield Case(name, "json", partial(_json, path, change), words)
    for name, damage in WEIGHT_DAMAGES.items():
        yield Case(name, "weights", damage, ENCODE)
    for name, damage in PART_DAMAGES.items():
        yield Case(name, "array", damage, PCA)
    for name, (path, damage) in TABLES.items():
        yield Case(name, "table", partial(damage, path), CHECK)


def _lock(content: bytes, folder: Path) -> None:
    _write("dvc.lock", content, folder)
    os.utime(folder / "dvc.lock", (0, 0))  # nobody has been writing it just now


def _write(path: str, content: bytes, folder: Path) -> None:
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.is_dir():
        shutil.rmtree(target)
    target.write_bytes(content)


JSON_TEXTS = {
    "an empty file": b"",
    "half a file": b'{"format": 1, "kind": "de',
    "a list": b"[1, 2]",
    "null": b"null",
    "bytes that are no text": b"\xff\xfe\x00",
    "an object of nothing": b"{}",
    "the right format and nothing more": b'{"format": 1}',
    "a newer format": b'{"format": 2}',
    "a format that is text": b'{"format": "1"}',
    "brackets without end": b"[" * 100_000,
}


def _json(path: str, change: Callable[[dict[str, Any]], Any], folder: Path) -> None:
    described = json.loads((folder / path).read_text())
    change(described)
    (folder / path).write_text(json.dumps(described))


def _put(*keys: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(described: dict[str, Any]) -> None:
        *inner, last = keys
        for key in inner:
            described = described[key]
        described[last] = value

    return change


JSON_CHANGES: dict[str, tuple[str, Callable[[dict[str, Any]], Any]]] = {
    "an unknown kind of network": (MODEL, _put("kind", value="gan")),
    "arguments that are a list": (MODEL, _put("arguments", value=[1])),
    "an argument more": (MODEL, _put("arguments", "colour", value="red")),
    "a shape of text": (MODEL, _put("arguments", "shape", value="wide")),
    "a shape below 0": (MODEL, _put("arguments", "shape", value=[1, -8, 8])),
    "another width": (MODEL, _put("arguments", "widths", value=[7, 3])),
    "a width without end": (MODEL, _put("arguments", "widths", value=[10**15, 3])),
    "an unknown nonlinearity": (MODEL, _put("arguments", "nonlinearities", value=["a", "b"])),
    "no arguments": (MODEL, lambda d: d.pop("arguments")),
    "no scale": (DATASET, lambda d: d.pop("scale")),
    "a scale of text": (DATASET, _put("scale", value="wide")),
    "as many scales as there are not": (DATASET, _put("scale", value=[1.0, 2.0])),
    "a shape that is a number": (DATASET, _put("shape", value=3)),
    "a shape of no size": (DATASET, _put("shape", value=[0])),
    "counts that are text": (DATASET, _put("counts", value="many")),
    "a range that is a number": (DATASET, _put("value_range", value=1)),
    "classes that are a number": (DATASET, _put("classes", value=10)),
}


def _weights(change: Callable[[dict[str, np.ndarray]], dict[str, np.ndarray]]) -> Damage:
    def damage(folder: Path) -> None:
        save_file(change(load_file(folder / WEIGHTS)), folder / WEIGHTS)

    return damage


def _cut(path: str, keep: float, folder: Path) -> None:
    content = (folder / path).read_bytes()
    (folder / path).write_bytes(content[: int(len(content) * keep)])


WEIGHT_DAMAGES: dict[str, Damage] = {
    "no file": lambda folder: (folder / WEIGHTS).unlink(),
    "an empty file": partial(_write, WEIGHTS, b""),
    "half a file": partial(_cut, WEIGHTS, 0.5),
    "a file without its last byte": partial(_cut, WEIGHTS, 0.999),
    "a pickle": partial(_write, WEIGHTS, b"\x80\x04K\x01."),
    "a header without end": partial(_write, WEIGHTS, struct.pack("<Q", 2**60) + b"{}"),
    "a header that is no JSON": partial(_write, WEIGHTS, struct.pack("<Q", 4) + b"{{{{"),
    "offsets beyond the end": partial(
        _write, WEIGHTS,
        struct.pack("<Q", 64)
        + b'{"a":{"dtype":"F32","shape":[9],"data_offsets":[0,36]}}'.ljust(64)),
    "a folder": lambda folder: ((folder / WEIGHTS).unlink(), (folder / WEIGHTS).mkdir()),
    "no tensors": _weights(lambda w: {}),
    "a tensor less": _weights(lambda w: dict([*w.items()][1:])),
    "a tensor more": _weights(lambda w: {**w, "more": np.zeros(3, np.float32)}),
    "a tensor of another shape": _weights(
        lambda w: {k: (v[:-1] if v.ndim > 1 else v) for k, v in w.items()}),
    "weights of whole numbers": _weights(lambda w: {k: v.astype(np.int64) for k, v in w.items()}),
    "weights in double precision": _weights(
        lambda w: {k: v.astype(np.float64) for k, v in w.items()}),
    "a weight that is no number": _weights(
        lambda w: {k: np.where(np.arange(v.size).reshape(v.shape) == 0, np.nan, v).astype(v.dtype)
                   for k, v in w.items()}),
}  # fmt: skip


def _part(array: Any) -> Damage:
    def damage(folder: Path) -> None:
        np.save(folder / PART, array, allow_pickle=True)

    return damage


PART_DAMAGES: dict[str, Damage] = {
    "no parts": lambda folder: shutil.rmtree(folder / "data/dataset/features/train"),
    "an empty part": partial(_write, PART, b""),
    "half a part": partial(_cut, PART, 0.5),
    "a part of objects": _part(np.array([{}, None], object)),
    "a part of another shape": _part(np.zeros((1257, 3))),
    "a part that is a number": _part(np.float64(1)),
    "a part of text": _part(np.full((1257, 1, 8, 8), "a")),
    "a part of values that are no numbers": _part(np.full((1257, 1, 8, 8), np.nan)),
    "two parts that do not fit": lambda folder: np.save(
        folder / "data/dataset/features/train/00001.npy", np.zeros((3, 1, 8, 9))),
    "a part without rows": _part(np.zeros((0, 1, 8, 8), np.uint8)),
}  # fmt: skip


def _frame(change: Callable[[pd.DataFrame], pd.DataFrame], path: str, folder: Path) -> None:
    change(pd.read_parquet(folder / path)).to_parquet(folder / path)


def _bytes(content: bytes, path: str, folder: Path) -> None:
    _write(path, content, folder)


TABLES: dict[str, tuple[str, Callable[[str, Path], None]]] = {
    "no table": (SAMPLES, lambda path, folder: (folder / path).unlink()),
    "an empty file": (SAMPLES, partial(_bytes, b"")),
    "a csv file": (SAMPLES, partial(_bytes, b"id,split\n1,train\n")),
    "no rows": (SAMPLES, partial(_frame, lambda f: f[:0])),
    "a row less": (SAMPLES, partial(_frame, lambda f: f[:-1])),
    "a column less": (SAMPLES, partial(_frame, lambda f: f.drop(columns="split"))),
    "a column more": (SAMPLES, partial(_frame, lambda f: f.assign(more=1))),
    "an id twice": (SAMPLES, partial(_frame, lambda f: f.assign(id="same"))),
    "an unknown split": (SAMPLES, partial(_frame, lambda f: f.assign(split="later"))),
    "labels as text": (SAMPLES, partial(_frame, lambda f: f.assign(label="three"))),
    "labels below the unlabelled": (SAMPLES, partial(_frame, lambda f: f.assign(label=-5))),
    "labels beyond the classes": (SAMPLES, partial(_frame, lambda f: f.assign(label=99))),
    "a digest that is none": (SAMPLES, partial(_frame, lambda f: f.assign(digest="abc"))),
    "a mean above the maximum": (SAMPLES, partial(_frame, lambda f: f.assign(mean=1e9))),
    "a minimum that is no number": (
        SAMPLES, partial(_frame, lambda f: f.assign(minimum=float("nan")))),
    "splits out of order": (SAMPLES, partial(_frame, lambda f: f[::-1])),
    "a level below 0": (CONDITIONS, partial(_frame, lambda f: f.assign(realised=-1.0))),
    "a level that was not realised": (
        CONDITIONS, partial(_frame, lambda f: f.assign(realised=0.9))),
    "a condition twice": (
        CONDITIONS, partial(_frame, lambda f: pd.concat([f, f], ignore_index=True))),
    "a kind of noise that there is not": (
        CONDITIONS, partial(_frame, lambda f: f.assign(kind="fog"))),
}  # fmt: skip


def _encode(given: str, output: str = "out.npy", *more: str) -> tuple[str, ...]:
    return ("encode", "--model", "models/autoencoder", "--input", given, "--output", output, *more)


def _rows(array: Any) -> Damage:
    return lambda folder: np.save(folder / "rows.npy", array, allow_pickle=True)


def _csv(text: str) -> Damage:
    return partial(_write, "rows.csv", text.encode())


HEAD = ",".join(f"p{n}" for n in range(64)) + "\n"
ROW = ",".join(["1"] * 64) + "\n"
ROWS, TABLE = _encode("rows.npy"), _encode("rows.csv", "out.parquet")
SAMPLES_GIVEN: dict[str, tuple[Damage, tuple[str, ...]]] = {
    "no file": (lambda folder: None, _encode("none.npy")),
    "an unknown suffix": (partial(_write, "rows.txt", b"x"), _encode("rows.txt")),
    "no array": (partial(_write, "rows.npy", b"x"), ROWS),
    "a pickle": (_rows(np.array([{}], object)), ROWS),
    "a number": (_rows(np.float64(3)), ROWS),
    "no samples": (_rows(np.zeros((0, 1, 8, 8))), ROWS),
    "text": (_rows(np.full((2, 64), "a")), ROWS),
    "complex numbers": (_rows(np.ones((2, 64), complex)), ROWS),
    "another shape": (_rows(np.zeros((2, 1, 8, 9))), ROWS),
    "channels last": (_rows(np.zeros((2, 8, 8, 1))), ROWS),
    "values that are no numbers": (_rows(np.full((2, 64), np.nan)), ROWS),
    "values without end": (_rows(np.full((2, 64), np.inf)), ROWS),
    "values above the range": (_rows(np.full((2, 64), 255.0)), ROWS),
    "a bad sample behind 5,000 good ones": (
        _rows(np.r_[np.zeros((5000, 64)), np.full((1, 64), -7)]), ROWS),
    "an empty table": (_csv(""), TABLE),
    "a header alone": (_csv(HEAD), TABLE),
    "a column less": (_csv(HEAD.replace("p0,", "") + ROW[2:]), TABLE),
    "a row too short": (_csv(HEAD + ROW + "1,2\n"), TABLE),
    "text in a cell": (_csv(HEAD + ROW.replace("1", "many", 1)), TABLE),
    "an empty cell": (_csv(HEAD + ROW[1:]), TABLE),
    "a column to keep that is not there": (
        _csv(HEAD + ROW), _encode("rows.csv", "out.parquet", "--keep", "name")),
    "a column to keep of an array": (
        lambda folder: None, _encode("rows.npy", "out.npy", "--keep", "name")),
    "no parquet": (partial(_write, "rows.parquet", b"PAR1PAR1"), _encode("rows.parquet")),
    "an empty folder": (lambda folder: (folder / "pictures").mkdir(), _encode("pictures")),
    "a picture of another size": (
        partial(_write, "pictures/1.png", image(size=(9, 9))), _encode("pictures")),
    "half a picture": (partial(_write, "pictures/1.png", image()[:40]), _encode("pictures")),
    "an output of an unknown suffix": (lambda folder: None, _encode("rows.npy", "out.xlsx")),
    "an output that is a folder": (
        lambda folder: (folder / "out.npy").mkdir(), _encode("rows.npy")),
    "an output in a file": (lambda folder: None, _encode("rows.npy", "params.yaml/out.npy")),
}  # fmt: skip


def _sample(count: str, seed: str = "1", model: str = "models/vae") -> tuple[str, ...]:
    return ("sample", "--model", model, "--samples", count, "--seed", seed, "--output", "out.npy")


COMMANDS: dict[str, tuple[str, ...]] = {
    "no command": (),
    "an unknown command": ("train",),
    "an unknown stage": ("stage", "teach"),
    "a stage without its paths": ("stage", "pca"),
    "a layer that there is not": (
        "stage", "pretrain", "--name", "ninth", "--input", "data/dataset", "--layer", "l"),
    "an instance that is a path": (
        "stage", "pretrain", "--name", "../x", "--input", "data/dataset", "--layer", "l"),
    "an input that is not there": ("stage", "pca", "--dataset", "nowhere", "--pca", "models/new"),
    "an input that is a file": ("stage", "pca", "--dataset", "params.yaml", "--pca", "models/new"),
    "no samples": _sample("0"),
    "samples below 0": _sample("-5"),
    "samples that are text": _sample("many"),
    "samples without end": _sample(str(10**15)),
    "a seed below 0": _sample("2", "-1"),
    "a seed without end": _sample("2", str(10**30)),
    "samples from what has no prior": _sample("2", "1", "models/autoencoder"),
    "classes from what is no classifier": (
        "predict", "--model", "models/vae", "--input", "rows.npy", "--output", "out.npy"),
    "a model that is not there": (
        "encode", "--model", "models/none", "--input", "rows.npy", "--output", "out.npy"),
    "a model that is a file": (
        "encode", "--model", "params.yaml", "--input", "rows.npy", "--output", "out.npy"),
    "an address without a version": (
        "encode", "--model", "models:/mine", "--input", "rows.npy", "--output", "out.npy"),
    "a dataset that is not there": (*ENCODE, "--dataset", "nowhere"),
    "an unknown thing to encode": (*ENCODE, "--what", "dreams"),
    "an unknown format": (
        "export", "--model", "models/vae", "--format", "tensorflow", "--output", "x"),
    "a port that is text": ("serve", "--model", "models/vae", "--port", "http"),
    "an experiment that there is not": ("experiment", "show", "none"),
    "an experiment that is a path": ("experiment", "show", "../params"),
    "a summary of nothing": ("summary",),
    "a comparison outside of git": ("compare", "HEAD", "workspace"),
    "a schema into a file": ("schema", "--output", "params.yaml/schema.json"),
    "a schema in place of a folder": ("schema", "--output", "data"),
    "a catalogue in place of a folder": ("catalogue", "--output", "models"),
}  # fmt: skip

TRAIN = ("stage", "vae", "--dataset", "data/dataset", "--vae", "models/new")
ENVIRONMENTS = {
    "a device that there is not": ("AEPIPE_DEVICE", "abacus", TRAIN),
    "a GPU that there is not": ("AEPIPE_DEVICE", "cuda:99", TRAIN),
    "processes that are text": ("AEPIPE_PROCESSES", "two", TRAIN),
    "processes below 0": ("AEPIPE_PROCESSES", "-1", TRAIN),
    "seconds that are text": ("AEPIPE_CHECKPOINT_SECONDS", "often", TRAIN),
    "seconds that are no number": ("AEPIPE_CHECKPOINT_SECONDS", "nan", TRAIN),
    "a server that is no address": ("MLFLOW_TRACKING_URI", "nonsense://x", ("history", "a")),
    "a server that is not there": (
        "MLFLOW_TRACKING_URI", "http://127.0.0.1:9", ("history", "a")),
}  # fmt: skip

LOCKS = {
    "an empty file": b"",
    "no YAML": b"schema: [\n",
    "a list": b"- a\n",
    "no stages": b"schema: '2.0'\n",
    "stages as a list": b"schema: '2.0'\nstages: [a]\n",
    "a stage that is null": b"schema: '2.0'\nstages:\n  ingest:\n",
    "an output without a path": b"schema: '2.0'\nstages:\n  ingest:\n    outs: [{md5: a}]\n",
    "outputs that are text": b"schema: '2.0'\nstages:\n  ingest:\n    outs: data\n",
    "conflict marks of git": b"<<<<<<< HEAD\nschema: '2.0'\n=======\n>>>>>>> other\n",
    "bytes that are no text": b"\xff\xfe\x00",
}
