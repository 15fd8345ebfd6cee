"""``python -m tests.wall.fuzz READER SECONDS``: bytes that a reader does not refuse in words.

Guided by coverage: atheris (``pip install atheris``), which is libFuzzer for Python. What a reader
may raise is an AepipeError; anything else, more than 2 GiB, or 30 s for one input ends the run with
the bytes in ``build/fuzz/READER``. What one run has learned lies there too, and is where the next
one begins.
"""

import io
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import atheris
import numpy as np

with atheris.instrument_imports(include=["aepipe", "numpy.lib", "zipfile", "gzip", "ruamel"]):
    from aepipe.data.sources.idx import open_idx
    from aepipe.data.sources.npz import open_npz
    from aepipe.errors import AepipeError
    from aepipe.params.data import IdxSource, NpzSource
    from aepipe.params.load import load_params

from tests.wall.place import ROOT
from tests.wall.source_cases import GOOD_ANSWERS, GOOD_IMAGES, GOOD_NPZ, LABELS, PACKED, PIXELS, npy

PLACE = Path(tempfile.mkdtemp())
Reader = Callable[[bytes], None]


def read_idx(content: bytes) -> None:
    """A file of images, gzipped or not by its first byte, beside labels that are in order."""
    suffix = ".gz" if content[:1] == b"\x1f" else ""
    images = PLACE / f"train-images-idx3-ubyte{suffix}"
    images.write_bytes(content)
    (PLACE / "train-labels-idx1-ubyte").write_bytes(GOOD_ANSWERS)
    try:
        source = open_idx(IdxSource(kind="idx", folder=str(PLACE)))
        for _ in source.blocks(16):
            pass
    finally:
        images.unlink()


def read_archive(content: bytes) -> None:
    """An archive as it is; or, where it is none, the bytes as the array in one."""
    path = PLACE / "raw.npz"
    if content[:2] != b"PK":
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr("x.npy", content)
            archive.writestr("y.npy", npy(LABELS))
        content = buffer.getvalue()
    path.write_bytes(content)
    names = {"features": "x", "labels": "y", "test_features": None, "test_labels": None}
    source = open_npz(NpzSource(kind="npz", path=str(path), **names))
    for _ in source.blocks(16):
        pass


def read_params(content: bytes) -> None:
    """A params file."""
    path = PLACE / "params.yaml"
    path.write_bytes(content)
    load_params(path)


def seeds(name: str) -> list[bytes]:
    """Give what is in order, for the search to begin with."""
    text = (ROOT / "params.yaml").read_text()
    bare = "\n".join(line.split(" #")[0] for line in text.splitlines() if line.strip()[:1] != "#")
    array = npy(np.asfortranarray(PIXELS[:3]))
    of = {
        "idx": [GOOD_IMAGES, PACKED, GOOD_ANSWERS],
        "archive": [GOOD_NPZ, npy(PIXELS), array],
        "params": [bare.encode(), *(part.encode() for part in bare.split("\n\n"))],
    }
    return of[name]


READERS: dict[str, Reader] = {"idx": read_idx, "archive": read_archive, "params": read_params}


def main() -> None:
    """Search until the time is over or something is found."""
    name, seconds = sys.argv[1], sys.argv[2]
    folder = ROOT / "build" / "fuzz" / name
    (folder / "corpus").mkdir(parents=True, exist_ok=True)
    for place, content in enumerate(seeds(name)):
        (folder / "corpus" / f"seed-{place}").write_bytes(content)

    def once(content: bytes) -> None:
        try:
            READERS[name](content)
        except AepipeError as error:
            if not str(error):
                raise RuntimeError("refused without a word") from error

    options = [f"-max_total_time={seconds}", "-rss_limit_mb=2048", "-timeout=30", "-max_len=20000",
               f"-artifact_prefix={folder}/found-", "-print_final_stats=1"]  # fmt: skip
    atheris.Setup([sys.argv[0], *options, str(folder / "corpus")], once)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
