"""Tables as text and as parquet: the same samples either way, the same refusals."""

import numpy as np
import pandas as pd
import pytest

from aepipe.data.sources import open as sources
from aepipe.errors import SourceError
from aepipe.params.data import TableSource

ROLES = {"label": "kind", "group": "patient", "split": "part", "ignore": ("remark",)}


def open_source(config):
    return sources.open_source(config, seed=0)


def frame():
    return pd.DataFrame(
        {
            "patient": ["b", "b", "a", "c", "c", "a"],
            "height": [1.5, 2.5, -3.0, 1e-3, 5.0, 6.0],
            "kind": ["10", "9", "9", "10", "10", "9"],
            "age": [3, 4, 5, 6, 7, 8],
            "remark": ["", "x", "y, z", "", "é", "w"],
            "part": ["train", "train", "test", "train", "train", "test"],
        }
    )


def declared(path, **roles):
    kind = path.suffix.removeprefix(".")
    return TableSource(kind=kind, path=str(path), **(ROLES | roles))


def write(table, path):
    if path.suffix == ".csv":
        table.to_csv(path, index=False)
    else:
        table.to_parquet(path, index=False, row_group_size=4)
    return path


@pytest.fixture(params=["csv", "parquet"])
def path(request, tmp_path):
    return write(frame(), tmp_path / f"table.{request.param}")


def test_columns_become_what_they_are_declared_as(path, read_all):
    source = open_source(declared(path))
    np.testing.assert_array_equal(read_all(source), frame()[["height", "age"]].to_numpy())
    assert source.shape == (2,)
    assert source.classes == ["9", "10"]
    assert source.labels.tolist() == [1, 0, 0, 1, 1, 0]
    assert source.given == frame()["part"].tolist()
    assert source.groups.tolist() == [1, 1, 0, 2, 2, 0]
    assert source.bounds is None
    assert source.columns == ["height", "age"]


def test_roles_may_be_absent(path):
    numbers = frame()[["height", "age"]]
    source = open_source(
        declared(write(numbers, path), label=None, group=None, split=None, ignore=())
    )
    assert (source.labels, source.given, source.groups) == (None, None, None)
    assert len(source) == 6


@pytest.mark.parametrize("rows", [1, 3, 4, 100])
def test_blocks_of_any_size_hold_the_same_rows(path, read_all, rows):
    source = open_source(declared(path))
    np.testing.assert_array_equal(read_all(source, rows), read_all(source))


def test_parquet_keeps_the_narrowest_type_that_holds_all_columns(tmp_path, read_all):
    pixels = pd.DataFrame({"a": [0, 255], "b": [1, 2]}).astype("uint8")
    roles = {"label": None, "group": None, "split": None, "ignore": ()}
    path = write(pixels, tmp_path / "a.parquet")
    assert read_all(open_source(declared(path, **roles))).dtype == np.uint8
    write(pixels.assign(c=np.float32([0.5, 1])), path)
    assert read_all(open_source(declared(path, **roles))).dtype == np.float32


def test_a_column_of_categories_is_read_by_its_names(tmp_path):
    table = frame().assign(kind=frame()["kind"].astype("category"))
    assert open_source(declared(write(table, tmp_path / "a.parquet"))).classes == ["9", "10"]


def test_a_class_named_na_is_a_class(tmp_path):
    table = frame().assign(kind=["NA", "null", "NA", "null", "NA", "null"])
    assert open_source(declared(write(table, tmp_path / "a.csv"))).classes == ["NA", "null"]


def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b"\xef\xbb\xbf" + frame().to_csv(index=False).encode())
    assert open_source(declared(path)).groups is not None


def test_a_missing_file_says_which_key_to_set(tmp_path):
    for suffix in ("csv", "parquet"):
        with pytest.raises(SourceError, match=r"none.\w+: no such file.*set data.source.path"):
            open_source(declared(tmp_path / f"none.{suffix}"))


