"""Laws of what reads bytes, of noise, and of codecs, on inputs that nobody has thought of.

Splits have theirs in tests/data/test_splits.py, and the whole files of `tests/wall/fuzz.py`.
"""

import struct
import tempfile
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from aepipe.corruption.noise import add_gaussian, drop, hide_block, mask, salt_and_pepper
from aepipe.data.parts import write_parts
from aepipe.data.sources.idx import read_idx
from aepipe.data.sources.npz import read_features
from aepipe.errors import AepipeError, ParamsError, SourceError
from aepipe.evaluation.pca import fit_pca
from aepipe.params.load import load_params
from tests.wall.source_cases import archive, idx, npy

TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
SHAPES = arrays.array_shapes(min_dims=2, max_dims=3, max_side=6)
UNIT = st.floats(0, 1, width=32)
seeds = st.integers(0, 2**31)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("place")


@st.composite
def idx_arrays(draw):
    kind = draw(st.sampled_from([*TYPES]))
    return kind, draw(arrays.arrays(np.dtype(TYPES[kind]), SHAPES))


@given(idx_arrays(), st.integers(1, 7))
def test_what_was_written_as_idx_is_read_back_in_blocks_of_any_size(place, written, rows):
    kind, array = written
    (place / "a").write_bytes(idx(array, kind))
    stored = read_idx(place / "a")
    read = np.concatenate(list(stored.blocks(rows)))
    np.testing.assert_array_equal(read.reshape(array.shape), array.astype(read.dtype))


@given(st.binary(max_size=80), st.sampled_from(["a", "a.gz"]))
@example(struct.pack(">2xBB2I", 8, 2, 2**31, 2**31), "a")
def test_bytes_are_an_idx_file_or_refused(place, content, name):
    (place / name).write_bytes(content)
    with suppress(SourceError):
        read_idx(place / name).load()


@given(arrays.arrays(arrays.integer_dtypes() | arrays.floating_dtypes(), SHAPES), st.booleans())
def test_what_numpy_saved_is_read_back_from_an_archive(place, array, fortran):
    stored = np.asfortranarray(array) if fortran else array
    (place / "a.npz").write_bytes(archive({"x.npy": npy(stored)}))
    read = read_features(place / "a.npz", "x").load()
    np.testing.assert_array_equal(read.reshape(array.shape), array.astype(read.dtype))


@given(st.binary(max_size=150))
@example(b"")
def test_bytes_are_an_array_of_an_archive_or_refused(place, content):
    head = b"\x93NUMPY\x01\0" + struct.pack("<H", len(content))
    for member in (content, head + content):
        (place / "a.npz").write_bytes(archive({"x.npy": member}))
        with suppress(SourceError):
            read_features(place / "a.npz", "x").load()


@given(st.text(max_size=60) | st.binary(max_size=60))
@example("a: !!timestamp 2020-13-45")
@example("- 2020-13-45")
@example("[" * 3000)
def test_text_is_refused_as_params_with_a_reason(place, content):
    raw = content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass")
    (place / "params.yaml").write_bytes(raw)
    with pytest.raises(ParamsError, match=r".{10}"):
        load_params(place / "params.yaml")


images = arrays.arrays(np.float32, st.just((2, 1, 4, 5)), elements=UNIT)


@given(images, UNIT, seeds)
def test_noise_leaves_its_input_alone_and_stays_in_its_range(image, fraction, seed):
    x = torch.from_numpy(image.copy())

    def generator():
        return torch.Generator().manual_seed(seed)

    for noisy in (
        mask(x, fraction, generator()),
        salt_and_pepper(x, fraction, 0.0, 1.0, generator()),
        hide_block(x, max(fraction, 0.01), generator()),
    ):
        assert noisy.shape == x.shape
        assert noisy.min() >= 0
        assert noisy.max() <= 1
    assert torch.equal(x, torch.from_numpy(image))
    kept = mask(x, fraction, generator())
    assert torch.equal(kept[kept != 0], x[kept != 0]), "what survives is as it was"
    assert torch.equal(mask(x, 0.0, generator()), x)
    assert torch.equal(add_gaussian(x, 0.0, generator()), x)
    dropped = drop(x, min(fraction, 0.9), generator())
    assert dropped.isfinite().all()


@given(arrays.arrays(np.uint8, st.tuples(st.integers(1, 40), st.just(3))), st.integers(1, 9))
def test_parts_give_back_the_rows_that_were_written_in_any_order(rows, block):
    with tempfile.TemporaryDirectory() as folder:
        cut = [rows[start : start + block] for start in range(0, len(rows), block)]
        parts = write_parts(Path(folder), cut)
        np.testing.assert_array_equal(parts.load(), rows)
        order = np.random.default_rng(0).permutation(len(rows))
        np.testing.assert_array_equal(parts.rows(order), rows[order])


@given(arrays.arrays(np.float32, st.tuples(st.integers(5, 20), st.just(4)), elements=UNIT))
def test_pca_of_full_size_decodes_what_it_encodes(rows):
    pca = fit_pca([rows], [4])
    np.testing.assert_allclose(pca.decode(pca.encode(rows, 4)), rows, atol=1e-4)


def test_a_refusal_is_the_users_and_no_bug():
    assert issubclass(SourceError, AepipeError)
    assert issubclass(ParamsError, AepipeError)
