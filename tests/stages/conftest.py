"""A small dataset of real digits, laid out as `ingest` does."""

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_digits

from aepipe.data.dataset import Dataset, describe_dataset
from aepipe.data.parts import write_parts

COUNTS = {"train": 120, "valid": 40, "test": 40}


@pytest.fixture(scope="session")
def small_digits(tmp_path_factory) -> Dataset:
    """200 digits, 8 x 8, in a folder of their own; not to be written to."""
    folder = tmp_path_factory.mktemp("digits") / "dataset"
    digits = load_digits()
    images = digits.images[:200, None].astype(np.uint8)
    splits = np.repeat(list(COUNTS), list(COUNTS.values()))
    for split in COUNTS:
        write_parts(folder / "features" / split, [images[splits == split]])
    flat = images.reshape(200, -1)
    pd.DataFrame(
        {
            "id": [f"{number:04d}" for number in range(200)],
            "split": splits,
            "label": digits.target[:200],
            "digest": [f"{number:032x}" for number in range(200)],
            "minimum": flat.min(axis=1).astype(float),
            "maximum": flat.max(axis=1).astype(float),
            "mean": flat.mean(axis=1),
        }
    ).to_parquet(folder / "samples.parquet", index=False)
    dataset = Dataset(
        folder=folder,
        source="digits",
        digest="0" * 32,
        shape=(1, 8, 8),
        scale=0.0625,
        offset=0.0,
        value_range=(0.0, 1.0),
        classes=[str(number) for number in range(10)],
        counts=dict(COUNTS),
        paired=False,
    )
    describe_dataset(dataset)
    return dataset