def test_a_ragged_row_is_named(tmp_path):
    path = tmp_path / "a.csv"
    lines = frame().to_csv(index=False).splitlines()
    lines[3] = "a,1"
    path.write_text("\n".join(lines))
    with pytest.raises(
        SourceError, match=r"a.csv: .*Row #4: Expected 6 columns, got 2.*mend the row"
    ):
        open_source(declared(path))


def test_a_cell_that_is_no_number_is_named(tmp_path):
    table = frame().astype({"height": str})
    table.loc[2, "height"] = "tall"
    path = write(table, tmp_path / "a.csv")
    with pytest.raises(SourceError, match=r"a.csv: .*column #1: Row #4.*'tall'.*source.ignore"):
        open_source(declared(path))


def test_a_parquet_column_of_text_is_named(tmp_path):
    path = write(frame(), tmp_path / "a.parquet")
    with pytest.raises(
        SourceError, match=r"column 'remark' is of type \w*string; expected numbers"
    ):
        open_source(declared(path, ignore=()))


def test_an_empty_cell_of_a_feature_is_named(path, read_all):
    table = frame()
    table.loc[4, "height"] = np.nan
    write(table, path)
    with pytest.raises(SourceError, match="column 'height' is empty in row 4 of the samples"):
        read_all(open_source(declared(path)))


@pytest.mark.parametrize("column", ["kind", "patient", "part"])
def test_an_empty_cell_of_a_declared_column_is_named(path, column):
    table = frame()
    table.loc[[3, 4], column] = None
    write(table, path)
    with pytest.raises(SourceError, match=f"'{column}' is empty in 2 of 6 rows, first in row 3"):
        open_source(declared(path))


def test_a_declared_column_that_is_missing_is_named_with_those_there(path):
    with pytest.raises(
        SourceError, match=r"no column 'clas', .* declares as label; .*patient, height"
    ):
        open_source(declared(path, label="clas"))
    with pytest.raises(SourceError, match=r"no column 'x', .* declares as ignore"):
        open_source(declared(path, ignore=("remark", "x")))


def test_two_columns_of_one_name_are_refused(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("a,b,a\n1,2,3\n")
    with pytest.raises(SourceError, match="columns named twice: a; expected each once"):
        open_source(declared(path))


def test_a_split_column_of_other_words_is_refused(path):
    write(frame().assign(part="training"), path)
    with pytest.raises(SourceError, match="'part' says 'training'; expected train, valid, test"):
        open_source(declared(path))


def test_a_table_without_features_is_refused(path):
    with pytest.raises(SourceError, match="expected features"):
        open_source(declared(path, ignore=("remark", "height", "age")))


def test_a_table_without_rows_is_refused(path):
    write(frame().astype({"age": float})[:0], path)
    with pytest.raises(SourceError, match="a header and no rows; expected one row for each sample"):
        open_source(declared(path))


def test_an_empty_file_is_refused(path):
    path.write_bytes(b"")
    with pytest.raises(SourceError, match=r"empty; expected a header|not a readable parquet file"):
        open_source(declared(path))


def test_text_that_is_not_utf8_is_refused(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(frame().to_csv(index=False).encode("latin-1"))
    with pytest.raises(SourceError, match=r"a.csv: .*(utf-8|UTF8)"):
        open_source(declared(path))


def test_a_csv_declared_as_parquet_is_refused(tmp_path):
    path = write(frame(), tmp_path / "a.csv").rename(tmp_path / "a.parquet")
    with pytest.raises(
        SourceError, match=r"a.parquet: not a readable parquet file.*declare the kind"
    ):
        open_source(declared(path))


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_declared_bounds_are_the_tables(tmp_path, suffix):
    table = pd.DataFrame({"height": [0.1, 0.9, 0.5], "age": [0.2, 0.3, 1.0]})
    path = write(table, tmp_path / f"a.{suffix}")
    roles = {"label": None, "group": None, "split": None, "ignore": ()}
    assert open_source(declared(path, **roles)).bounds is None
    assert open_source(declared(path, bounds=(0.0, 1.0), **roles)).bounds == (0.0, 1.0)
