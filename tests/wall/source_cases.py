"""Bad data sources of every kind: each is declared as it should be, and its files are not."""

import decimal
import gzip
import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
from PIL import Image

from tests.wall.place import Case, write_params

CHECK = ("check",)
INGEST = ("stage", "ingest", "--dataset", "data/new")
RNG = np.random.default_rng(0)
LABELS = np.arange(60) % 3
PIXELS = RNG.integers(0, 256, (60, 8, 8), dtype=np.uint8)
NUMBERS = RNG.normal(size=(60, 4))
NPZ = {
    "kind": "npz", "path": "raw.npz", "features": "x", "labels": "y",
    "test_features": None, "test_labels": None,
}  # fmt: skip
PAIRS = {"kind": "pairs", "path": "raw.npz", "clean": "x", "noisy": "n", "labels": "y"}
TABLE = {"label": "label", "group": None, "split": None, "ignore": []}
CSV = {"kind": "csv", "path": "raw.csv", **TABLE}
PARQUET = {"kind": "parquet", "path": "raw.parquet", **TABLE}
IDX = {"kind": "idx", "folder": "raw"}
FOLDER = {"kind": "folder", "path": "raw", "height": 8, "width": 8, "channels": 1}

Write = Callable[[Path], None]


def cases() -> Iterator[Case]:
    """Give all of them; what a header cannot tell is read by ``ingest`` alone."""
    for name, write in IDX_FILES.items():
        yield _case(name, "idx", IDX, write, INGEST if name in SEEN_WHEN_READ else CHECK)
    for name, write in ARCHIVES.items():
        yield _case(name, "npz", NPZ, write, INGEST if name in SEEN_WHEN_READ else CHECK)
    for name, write in SUPPLIED_PAIRS.items():
        yield _case(name, "pairs", PAIRS, write, CHECK)
    for name, (more, text) in TEXTS.items():
        write = partial(_write_bytes, "raw.csv", text)
        yield _case(
            name, "csv", {**CSV, **more}, write, INGEST if name in SEEN_WHEN_READ else CHECK
        )
    for name, (more, frame) in FRAMES.items():
        write = partial(_write_frame, frame)
        source = {**PARQUET, **more}
        yield _case(name, "parquet", source, write, INGEST if name in SEEN_WHEN_READ else CHECK)
    for name, content in BYTES_FOR_PARQUET.items():
        write = partial(_write_bytes, "raw.parquet", content)
        yield _case(name, "parquet", PARQUET, write, CHECK)
    for name, write in FOLDERS.items():
        yield _case(name, "folder", FOLDER, write, INGEST)
    for name, (more, arrays) in SERIES.items():
        source = {"kind": "series", "file": NPZ, "channels": 1, **more}
        yield _case(name, "series", source, partial(_write_npz, arrays), INGEST)
    for name, (source, write) in ODD.items():
        yield _case(name, "source", source, write, CHECK)


def _case(name: str, family: str, source: Any, write: Write, words: tuple[str, ...]) -> Case:
    def damage(folder: Path) -> None:
        write_params(folder, {"data.source": source, "models": {}})
        write(folder)

    return Case(name, family, damage, words)


def _write_bytes(name: str, content: bytes, folder: Path) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _write_npz(arrays: dict[str, Any], folder: Path) -> None:
    np.savez(folder / "raw.npz", **arrays)


def _write_frame(frame: Any, folder: Path) -> None:
    table = frame if isinstance(frame, pa.Table) else pa.Table.from_pandas(frame)
    pyarrow.parquet.write_table(table, folder / "raw.parquet")


def idx(array: np.ndarray, kind: int = 0x08, shape: tuple[int, ...] | None = None) -> bytes:
    """Give an IDX file whose header may say another shape than the array has."""
    shape = array.shape if shape is None else shape
    head = struct.pack(f">2xBB{len(shape)}I", kind, len(shape), *shape)
    return head + array.tobytes()


IMAGES, ANSWERS = "raw/train-images-idx3-ubyte", "raw/train-labels-idx1-ubyte"
GOOD_IMAGES, GOOD_ANSWERS = idx(PIXELS), idx(LABELS.astype(np.uint8))


def _idx(images: bytes = GOOD_IMAGES, labels: bytes = GOOD_ANSWERS, packed: bool = False) -> Write:
    def write(folder: Path) -> None:
        _write_bytes(IMAGES + (".gz" if packed else ""), images, folder)
        _write_bytes(ANSWERS, labels, folder)

    return write


