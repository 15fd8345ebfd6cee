"""Datasets of torchvision: it downloads them and compares checksums.

The MNIST family is read from the IDX files that torchvision leaves, with neither torch nor
torchvision once they are there. CIFAR10 and SVHN are read by torchvision, which compares the
checksum of each file before it opens it.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, assert_never, final

import numpy as np

from aepipe.data.dataset import Split
from aepipe.data.parts import Array
from aepipe.data.sources.idx import read_parts
from aepipe.data.sources.source import (
    BYTE_RANGE,
    SourceData,
    joined,
    numbered,
    slices,
)
from aepipe.data.torchvision_operators import define_missing_operators
from aepipe.errors import SourceError
from aepipe.params.data import TorchvisionName, TorchvisionSource

PARTS: tuple[Split, ...] = ("train", "test")
DIGITS = tuple("0123456789")
GARMENTS = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag",
    "Ankle boot",
)  # fmt: skip
SYLLABLES = ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo")
CHARACTERS = tuple("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabdefghnqrt")  # EMNIST balanced
THINGS = (
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
)  # fmt: skip


@final
@dataclass(frozen=True, slots=True)
class Published:
    """What a dataset is known to hold: samples in each part, shape of one, class names."""

    train: int
    test: int
    shape: tuple[int, int, int]
    classes: tuple[str, ...]


PUBLISHED: dict[TorchvisionName, Published] = {
    "MNIST": Published(60_000, 10_000, (1, 28, 28), DIGITS),
    "FashionMNIST": Published(60_000, 10_000, (1, 28, 28), GARMENTS),
    "KMNIST": Published(60_000, 10_000, (1, 28, 28), SYLLABLES),
    "EMNIST": Published(112_800, 18_800, (1, 28, 28), CHARACTERS),
    "CIFAR10": Published(50_000, 10_000, (3, 32, 32), THINGS),
    "SVHN": Published(73_257, 26_032, (3, 32, 32), DIGITS),
}


def is_downloaded(config: TorchvisionSource) -> bool:
    """Say whether the dataset's files lie in the folder."""
    return all((Path(config.folder) / name).exists() for name in _files(config.name))


def is_read_by_torchvision(config: TorchvisionSource) -> bool:
    """Say whether it takes torchvision, and so torch, to read the files."""
    return config.name in ("CIFAR10", "SVHN")


def open_torchvision(config: TorchvisionSource) -> SourceData:
    """Open a dataset in the declared folder, downloading it first where that is declared.

    Raises:
        SourceError: it is not there, cannot be fetched, or is damaged.
    """
    if not is_downloaded(config):
        if not config.download:
            raise SourceError(
                f"{config.folder}: no {config.name}; expected it there; set data.source.download: "
                "true to fetch it, or data.source.folder to where it is"
            )
        for split in PARTS:
            _construct(config, split)
    match config.name:
        case "MNIST" | "FashionMNIST" | "KMNIST" | "EMNIST":
            return _open_raw(config)
        case "CIFAR10" | "SVHN":
            return _open_loaded(config)
        case _:
            assert_never(config.name)


def _open_raw(config: TorchvisionSource) -> SourceData:
    folder = Path(config.folder)
    train, train_labels, test, test_labels = (folder / name for name in _files(config.name))
    source = read_parts(
        {"train": (train, train_labels), "test": (test, test_labels)}, str(folder / config.name)
    )
    names = PUBLISHED[config.name].classes
    named = replace(source, classes=[names[int(number)] for number in source.classes])
    if config.name == "EMNIST":  # stored lying on the side: columns first
        return replace(named, blocks=lambda rows: (b.swapaxes(2, 3) for b in named.blocks(rows)))
    return named


def _open_loaded(config: TorchvisionSource) -> SourceData:
    parts: dict[Split, tuple[Array, Array]] = {}
    for split in PARTS:
        loaded = _construct(config, split)
        if config.name == "CIFAR10":  # (n, height, width, channels)
            parts[split] = (loaded.data.transpose(0, 3, 1, 2), np.asarray(loaded.targets))
        else:
            parts[split] = (loaded.data, loaded.labels)
    return SourceData(
        where=f"{config.folder}/{config.name}",
        shape=PUBLISHED[config.name].shape,
        ids=[name for split in PARTS for name in numbered(len(parts[split][0]), f"{split}/")],
        blocks=joined([slices(images) for images, _ in parts.values()]),
        labels=np.concatenate([labels for _, labels in parts.values()]).astype(np.int64),
        classes=PUBLISHED[config.name].classes,
        given=[split for split in PARTS for _ in parts[split][0]],
        bounds=BYTE_RANGE,
    )


def _files(name: TorchvisionName) -> tuple[str, ...]:
    """Give the files that torchvision leaves in its folder."""
    match name:
        case "MNIST" | "FashionMNIST" | "KMNIST":
            stems = (f"{name}/raw/train", f"{name}/raw/t10k")
        case "EMNIST":
            stems = (f"{name}/raw/emnist-balanced-train", f"{name}/raw/emnist-balanced-test")
        case "CIFAR10":
            batches = (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch")
            return tuple(f"cifar-10-batches-py/{batch}" for batch in batches)
        case "SVHN":
            return ("train_32x32.mat", "test_32x32.mat")
        case _:
            assert_never(name)
    return tuple(f"{s}-{kind}-ubyte" for s in stems for kind in ("images-idx3", "labels-idx1"))


def _construct(config: TorchvisionSource, split: Split) -> Any:
    """Let torchvision download, where that is declared, check and read one part."""
    define_missing_operators()
    from torchvision import datasets

    root, download, is_train = config.folder, config.download, split == "train"
    try:
        match config.name:
            case "MNIST" | "FashionMNIST" | "KMNIST":
                return getattr(datasets, config.name)(root, train=is_train, download=download)
            case "EMNIST":
                return datasets.EMNIST(root, "balanced", train=is_train, download=download)
            case "CIFAR10":
                return datasets.CIFAR10(root, train=is_train, download=download)
            case "SVHN":
                return datasets.SVHN(root, split, download=download)
            case _:
                assert_never(config.name)
    except (RuntimeError, OSError) as error:
        raise SourceError(
            f"{root}: torchvision cannot give {config.name} ({' '.join(str(error).split())}); "
            "check the network, or remove what is damaged there, and run again"
        ) from None
