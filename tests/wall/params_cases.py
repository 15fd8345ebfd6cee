"""Bad params files: no YAML, YAML that is no params, and valid ones with one value off."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from tests.wall.place import PARAMS, ROOT, Case, KeyPath, write_params

CHECK = ("check",)
TEXT = (ROOT / "params.yaml").read_text()
BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n"
    for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)

TEXTS: dict[str, bytes] = {
    "an empty file": b"",
    "a comment alone": b"# nothing\n",
    "a word alone": b"yes\n",
    "a list": b"- seed\n- data\n",
    "null": b"null\n",
    "no YAML": b"seed: [1, 2\ndata: }\n",
    "a tab for indentation": b"seed: 1\ndata:\n\tsource: x\n",
    "bytes that are no text": bytes(range(128, 256)),
    "text in UTF-16": TEXT.encode("utf-16"),
    "text in Latin-1": TEXT.replace("# any", "# äöü").encode("latin-1"),
    "a null character": TEXT.replace("seed", "se\0ed", 1).encode(),
    "a control character": TEXT.replace("seed", "se\x07ed", 1).encode(),
    "a key twice": TEXT.replace("seed:", "seed: 1\nseed:", 1).encode(),
    "two documents": f"{TEXT}\n---\n{TEXT}".encode(),
    "a Python object": b"seed: !!python/object/apply:os.system ['true']\n",
    "an unknown tag": TEXT.replace("seed: 20061", "seed: !secret 20061", 1).encode(),
    "an alias of nothing": TEXT.replace("*layer", "*lair").encode(),
    "a list that holds itself": b"seed: &a [*a]\n",
    "a mapping that holds itself": b"seed: 1\ndata: &d\n  source: *d\n",
    "aliases that expand without bound": BOMB.encode() + b"seed: *i\n",
    "brackets nested 5,000 deep": b"seed: " + b"[" * 5000 + b"]" * 5000,
    "a mapping nested 400 deep": ("\n".join(" " * i + "a:" for i in range(400)) + " 1\n").encode(),
    "a number of 5,000 digits": TEXT.replace("20061", "7" * 5000, 1).encode(),
    "half a file": TEXT[: len(TEXT) // 2].encode(),
    "a key that is a list": TEXT.replace("seed:", "? [a, b]\n: 1\nseed:", 1).encode(),
    "a key that is a number": TEXT.replace("seed:", "3: 1\nseed:", 1).encode(),
    "a key that is a date": TEXT.replace("seed:", "2020-01-01: 1\nseed:", 1).encode(),
    "conflict marks of git": TEXT.replace(
        "seed: 20061", "<<<<<<< HEAD\nseed: 1\n=======\nseed: 2\n>>>>>>> other", 1
    ).encode(),
}

WRONG: dict[str, tuple[str, Any]] = {
    "a seed below 0": ("seed", -1),
    "a seed of true": ("seed", True),
    "an exponent that YAML reads as text": ("vae.training.learning_rate", "1e-3"),
    "a learning rate without end": ("vae.training.learning_rate", float("inf")),
    "a learning rate that is no number": ("vae.training.learning_rate", float("nan")),
    "a weight decay that is no number": ("unroll.training.weight_decay", float("nan")),
    "no epochs": ("unroll.training.epochs", 0),
    "half an epoch": ("unroll.training.epochs", 1.5),
    "a batch of none": ("finetune.training.batch_size", 0),
    "an unknown schedule": ("vae.training.schedule", "cosin"),
    "a precision that there is not": ("vae.training.precision", "float8"),
    "no layers": ("stack.layers", {}),
    "layers as a list": ("stack.layers", [1]),
    "a layer whose name is a path": ("stack.layers", {"../up": PARAMS["stack"]["layers"]["first"]}),
    "a layer on a layer that is not there": ("stack.layers.second.input", "models/stack/zeroth"),
    "a layer on itself": ("stack.layers.second.input", "models/stack/second"),
    "a layer of as many units as grains of sand": ("stack.layers.first.units", 10**12),
    "a code wider than any memory": ("vae.code_size", 10**10),
    "a hidden layer wider than any memory": ("vae.widths", [10**10]),
    "a fraction above 1": ("stack.layers.first.corruption.fraction", 1.5),
    "a fraction that is no number": ("stack.layers.first.corruption.fraction", float("nan")),
    "an unknown corruption": ("unroll.corruption", {"kind": "fog"}),
    "a corruption without a kind": ("unroll.corruption", {"fraction": 0.1}),
    "a standard deviation below 0": ("finetune.corruption.standard_deviation", -0.1),
    "a dropout of everything": ("finetune.dropout", 1.0),
    "a model that is a number": ("models", {"mine": 3}),
    "a model named with a space": ("models", {"my model": PARAMS["models"]["k_sparse"]}),
    "a model named like a stage's": ("models", {"pca": PARAMS["models"]["k_sparse"]}),
    "models that are null": ("models", None),
    "an unknown architecture": ("models.k_sparse.architecture", {"kind": "gan"}),
    "a confidence of 95": ("evaluate.confidence", 95),
    "no resamples": ("evaluate.resamples", 0),
    "more resamples than memory has bytes": ("evaluate.resamples", 10**13),
    "more trees than there are": ("evaluate.probes.random_forest.trees", 10**12),
    "neighbours of none": ("evaluate.probes.nearest_neighbours.neighbours", [0]),
    "a penalty of 0": ("evaluate.probes.linear.inverse_penalties", [0.0]),
    "no penalties": ("evaluate.probes.linear.inverse_penalties", []),
    "an unknown probe": ("evaluate.probes", {"astrology": {}}),
    "a representation that nothing makes": ("evaluate.representations", {"odd": "models/odd"}),
    "a condition that is text": ("corruption.conditions", ["masking"]),
    "a condition twice": ("corruption.conditions", [PARAMS["corruption"]["conditions"][0]] * 2),
    "an unknown source": ("data.source", {"kind": "internet"}),
    "a source that is text": ("data.source", "digits"),
    "a source without its path": ("data.source", {"kind": "npz", "features": "x"}),
    "splits that leave nothing": ("data.splits", {"valid": 0.5, "test": 0.5}),
    "a labelled fraction of 0": ("data.labelled_fraction", 0.0),
    "a checksum that is none": ("data.source_digest", "abc"),
    "a checksum of what cannot change": ("data.source_digest", "0" * 32),
    "a class that there is not": ("data.train_on", ["eleven"]),
    "more rectangles than memory holds": (
        "data.source", {"kind": "rectangles", "train": 10**12, "valid": 1, "test": 1}),
    "rectangles without a test part": (
        "data.source", {"kind": "rectangles", "train": 10, "valid": 1, "test": 0}),
    "more turned digits than there are": (
        "data.source", {"kind": "variant", "of": {"kind": "digits"}, "rotation": True,
                        "background": "none", "train": 5000, "valid": 10, "test": 10}),
    "more samples drawn than memory holds": ("appraise.samples", 10**13),
    "a network to appraise that is none": ("appraise.networks", {"pca": "models/pca"}),
    "a gate that is no sentence": ("registry.gates", {"aepipe-vae": ["better please"]}),
    "a gate for no model": ("registry.gates", {"nobody": ["vae.squared_error <= 1"]}),
    "a model to register that nothing makes": (
        "registry.models", {"a": {"kind": "encoder", "model": "models/none"}}),
    "an alias that MLflow keeps for itself": ("registry.alias", "latest"),
    "more pictures than a page holds": ("generate.samples", 10**12),
    "a traversal of no dimension": ("generate.traversal_dimensions", 0),
    "an image of no size": ("generate.steps", 0),
}  # fmt: skip

MUTATIONS: dict[str, Callable[[Any], Any]] = {
    "text": lambda value: "many",
    "below 0": lambda value: -1 - abs(value),
    "no number": lambda value: float("nan"),
    "null": lambda value: None,
    "a list of lists": lambda value: [[value]],
}


def cases() -> Iterator[Case]:
    """Give all of them."""
    for name, text in TEXTS.items():
        yield Case(name, "params text", partial(_write, text), CHECK)
    for name, (key, value) in WRONG.items():
        yield Case(name, "params", partial(_change, key, value), CHECK)
    for section in PARAMS:
        yield Case(f"without {section}", "params", partial(_drop, section), CHECK)
    numbers = [*_numbers(PARAMS, ())]
    for place, (path, value) in enumerate(numbers):
        name, key = [*MUTATIONS][place % len(MUTATIONS)], ".".join(map(str, path))
        if key.startswith("generate.traversal_range") and name == "below 0":
            continue
        yield Case(f"{key} is {name}", "mutated params",
                   partial(_change, path, MUTATIONS[name](value)), CHECK)  # fmt: skip
    absent = ("check", "--params", "elsewhere/params.yaml")
    yield Case("no such file", "params", lambda folder: None, absent)
    yield Case("a folder", "params", lambda folder: None, ("check", "--params", "data"))
    yield Case("of a stage", "params", partial(_change, "seed", "x"),
               ("stage", "ingest", "--dataset", "data/new"))  # fmt: skip


def _numbers(node: Any, path: KeyPath) -> Iterator[tuple[KeyPath, float]]:
    """Give every number with its key path, but for the sections that are optional in themselves."""
    items = (
        node.items()
        if isinstance(node, dict)
        else enumerate(node)
        if isinstance(node, list)
        else ()
    )
    for key, value in items:
        at = (*path, key)
        if isinstance(value, int | float) and not isinstance(value, bool):
            yield at, value
        else:
            yield from _numbers(value, at)


def _write(text: bytes, folder: Path) -> None:
    (folder / "params.yaml").write_bytes(text)


def _change(path: str | KeyPath, value: Any, folder: Path) -> None:
    write_params(folder, {path: value})


def _drop(section: str, folder: Path) -> None:
    from ruamel.yaml import YAML

    with (folder / "params.yaml").open("w") as file:
        YAML(typ="safe").dump({k: v for k, v in PARAMS.items() if k != section}, file)
