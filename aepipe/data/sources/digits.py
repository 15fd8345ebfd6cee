"""The digits that come with scikit-learn: 8 x 8 pixels of 0 to 16."""

import numpy as np

from aepipe.data.sources.source import SourceData, numbered, slices

BOUNDS = (0.0, 16.0)  # counts of set pixels in blocks of 4 x 4: E. Alpaydin and C. Kaynak (1998)


def open_digits() -> SourceData:
    """Load the 1,797 digits; they are in the library, so nothing can be missing."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    images = digits.images.astype(np.uint8)[:, None]  # (1797, 1, 8, 8), whole numbers as floats
    return SourceData(
        where="digits",
        shape=images.shape[1:],
        ids=numbered(len(images)),
        blocks=slices(images),
        labels=digits.target.astype(np.int64),
        classes=[str(name) for name in digits.target_names],
        bounds=BOUNDS,
    )
