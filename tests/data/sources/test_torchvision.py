"""Datasets of torchvision, from files laid down as it leaves them; nothing is downloaded."""

import subprocess
import sys

import numpy as np
import pytest

from aepipe.data.sources import torchvision as module
from aepipe.data.sources.torchvision import PUBLISHED, is_downloaded, open_torchvision
from aepipe.data.torchvision_operators import define_missing_operators
from aepipe.errors import SourceError
from aepipe.params.data import TorchvisionSource

STEMS = {
    "MNIST": ("train", "t10k"),
    "FashionMNIST": ("train", "t10k"),
    "KMNIST": ("train", "t10k"),
    "EMNIST": ("emnist-balanced-train", "emnist-balanced-test"),
}


def declared(folder, name, download=False):
    return TorchvisionSource(kind="torchvision", name=name, folder=str(folder), download=download)


@pytest.fixture
def lay_down(tmp_path, images, labels, write_idx):
    """Write a dataset's raw files as torchvision does once it has unpacked them."""

    def write(name):
        raw = tmp_path / name / "raw"
        raw.mkdir(parents=True)
        for part, stem in enumerate(STEMS[name]):
            write_idx(raw / f"{stem}-images-idx3-ubyte", images[part])
            write_idx(raw / f"{stem}-labels-idx1-ubyte", labels[part])
        return declared(tmp_path, name)

    return write


@pytest.mark.parametrize("name", ["MNIST", "FashionMNIST", "KMNIST"])
def test_the_raw_files_give_what_torchvision_gives(lay_down, name, read_all):
    config = lay_down(name)
    define_missing_operators()
    from torchvision import datasets

    kind = getattr(datasets, name)
    parts = [kind(config.folder, train=train) for train in (True, False)]
    source = open_torchvision(config)
    expected = np.concatenate([part.data.numpy() for part in parts])
    np.testing.assert_array_equal(read_all(source)[:, 0], expected)
    targets = np.concatenate([part.targets.numpy() for part in parts])
    assert [PUBLISHED[name].classes[i] for i in targets] == [
        source.classes[label] for label in source.labels
    ]
    assert source.given == ["train"] * 12 + ["test"] * 4


def test_emnist_is_turned_upright(lay_down, images, read_all):
    config = lay_down("EMNIST")
    np.testing.assert_array_equal(
        read_all(open_torchvision(config))[:12, 0], images[0].transpose(0, 2, 1)
    )


def test_the_names_of_emnist_are_torchvisions():
    define_missing_operators()
    from torchvision import datasets

    assert list(PUBLISHED["EMNIST"].classes) == datasets.EMNIST.classes_split_dict["balanced"]


@pytest.mark.parametrize("name", PUBLISHED)
def test_what_is_not_there_and_not_to_be_fetched_is_refused(tmp_path, name):
    with pytest.raises(SourceError, match=f"no {name}; expected it there; .*download: true"):
        open_torchvision(declared(tmp_path, name))


def test_a_dataset_counts_as_there_only_with_all_its_files(lay_down, tmp_path):
    config = lay_down("MNIST")
    assert is_downloaded(config)
    (tmp_path / "MNIST" / "raw" / "t10k-labels-idx1-ubyte").unlink()
    assert not is_downloaded(config)


class Loaded:
    """A dataset as torchvision reads it: CIFAR10 with targets, SVHN with labels."""

    def __init__(self, data, labels):
        self.data, self.targets, self.labels = data, labels.tolist(), labels


@pytest.mark.parametrize("name", ["CIFAR10", "SVHN"])
def test_colour_datasets_are_channels_first_with_the_given_split(
    tmp_path, monkeypatch, name, read_all
):
    first = np.random.default_rng(1).integers(0, 256, (9, 3, 32, 32), dtype=np.uint8)
    stored = first.transpose(0, 2, 3, 1) if name == "CIFAR10" else first
    numbers = np.array([0, 9, 1, 1, 2, 3, 3, 9, 0])
    rows = {"train": slice(0, 6), "test": slice(6, 9)}
    monkeypatch.setattr(module, "is_downloaded", lambda config: True)
    monkeypatch.setattr(
        module,
        "_construct",
        lambda config, split: Loaded(stored[rows[split]], numbers[rows[split]]),
    )
    source = open_torchvision(declared(tmp_path, name))
    np.testing.assert_array_equal(read_all(source), first)
    assert source.labels.tolist() == numbers.tolist()
    assert source.given == ["train"] * 6 + ["test"] * 3
    assert len(source.classes) == 10


@pytest.mark.parametrize("name", ["CIFAR10", "SVHN"])
def test_a_file_with_a_wrong_checksum_is_refused(tmp_path, name):
    config = declared(tmp_path, name)
    for file in module._files(name):
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_bytes(b"damaged")
    with pytest.raises(
        SourceError, match=f"torchvision cannot give {name} .*remove what is damaged"
    ):
        open_torchvision(config)


def test_a_failed_download_says_so(tmp_path, monkeypatch):
    define_missing_operators()
    from torchvision.datasets import mnist

    def refuse(*arguments, **options):
        raise RuntimeError("no route to host")

    monkeypatch.setattr(mnist, "download_and_extract_archive", refuse)
    with pytest.raises(
        SourceError, match=r"cannot give MNIST .*no route to host.*check the network"
    ):
        open_torchvision(declared(tmp_path, "MNIST", download=True))


def test_reading_what_is_there_loads_neither_torch_nor_torchvision(lay_down):
    config = lay_down("MNIST")
    program = (
        "import sys\n"
        "from aepipe.data.sources.open import open_source\n"
        "from aepipe.params.data import TorchvisionSource\n"
        f"config = TorchvisionSource(kind='torchvision', name='MNIST', folder={config.folder!r}, "
        "download=True)\n"
        "assert len(open_source(config, 0)) == 16\n"
        "print(*({'torch', 'torchvision'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ""
