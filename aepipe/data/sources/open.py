"""From a source section to its samples; the only place that knows all kinds."""

from typing import assert_never

from aepipe.data.sources.convex import open_convex
from aepipe.data.sources.digits import open_digits
from aepipe.data.sources.folder import open_folder
from aepipe.data.sources.idx import open_idx
from aepipe.data.sources.npz import open_npz, open_pairs
from aepipe.data.sources.rectangles import open_rectangles
from aepipe.data.sources.series import open_series
from aepipe.data.sources.source import SourceData
from aepipe.data.sources.table import open_csv, open_parquet
from aepipe.data.sources.torchvision import open_torchvision
from aepipe.data.sources.variant import make_variant
from aepipe.params.data import (
    ConvexSource,
    DigitsSource,
    FolderSource,
    IdxSource,
    NpzSource,
    PairsSource,
    RectanglesSource,
    SeriesSource,
    Source,
    TableSource,
    TorchvisionSource,
    VariantSource,
)


def open_source(config: Source, seed: int) -> SourceData:
    """Open what ``data.source`` declares; features are read when its blocks are asked for.

    Args:
        config: the section.
        seed: the pipeline's, of data that are generated.

    Raises:
        SourceError: it is missing, damaged, or not of the declared kind.
    """
    match config:
        case DigitsSource():
            return open_digits()
        case TorchvisionSource():
            return open_torchvision(config)
        case IdxSource():
            return open_idx(config)
        case NpzSource():
            return open_npz(config)
        case TableSource():
            return open_csv(config) if config.kind == "csv" else open_parquet(config)
        case FolderSource():
            return open_folder(config)
        case PairsSource():
            return open_pairs(config)
        case SeriesSource():
            return open_series(config)
        case RectanglesSource() | ConvexSource() | VariantSource():
            return _generate(config, seed)
        case _:
            assert_never(config)


def _generate(config: RectanglesSource | ConvexSource | VariantSource, seed: int) -> SourceData:
    match config:
        case RectanglesSource():
            return open_rectangles(config, seed)
        case ConvexSource():
            return open_convex(config, seed)
        case VariantSource():
            return make_variant(config, open_source(config.of, seed), seed)
        case _:
            assert_never(config)
