"""Contracts of the tables between stages, and how such tables are written.

Each table is checked where it is made, before its stage ends, and again by ``aepipe check``.
Importing pandera takes most of a second: a stage that must start quickly imports this module
where it uses it, at its end.
"""

from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import pandera.pandas as pa
import pyarrow
import pyarrow.parquet
from pandera.errors import SchemaErrors
from pandera.typing import Series

from aepipe.data.dataset import SPLITS, UNLABELLED
from aepipe.data.failures import EXAMPLES, explain_failures
from aepipe.errors import ArtifactError, ContractError

REMEDY = "make it again with `dvc repro`, or bring back what was made with `dvc checkout`"
DEVIATIONS = 6.0  # standard deviations; chance alone exceeds them twice in 10^9 conditions
KINDS = ["masking", "gaussian", "salt_and_pepper", "dropout", "block", "pairs"]
Rows = Any  # a Series with one value for each row; pandas ships no types


def finite() -> Any:
    """Declare a column whose values are neither infinite nor NaN."""
    return pa.Field(gt=-np.inf, lt=np.inf)


class Samples(pa.DataFrameModel):
    """``samples.parquet``: one row per sample, ordered as the features on disk are."""

    id: Series[str] = pa.Field(unique=True)
    split: Series[str] = pa.Field(isin=list(SPLITS))
    label: Series[int] = pa.Field(ge=UNLABELLED)
    digest: Series[str] = pa.Field(str_matches=r"^[0-9a-f]{32}$")
    minimum: Series[float] = finite()
    maximum: Series[float] = finite()
    mean: Series[float] = finite()

    class Config:
        """No column more, none less."""

        strict = True

    @pa.dataframe_check(name="minimum <= mean <= maximum")
    @classmethod
    def _ordered_values(cls, frame: pd.DataFrame) -> Rows:
        slack = 1e-9 * frame[["minimum", "maximum"]].abs().max(axis=1)  # a mean is rounded
        above = frame["minimum"] - slack <= frame["mean"]
        return above & (frame["mean"] <= frame["maximum"] + slack)

    @pa.dataframe_check(name="rows ordered train, valid, test")
    @classmethod
    def _ordered_splits(cls, frame: pd.DataFrame) -> Rows:
        place = frame["split"].map({split: number for number, split in enumerate(SPLITS)})
        return place.diff().fillna(0) >= 0


class Conditions(pa.DataFrameModel):
    """``conditions.parquet``: one row per condition and split, with what the noise really did.

    ``declared`` is the parameter (the fraction, or the standard deviation; of a block, whose sides
    are whole components, the share of components that it covers), ``realised`` what was
    measured on the ``components`` (samples x features) that were drawn; a masked one counts even
    where it was 0 already. The noise of ``pairs`` is not declared: ``declared`` is NaN there,
    ``realised`` the root mean square of what it added.
    """

    condition: Series[str]
    split: Series[str] = pa.Field(isin=["valid", "test"])
    kind: Series[str] = pa.Field(isin=KINDS)
    declared: Series[float] = pa.Field(ge=0, lt=np.inf, nullable=True)
    realised: Series[float] = pa.Field(ge=0, lt=np.inf)
    components: Series[int] = pa.Field(gt=0)

    class Config:
        """One row for each condition and split."""

        strict = True
        unique = ["condition", "split"]  # noqa: RUF012 (pandera reads a class attribute)

    @pa.dataframe_check(name="declared level given")
    @classmethod
    def _declared(cls, frame: pd.DataFrame) -> Rows:
        return frame["declared"].notna() | (frame["kind"] == "pairs")

    @pa.dataframe_check(name="realised within 6 standard deviations of declared")
    @classmethod
    def _as_declared(cls, frame: pd.DataFrame) -> Rows:
        off = (frame["realised"] - frame["declared"]).abs()
        return (off <= margin(frame)) | (frame["kind"] == "pairs")


def margin(frame: pd.DataFrame) -> Rows:
    """Give how far each row's realised level may be from the declared one by chance.

    A fraction of ``n`` independent components has standard deviation ``sqrt(p (1 - p) / n)``, an
    estimated standard deviation about ``s / sqrt(2 n)``; :data:`DEVIATIONS` of them are allowed,
    and the rounding of float32 sums on top.
    """
    level, components = frame["declared"], frame["components"]
    binomial = (level * (1 - level).clip(lower=0) / components) ** 0.5
    deviation = binomial.where(frame["kind"] != "gaussian", level / (2 * components) ** 0.5)
    return DEVIATIONS * deviation + 1e-5 * level


class Predictions(pa.DataFrameModel):
    """``reports/evaluation/NAME/samples.parquet``: one row per entry and test sample."""

    entry: Series[str]
    id: Series[str]
    label: Series[int] = pa.Field(ge=UNLABELLED)
    squared_error: Series[float] = pa.Field(ge=0, lt=np.inf, nullable=True)
    predicted: Series[int] | None = pa.Field(alias=r"^predicted_\w+$", regex=True, ge=0)

    class Config:
        """One row for each entry and sample."""

        strict = True
        unique = ["entry", "id"]  # noqa: RUF012 (pandera reads a class attribute)


