"""What pandera found, put into sentences: column, rule, how often, at most five examples."""

import re

import pandas as pd

EXAMPLES = 5  # of each broken rule; a message is read by a person
TYPED = r"dtype\('(.*)'\)"  # how pandera calls the rule of a column's type
RULES = {
    "field_uniqueness": "must be unique",
    "multiple_fields_uniqueness": "must be unique together",
    "not_nullable": "must not be empty or NaN",
}
OF_TABLE = {
    "column_in_dataframe": "column is missing",
    "column_in_schema": "column is not expected",
}


def explain_failures(failures: pd.DataFrame) -> list[str]:
    """Give one line for each broken rule of each column.

    Args:
        failures: ``failure_cases`` of pandera's ``SchemaErrors``: columns ``schema_context``,
            ``column``, ``check``, ``failure_case`` and ``index`` (None where a whole column fails).
            A rule over the whole row is listed there once for each of the row's columns.
    """
    lines = [
        f"{case.failure_case}: {OF_TABLE[case.check]}"
        for case in failures.itertuples()
        if case.check in OF_TABLE
    ]
    typed = failures["check"].str.fullmatch(TYPED)
    # where the type is wrong the other rules of a column could not be asked
    failures = failures[typed | ~failures["column"].isin(failures["column"][typed])]
    by_rule = failures.groupby(["schema_context", "check"], sort=False)
    for (context, check), cases in by_rule:
        if context == "Column":
            for column, of_column in cases.groupby("column", sort=False):
                lines.append(f"{column}: {_column_rule(check, of_column)}")
        elif (
            cases["index"].notna().all()
        ):  # else a column that the rule needs is not as it should be
            lines.append(f"rows: {_row_rule(check, cases)}")
    return lines


def _column_rule(check: str, cases: pd.DataFrame) -> str:
    typed = re.fullmatch(TYPED, check)
    if typed and cases["index"].isna().all():  # pandera then names the type that it found
        return f"must be of type {typed[1]}, not {cases['failure_case'].iloc[0]}"
    shown = zip(cases["failure_case"][:EXAMPLES], cases["index"][:EXAMPLES], strict=True)
    examples = [f"{value!r} (row {row})" for value, row in shown]
    return _sentence(f"must be of type {typed[1]}" if typed else check, len(cases), examples)


def _row_rule(check: str, cases: pd.DataFrame) -> str:
    examples = []
    for row, values in list(cases.groupby("index", sort=False))[:EXAMPLES]:
        named = zip(values["column"], values["failure_case"], strict=True)
        examples.append(f"row {row} ({', '.join(f'{name} {value}' for name, value in named)})")
    return _sentence(check, cases["index"].nunique(), examples)


def _sentence(check: str, count: int, examples: list[str]) -> str:
    failures = f"{count} failure" + ("s" if count > 1 else "")
    return f"{RULES.get(check, check)}: {failures}, for example {', '.join(examples)}"