def _then(first: Write, name: str, content: bytes) -> Write:
    def write(folder: Path) -> None:
        first(folder)
        _write_bytes(name, content, folder)

    return write


PACKED = gzip.compress(GOOD_IMAGES)
BOMB = gzip.compress(GOOD_IMAGES + bytes(50_000_000), 9)
IDX_FILES: dict[str, Write] = {
    "no folder": lambda folder: None,
    "an empty folder": lambda folder: (folder / "raw").mkdir(),
    "a file instead of the folder": partial(_write_bytes, "raw", b"x"),
    "images without labels": partial(_write_bytes, IMAGES, GOOD_IMAGES),
    "an empty file": _idx(b""),
    "three bytes": _idx(b"\0\0\x08"),
    "a header that ends early": _idx(GOOD_IMAGES[:9]),
    "another magic number": _idx(b"\x89PNG" + GOOD_IMAGES[4:]),
    "an unknown type of elements": _idx(GOOD_IMAGES[:2] + b"\x0a" + GOOD_IMAGES[3:]),
    "no dimensions": _idx(b"\0\0\x08\0"),
    "255 dimensions": _idx(b"\0\0\x08\xff" + bytes(4 * 255)),
    "fewer elements than declared": _idx(GOOD_IMAGES[:-1]),
    "more elements than declared": _idx(GOOD_IMAGES + b"x"),
    "more elements than any disk holds": _idx(idx(PIXELS, shape=(2**32 - 1,) * 3)),
    "no samples": _idx(idx(PIXELS[:0]), idx(LABELS[:0].astype(np.uint8))),
    "images of no width": _idx(idx(PIXELS[:, :, :0])),
    "labels in place of images": _idx(GOOD_ANSWERS),
    "images in place of labels": _idx(labels=GOOD_IMAGES),
    "fewer labels than images": _idx(labels=idx(LABELS[:-1].astype(np.uint8))),
    "labels that are no whole numbers": _idx(
        labels=idx((LABELS + 0.5).astype(">f4"), 0x0D)),
    "labels that are no numbers": _idx(labels=idx(np.full(60, np.nan, ">f4"), 0x0D)),
    "pixels that are no numbers": _idx(idx(np.full((60, 8, 8), np.nan, ">f4"), 0x0D)),
    "no gzip behind .gz": _idx(GOOD_IMAGES, packed=True),
    "half a gzip": _idx(PACKED[: len(PACKED) // 2], packed=True),
    "a gzip with another checksum": _idx(PACKED[:-8] + b"wrong!!!", packed=True),
    "a gzip of more than is declared": _idx(gzip.compress(GOOD_IMAGES + b"more"), packed=True),
    "a gzip that expands without end": _idx(BOMB, packed=True),
    "a test part of another size": _then(
        _then(_idx(), "raw/t10k-images-idx3-ubyte", idx(PIXELS[:5, :4])),
        "raw/t10k-labels-idx1-ubyte", idx(LABELS[:5].astype(np.uint8))),
    "a test part without labels": _then(_idx(), "raw/t10k-images-idx3-ubyte", GOOD_IMAGES),
    "a folder in place of a file": _then(
        partial(_write_bytes, ANSWERS, GOOD_ANSWERS), IMAGES + "/x", b""),
}  # fmt: skip


def _npz(**arrays: Any) -> Write:
    return partial(_write_npz, {"x": PIXELS, "y": LABELS, **arrays})


def archive(members: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as writer:
        for name, content in members.items():
            writer.writestr(name, content)
    return buffer.getvalue()


def npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def _raw(content: bytes) -> Write:
    return partial(_write_bytes, "raw.npz", content)


def _header(text: str, content: bytes = b"") -> bytes:
    """Give an archive whose array has a header of our own."""
    head = text.encode() + b"\n"
    array = b"\x93NUMPY\x01\0" + struct.pack("<H", len(head)) + head + content
    return archive({"x.npy": array, "y.npy": npy(LABELS)})


GOOD_NPZ = archive({"x.npy": npy(PIXELS), "y.npy": npy(LABELS)}, zipfile.ZIP_DEFLATED)
ENCRYPTED = bytearray(GOOD_NPZ)
for _mark, _flag in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
    ENCRYPTED[ENCRYPTED.index(_mark) + _flag] |= 1
UNKNOWN_METHOD = bytearray(GOOD_NPZ)
for _mark, _flag in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
    UNKNOWN_METHOD[UNKNOWN_METHOD.index(_mark) + _flag] = 97
ENDLESS = bytearray(GOOD_NPZ)  # as if it held 2 GiB
for _mark, _place in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
    _start = ENDLESS.index(_mark) + _place
    ENDLESS[_start : _start + 4] = struct.pack("<I", 2**31)
DESCR = "{{'descr': '{}', 'fortran_order': False, 'shape': {}, }}"
ARCHIVES: dict[str, Write] = {
    "no file": lambda folder: None,
    "a folder": lambda folder: (folder / "raw.npz").mkdir(),
    "an empty file": _raw(b""),
    "a picture": _raw(b"\x89PNG\r\n\x1a\n"),
    "a bare array": _raw(npy(PIXELS)),
    "half an archive": _raw(GOOD_NPZ[: len(GOOD_NPZ) // 2]),
    "an archive of nothing": _raw(archive({})),
    "no such array": partial(_write_npz, {"z": PIXELS}),
    "an array of objects": _npz(x=np.array([{}] * 60, dtype=object)),
    "labels that are objects": _npz(y=np.array([None] * 60, dtype=object)),
    "an array of text": _npz(x=np.full((60, 4), "a")),
    "complex numbers": _npz(x=np.ones((60, 4), complex)),
    "dates": _npz(x=np.full((60, 4), np.datetime64("2020-01-01"))),
    "records": _npz(x=np.zeros((60, 2), [("a", "i4"), ("b", "f4")])),
    "a single number": _npz(x=np.float64(3)),
    "one dimension": _npz(x=np.arange(60.0)),
    "five dimensions": _npz(x=np.zeros((60, 1, 1, 2, 2))),
    "channels last": _npz(x=np.zeros((60, 8, 8, 3), np.uint8)),
    "no samples": _npz(x=PIXELS[:0], y=LABELS[:0]),
    "samples of no features": _npz(x=PIXELS[:, :0]),
    "fewer labels": _npz(y=LABELS[:-1]),
    "labels of two dimensions": _npz(y=np.eye(60)),
    "labels that are no whole numbers": _npz(y=LABELS + 0.5),
    "labels that are no numbers": _npz(y=np.full(60, np.nan)),
    "labels as dates": _npz(y=np.full(60, np.datetime64("2020-01-01"))),
    "one sample of a class": _npz(y=np.r_[9, LABELS[1:]]),
    "a class of its own for each sample": _npz(y=np.arange(60)),
    "one value that is no number": _npz(x=np.r_[[[np.nan] * 4], NUMBERS[1:]]),
    "one value without end": _npz(x=np.r_[[[np.inf] * 4], NUMBERS[1:]]),
    "values beyond float32": _npz(x=NUMBERS * 1e300),
    "the same sample in two splits": _npz(x=np.zeros((60, 4))),
    "three samples": _npz(x=PIXELS[:3], y=LABELS[:3]),
    "a member that lies about its size": _raw(
        GOOD_NPZ.replace(struct.pack("<I", zlib.crc32(npy(PIXELS))), b"\0\0\0\0")),
    "a member that is locked": _raw(bytes(ENCRYPTED)),
    "a member packed in an unknown way": _raw(bytes(UNKNOWN_METHOD)),
    "a pickle": _raw(archive({"x.npy": b"\x80\x04K\x01.", "y.npy": npy(LABELS)})),
    "a header of another version": _raw(
        archive({"x.npy": b"\x93NUMPY\x09\0" + npy(PIXELS)[8:], "y.npy": npy(LABELS)})),
    "a header that is code": _raw(_header("__import__('os').system('true')")),
    "a header that is no dictionary": _raw(_header("[1, 2]")),
    "a header that is too long": _raw(_header(" " * 60_000)),
    "a header of a shape below 0": _raw(_header(DESCR.format("|u1", "(-1, 8)"))),
    "a header of a shape without end": _raw(_header(DESCR.format("|u1", f"(60, {10**30})"))),
    "a header of a shape that is text": _raw(_header(DESCR.format("|u1", "('a',)"))),
    "a header of more than there is": _raw(_header(DESCR.format("<f8", "(60, 8)"), b"x")),
    "an archive that expands without end": _raw(bytes(ENDLESS)),
}  # fmt: skip

SUPPLIED_PAIRS: dict[str, Write] = {
    "no noisy version": _npz(),
    "fewer noisy versions": _npz(n=PIXELS[:-1]),
    "noisy versions of another shape": _npz(n=PIXELS[:, :4]),
    "noisy versions that are text": _npz(n=np.full((60, 8, 8), "a")),
}

LINES = "a,b,label\n" + "".join(f"{n % 7}.{n},{n * 3 % 11},{n % 3}\n" for n in range(60))
TEXTS: dict[str, tuple[dict[str, Any], bytes]] = {
    "an empty file": ({}, b""),
    "an empty line": ({}, b"\n"),
    "a header alone": ({}, b"a,b,label\n"),
    "no header": ({}, LINES.split("\n", 1)[1].encode()),
    "a row too short": ({}, f"{LINES}1,2\n".encode()),
    "a row too long": ({}, f"{LINES}1,2,0,5\n".encode()),
    "text among the numbers": ({}, f"{LINES}1,many,0\n".encode()),
    "a comma for the point": ({}, f'{LINES}"1,5",2,0\n'.encode()),
    "an empty cell": ({}, f"{LINES}1,,0\n".encode()),
    "an empty label": ({}, f"{LINES}1,2,\n".encode()),
    "semicolons": ({}, LINES.replace(",", ";").encode()),
    "a column twice": ({}, LINES.replace("a,b", "a,a", 1).encode()),
    "a quote that never ends": ({}, f'{LINES}"1,2,0\n'.encode()),
    "a null character": ({}, f"{LINES}1,\0,0\n".encode()),
    "UTF-16": ({}, LINES.encode("utf-16")),
    "Latin-1 in a label": ({}, f"{LINES}1,2,caf\xe9\n".encode("latin-1")),
    "a spreadsheet": ({}, archive({"xl/workbook.xml": b"<x/>"})),
    "no such label column": ({"label": "klass"}, LINES.encode()),
    "no such column to ignore": ({"ignore": ["c"]}, LINES.encode()),
    "a group column that is the label": ({"group": "label"}, LINES.encode()),
    "an unknown split": ({"split": "label"}, LINES.encode()),
    "every column ignored": ({"ignore": ["a", "b"]}, LINES.encode()),
    "values that are no numbers": ({}, f"{LINES}nan,2,0\n".encode()),
    "values without end": ({}, f"{LINES}inf,2,0\n".encode()),
    "values outside the bounds": ({"bounds": [0, 5]}, LINES.encode()),
    "bounds the wrong way round": ({"bounds": [5, 0]}, LINES.encode()),
}

FRAME = pd.DataFrame({"a": NUMBERS[:, 0], "b": NUMBERS[:, 1], "label": LABELS})
FRAMES: dict[str, tuple[dict[str, Any], Any]] = {
    "no rows": ({}, FRAME[:0]),
    "no features": ({}, FRAME[["label"]]),
    "text in a feature": ({}, FRAME.assign(b="many")),
    "lists in a feature": ({}, FRAME.assign(b=[[1.0]] * 60)),
    "dates in a feature": ({}, FRAME.assign(b=pd.Timestamp("2020-01-01"))),
    "an empty cell": ({}, FRAME.assign(b=FRAME.b.where(FRAME.b > 0))),
    "a feature that is all empty": ({}, pa.table(
        {"a": NUMBERS[:, 0], "b": pa.nulls(60), "label": LABELS})),
    "an empty label": ({}, FRAME.assign(label=[None, *["x"] * 59])),
    "labels as dates": ({}, FRAME.assign(label=pd.Timestamp("2020-01-01"))),
    "labels as lists": ({}, FRAME.assign(label=[[1]] * 60)),
    "decimal numbers": ({}, pa.table({"a": pa.array([decimal.Decimal(1)] * 60),
                                      "label": LABELS})),
    "a group torn by its own split": (
        {"group": "g", "split": "s"},
        FRAME.assign(g=0, s=["train", "valid", "test"] * 20)),
    "one group for all": ({"group": "g"}, FRAME.assign(g=1)),
    "a split without training": ({"split": "s"}, FRAME.assign(s="test")),
    "a split that is a number": ({"split": "label"}, FRAME),
}  # fmt: skip
_BUFFER = io.BytesIO()
FRAME.to_parquet(_BUFFER)
WHOLE = _BUFFER.getvalue()
BYTES_FOR_PARQUET = {
    "an empty file": b"",
    "a csv file": LINES.encode(),
    "half a file": WHOLE[: len(WHOLE) // 2],
    "the end alone": WHOLE[-8:],
    "a footer of nonsense": WHOLE[:-60] + bytes(52) + WHOLE[-8:],
}


def image(mode: str = "L", size: tuple[int, int] = (8, 8), kind: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    Image.new(mode, size).save(buffer, kind)
    return buffer.getvalue()


def _huge_png(side: int) -> bytes:
    """Give the header of a picture of so many pixels that no memory holds them."""
    content = bytearray(image())
    content[16:24] = struct.pack(">II", side, side)
    content[29:33] = struct.pack(">I", zlib.crc32(bytes(content[12:29])))
    return bytes(content)


def _pictures(*files: tuple[str, bytes]) -> Write:
    good = [(f"raw/{name}/{n}.png", image()) for name in ("cat", "dog") for n in range(20)]

    def write(folder: Path) -> None:
        for name, content in (*good, *files):
            _write_bytes(name, content, folder)

    return write


def _loop(folder: Path) -> None:
    (folder / "raw").mkdir()
    (folder / "raw/cat").symlink_to("../raw")


FOLDERS: dict[str, Write] = {
    "no folder": lambda folder: None,
    "an empty folder": lambda folder: (folder / "raw").mkdir(),
    "images without classes": partial(_write_bytes, "raw/1.png", image()),
    "a class without images": lambda folder: (folder / "raw/cat").mkdir(parents=True),
    "a file beside the classes": _pictures(("raw/readme.txt", b"x")),
    "a text among the images": _pictures(("raw/cat/notes.txt", b"x")),
    "a folder in a class": _pictures(("raw/cat/more/1.png", image())),
    "an empty image": _pictures(("raw/cat/x.png", b"")),
    "a text named .png": _pictures(("raw/cat/x.png", b"no image")),
    "half an image": _pictures(("raw/cat/x.png", image("RGB", (64, 64))[:60])),
    "a page named .jpg": _pictures(("raw/cat/x.jpg", b"<html></html>")),
    "16 bits for each pixel": _pictures(("raw/cat/x.png", image("I;16"))),
    "an image of more pixels than memory": _pictures(("raw/cat/x.png", _huge_png(60_000))),
    "an image of 150 million pixels": _pictures(("raw/cat/x.png", _huge_png(12_000))),
    "a link to itself": _loop,
}

GAPS = np.where(np.arange(4) == 1, np.nan, NUMBERS)
SERIES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "channels that do not divide": ({"channels": 3}, {"x": NUMBERS, "y": LABELS}),
    "a gap": ({}, {"x": GAPS, "y": LABELS}),
    "a series of nothing": ({}, {"x": np.full((60, 4), np.nan), "y": LABELS}),
    "lengths that are not there": ({"lengths": "n"}, {"x": NUMBERS, "y": LABELS}),
    "lengths of 0": ({"lengths": "n"}, {"x": NUMBERS, "y": LABELS, "n": LABELS}),
    "lengths beyond the end": ({"lengths": "n"}, {"x": NUMBERS, "y": LABELS, "n": LABELS + 9}),
    "lengths that are no whole numbers": (
        {"lengths": "n"}, {"x": NUMBERS, "y": LABELS, "n": LABELS + 0.5}),
    "lengths of two dimensions": (
        {"lengths": "n"}, {"x": NUMBERS, "y": LABELS, "n": np.ones((60, 1), int)}),
    "lengths that are objects": (
        {"lengths": "n"}, {"x": NUMBERS, "y": LABELS, "n": np.array([1] * 60, object)}),
}  # fmt: skip

MNIST = {"kind": "torchvision", "name": "MNIST", "folder": "raw", "download": False}
VARIANT = {"kind": "variant", "rotation": True, "background": "none",
           "train": 10, "valid": 5, "test": 5}  # fmt: skip


def _broken_mnist(folder: Path) -> None:
    for part in ("train", "t10k"):
        _write_bytes(f"raw/MNIST/raw/{part}-images-idx3-ubyte", GOOD_IMAGES[:-9], folder)
        _write_bytes(f"raw/MNIST/raw/{part}-labels-idx1-ubyte", GOOD_ANSWERS, folder)


ODD: dict[str, tuple[dict[str, Any], Write]] = {
    "a dataset that is not there": (MNIST, lambda folder: None),
    "a dataset that was cut off": (MNIST, _broken_mnist),
    "a variant of a table": (
        {**VARIANT, "of": NPZ}, partial(_write_npz, {"x": NUMBERS, "y": LABELS})),
    "a variant of damaged images": ({**VARIANT, "of": IDX}, _idx(GOOD_IMAGES[:-1])),
}  # fmt: skip

# Not before the values are read, which `check` does not.
SEEN_WHEN_READ = {
    "pixels that are no numbers", "a gzip with another checksum",
    "a gzip of more than is declared", "a gzip that expands without end",
    "one value that is no number", "one value without end", "values beyond float32",
    "the same sample in two splits", "a member that lies about its size", "an empty cell",
    "values that are no numbers", "values without end", "values outside the bounds",
    "one group for all", "half a gzip",
    "a feature that is all empty",
}  # fmt: skip