class MapPoints(pa.DataFrameModel):
    """``reports/evaluation/NAME/map.parquet``: one row per entry and sample on the map of codes."""

    entry: Series[str]
    id: Series[str]
    split: Series[str] = pa.Field(isin=list(SPLITS))
    label: Series[int] = pa.Field(ge=UNLABELLED)
    squared_error: Series[float] = pa.Field(ge=0, lt=np.inf, nullable=True)
    x: Series[float] = finite()
    y: Series[float] = finite()

    class Config:
        """One row for each entry and sample."""

        strict = True
        unique = ["entry", "id"]  # noqa: RUF012 (pandera reads a class attribute)


class Codes(pa.DataFrameModel):
    """A table about arrays of codes, one row per split.

    ``rows`` and ``code_size`` are the array's, ``expected_rows`` the dataset's count of the split,
    ``finite`` how many of the rows x code_size components are finite.
    """

    split: Series[str] = pa.Field(isin=list(SPLITS), unique=True)
    rows: Series[int] = pa.Field(gt=0)
    expected_rows: Series[int] = pa.Field(gt=0)
    code_size: Series[int] = pa.Field(gt=0)
    finite: Series[int] = pa.Field(ge=0)

    class Config:
        """No column more, none less."""

        strict = True

    @pa.dataframe_check(name="one code for each sample")
    @classmethod
    def _complete(cls, frame: pd.DataFrame) -> Rows:
        return frame["rows"] == frame["expected_rows"]

    @pa.dataframe_check(name="every component of every code is finite")
    @classmethod
    def _all_finite(cls, frame: pd.DataFrame) -> Rows:
        return frame["finite"] == frame["rows"] * frame["code_size"]


class Comparison(pa.DataFrameModel):
    """What ``compare`` lists: one row per entry and metric, with its confidence interval."""

    entry: Series[str]
    code_size: Series[int] = pa.Field(gt=0)
    metric: Series[str]
    value: Series[float] = finite()
    low: Series[float] = finite()
    high: Series[float] = finite()

    class Config:
        """One row for each entry and metric."""

        strict = True
        unique = ["entry", "metric"]  # noqa: RUF012 (pandera reads a class attribute)

    @pa.dataframe_check(name="low <= value <= high")
    @classmethod
    def _interval(cls, frame: pd.DataFrame) -> Rows:
        return (frame["low"] <= frame["value"]) & (frame["value"] <= frame["high"])


def checked(contract: type[pa.DataFrameModel], frame: pd.DataFrame, path: Path) -> pd.DataFrame:
    """Hold ``frame``, which is or will be the file ``path``, against its contract; give it back.

    Raises:
        ContractError: each broken rule with its column, the count and up to five examples.
    """
    try:
        contract.validate(frame, lazy=True)
    except SchemaErrors as error:
        title = f"{path}: breaks the contract {contract.__name__}"
        problems = explain_failures(error.failure_cases)
        raise ContractError("\n  ".join([title, *problems, REMEDY])) from None
    return frame


def require_apart(
    frame: pd.DataFrame, across_splits: Literal["refuse", "allow"], path: Path
) -> None:
    """Hold against ``samples.parquet`` that no sample is in two splits, unless that is allowed.

    Raises:
        ContractError: how many are, with up to five pairs of them.
    """
    if across_splits == "allow":
        return
    splits = frame.groupby("digest")["split"].transform("nunique")
    shared = frame[splits > 1]
    if shared.empty:
        return
    pairs = [
        " = ".join(f"{row.id} ({row.split})" for row in group.drop_duplicates("split").itertuples())
        for _, group in list(shared.groupby("digest", sort=False))[:EXAMPLES]
    ]
    raise ContractError(
        f"{path}: digest: same content in two splits: {shared['digest'].nunique()} found, none "
        f"expected, for example {', '.join(pairs)}; remove the copies from the source, or set "
        "data.across_splits: allow"
    )


def write_table(path: Path, frame: pd.DataFrame) -> None:
    """Write ``frame`` as parquet, without its index; equal frames give equal bytes."""
    table = pyarrow.Table.from_pandas(frame, preserve_index=False)
    # pandas' own metadata names its version, and compressors differ between versions
    pyarrow.parquet.write_table(
        table.replace_schema_metadata(None),
        path,
        compression="none",
        version="2.6",
        data_page_version="1.0",
        store_schema=False,
    )


def read_table(path: Path) -> pd.DataFrame:
    """Read a table of the pipeline's own.

    Raises:
        ArtifactError: it is missing or damaged.
    """
    try:
        return pd.read_parquet(path)
    except FileNotFoundError:
        raise ArtifactError(
            f"{path}: no such file; `dvc repro` or `dvc checkout` makes it"
        ) from None
    except (pyarrow.ArrowInvalid, OSError) as error:
        raise ArtifactError(
            f"{path}: not a readable table ({error}); `dvc checkout` restores it"
        ) from None
