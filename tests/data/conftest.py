"""How tests of sources read them and write IDX files."""

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

CODES = {"u1": 0x08, "i1": 0x09, "i2": 0x0B, "i4": 0x0C, "f4": 0x0D, "f8": 0x0E}


def idx_bytes(array: np.ndarray) -> bytes:
    """Write as the format's page says: magic, dimensions, elements, all of them big-endian."""
    code = CODES[array.dtype.str[1:]]
    head = struct.pack(f">BBBB{array.ndim}I", 0, 0, code, array.ndim, *array.shape)
    return head + array.astype(array.dtype.newbyteorder(">")).tobytes()


@pytest.fixture
def write_idx():
    """Write an array as an IDX file, gzipped where the name says so."""

    def write(path: Path, array: np.ndarray) -> None:
        content = idx_bytes(array)
        path.write_bytes(gzip.compress(content, mtime=0) if path.suffix == ".gz" else content)

    return write


@pytest.fixture
def read_all():
    """Read a source's blocks and put them together; the result may not depend on their size."""

    def read(source, rows=3):
        return np.concatenate(list(source.blocks(rows)))

    return read


@pytest.fixture
def images():
    """Twelve different images of 5 x 4 pixels and four others, 8 bits."""
    pixels = np.random.default_rng(1).integers(0, 256, (16, 5, 4), dtype=np.uint8)
    return pixels[:12], pixels[12:]


@pytest.fixture
def labels():
    """Labels for both."""
    return np.array([3, 7, 9] * 4, np.uint8), np.array([3, 7, 9, 9], np.uint8)
