"""Where samples come from, how they are scaled and split."""

from typing import Annotated, Literal, Self

from pydantic import Field, PositiveInt, model_validator

from aepipe.params.base import OpenFraction, Section

TorchvisionName = Literal["MNIST", "FashionMNIST", "KMNIST", "EMNIST", "CIFAR10", "SVHN"]


class DigitsSource(Section):
    """1,797 handwritten digits of 8 x 8 pixels, 0 to 16, embedded in scikit-learn."""

    kind: Literal["digits"]


class TorchvisionSource(Section):
    """A dataset of torchvision, downloaded once into ``folder`` and checked there."""

    kind: Literal["torchvision"]
    name: TorchvisionName
    """Class name in torchvision.datasets."""
    folder: str
    """Where downloads are kept; not versioned."""
    download: bool
    """Whether to fetch what is missing; false reads what lies in the folder."""


class IdxSource(Section):
    """A folder of IDX files as MNIST has them, gzipped or not."""

    kind: Literal["idx"]
    folder: str
    """Holds train-images-idx3-ubyte, train-labels-idx1-ubyte, and the same for t10k."""


class NpzSource(Section):
    """One ``.npz`` archive of plain arrays."""

    kind: Literal["npz"]
    path: str
    features: str
    """Name of the array of features, ``(samples, ...)``."""
    labels: str | None
    """Name of the array of labels, integers or strings; null where there are none."""
    test_features: str | None
    """Name of the test split's features; null where the archive gives no split."""
    test_labels: str | None
    """Name of the test split's labels."""


class TableSource(Section):
    """A table, one row per sample."""

    kind: Literal["csv", "parquet"]
    path: str
    label: str | None
    """Column of the class; null where there is none."""
    group: str | None
    """Column of what no split may tear apart (patient, speaker); null where there is none."""
    split: str | None
    """Column that says train, valid or test; null where the source gives no split."""
    ignore: Annotated[tuple[str, ...], Field(strict=False)]
    """Columns that are neither features nor any of the above."""


class FolderSource(Section):
    """Image files, one subfolder per class."""

    kind: Literal["folder"]
    path: str
    height: PositiveInt
    """Pixels; images of another size are resized (bilinear, antialiased)."""
    width: PositiveInt
    """Pixels."""
    channels: Literal[1, 3]
    """1 reads luminance, 3 reads RGB."""


class PairsSource(Section):
    """Clean arrays with their supplied noisy versions: the corruption is the data's own."""

    kind: Literal["pairs"]
    path: str
    """An ``.npz`` archive."""
    clean: str
    """Name of the array of clean samples, ``(samples, ...)``."""
    noisy: str
    """Name of the array of noisy samples, of the same shape."""
    labels: str | None
    """Name of the array of labels; null where there are none."""


Source = Annotated[
    DigitsSource
    | TorchvisionSource
    | IdxSource
    | NpzSource
    | TableSource
    | FolderSource
    | PairsSource,
    Field(discriminator="kind"),
]


class Splits(Section):
    """How samples are divided: what the source gives is kept, what it lacks is drawn."""

    valid: OpenFraction
    """Share of validation samples, drawn (stratified by class) from what is not test; like ``test``
    a share of all that the source leaves to be drawn from."""
    test: OpenFraction
    """Share of test samples, where the source gives none."""

    @model_validator(mode="after")
    def _leaves_training(self) -> Self:
        if self.valid + self.test >= 1:
            raise ValueError(f"valid {self.valid} + test {self.test} leave nothing to train on")
        return self


class Data(Section):
    """The dataset."""

    source: Source
    scaling: Literal["range", "standard", "none"]
    """``range``: to [0, 1] by the source's bounds, or where it has none by the training split's
    minimum and maximum of each feature. ``standard``: each feature to training mean 0 and variance
    1. ``none``: as the source has it."""
    splits: Splits
    labelled_fraction: Annotated[float, Field(gt=0, le=1)]
    """Share of training samples that keep their label (stratified); for label-scarce runs."""
    across_splits: Literal["refuse", "allow"]
    """What to do with one and the same sample in two splits."""
