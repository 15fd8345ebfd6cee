"""Contracts of the tables that a sweep leaves; see :mod:`aepipe.data.contracts`."""

import pandas as pd
import pandera.pandas as pa
from pandera.typing import Series

from aepipe.data.contracts import Rows, finite


class Members(pa.DataFrameModel):
    """``members.parquet`` of a sweep: one row per member, those of a setting side by side.

    ``values`` are the setting's, by key path, as JSON; ``loss``, ``reconstruction`` and
    ``classification`` are of the validation split, and missing where the member has diverged, the
    last also where the sweep is not chosen by it.
    """

    member: Series[int] = pa.Field(ge=0, unique=True)
    setting: Series[int] = pa.Field(ge=0)
    seed: Series[int] = pa.Field(ge=0)
    values: Series[str]
    winner: Series[bool]
    epochs: Series[int] = pa.Field(ge=0)
    best_epoch: Series[int] = pa.Field(ge=0)
    diverged: Series[bool]
    loss: Series[float] = pa.Field(nullable=True)
    reconstruction: Series[float] = pa.Field(nullable=True)
    classification: Series[float] = pa.Field(ge=0, le=1, nullable=True)

    class Config:
        """Each setting once with each seed."""

        strict = True
        unique = ["setting", "seed"]  # noqa: RUF012 (pandera reads a class attribute)

    @pa.dataframe_check(name="the winner has not diverged")
    @classmethod
    def _won(cls, frame: pd.DataFrame) -> Rows:
        return ~(frame["winner"] & frame["diverged"])

    @pa.dataframe_check(name="best_epoch <= epochs")
    @classmethod
    def _within(cls, frame: pd.DataFrame) -> Rows:
        return frame["best_epoch"] <= frame["epochs"]


class Curves(pa.DataFrameModel):
    """``curves.parquet`` of a sweep: each figure of each epoch of each member."""

    member: Series[int] = pa.Field(ge=0)
    epoch: Series[int] = pa.Field(ge=1)
    figure: Series[str]
    value: Series[float] = finite()

    class Config:
        """One row for each figure."""

        strict = True
        unique = ["member", "epoch", "figure"]  # noqa: RUF012 (pandera reads a class attribute)
