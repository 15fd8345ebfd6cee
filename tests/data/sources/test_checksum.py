from pathlib import Path

import pytest
from pydantic import TypeAdapter

from aepipe.data.sources.checksum import require_digest, source_digest
from aepipe.errors import SourceError
from aepipe.params.data import Data, Source

TABLE = {"kind": "csv", "label": None, "group": None, "split": None, "ignore": []}
IMAGES = {"kind": "folder", "height": 8, "width": 8, "channels": 1}


def declared(section: dict) -> Source:
    return TypeAdapter(Source).validate_python(section)


def data(section: dict, digest: str | None) -> Data:
    return Data.model_validate(
        {
            "source": section,
            "source_digest": digest,
            "scaling": "range",
            "splits": {"valid": 0.2, "test": 0.2},
            "labelled_fraction": 1.0,
            "across_splits": "refuse",
        }
    )


@pytest.fixture
def images(tmp_path: Path) -> Path:
    for name in ("cat/1.png", "dog/1.png"):
        path = tmp_path / "images" / name
        path.parent.mkdir(parents=True)
        path.write_bytes(name.encode())
    return tmp_path / "images"


def test_content_and_names_make_the_digest_and_the_place_does_not(images, tmp_path):
    before = source_digest(declared(IMAGES | {"path": "images"}), tmp_path)
    moved = tmp_path / "elsewhere"
    images.rename(moved)
    source = declared(IMAGES | {"path": str(moved)})
    assert source_digest(source) == before
    (moved / ".DS_Store").write_text("a file browser was here")
    assert source_digest(source) == before
    (moved / "cat" / "1.png").rename(moved / "cat" / "2.png")
    renamed = source_digest(source)
    assert renamed != before
    (moved / "cat" / "2.png").write_bytes(b"another cat")
    assert source_digest(source) not in {before, renamed}


@pytest.mark.parametrize(
    "wrap",
    [
        lambda table: table,
        lambda table: {"kind": "series", "file": table, "channels": 1},
    ],
)
def test_a_table_is_known_by_its_bytes(wrap, tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("a,b\n1,2\n")
    source = declared(wrap(TABLE | {"path": str(path)}))
    before = source_digest(source)
    path.write_text("a,b\n1,2\n3,4\n")
    assert source_digest(source) != before
    path.write_text("a,b\n1,2\n")
    assert source_digest(source) == before


@pytest.mark.parametrize(
    "section",
    [
        {"kind": "digits"},
        {"kind": "convex", "train": 1, "valid": 1, "test": 1},
        {"kind": "torchvision", "name": "MNIST", "folder": "absent", "download": True},
    ],
)
def test_what_cannot_change_has_no_digest_and_takes_none(section):
    assert source_digest(declared(section)) is None
    with pytest.raises(SourceError, match="can't change; remove the key"):
        require_digest(data(section, "0" * 32))


def test_other_files_than_the_declared_ones_are_refused_with_both_checksums(images):
    section = IMAGES | {"path": str(images)}
    meant = source_digest(declared(section))
    require_digest(data(section, meant))
    require_digest(data(section, None))
    (images / "cat" / "2.png").write_bytes(b"a new cat")
    found = source_digest(declared(section))
    with pytest.raises(SourceError, match=f"{found}, and data.source_digest declares {meant}"):
        require_digest(data(section, meant))


def test_a_source_that_is_not_there_is_said_to_be_missing(tmp_path):
    with pytest.raises(SourceError, match="nothing is there"):
        source_digest(declared(IMAGES | {"path": "absent"}), tmp_path)
