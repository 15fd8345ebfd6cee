"""Ours beside the published: one table over all experiments, for the terminal and as a page."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import assert_never, final

from aepipe.experiments.claims import Claim, Order, Published, Reading
from aepipe.experiments.files import FOLDER, Experiment, experiment_names, read_experiment
from aepipe.experiments.records import Record, overlay_digest, read_record
from aepipe.experiments.verdict import RULE, as_reading, in_unit, verdict
from aepipe.reporting.formats import MINUS

NOT_RUN = "not run"
HEADER = ["experiment", "figure", "ours", "published", "verdict", "run"]
STANDINGS = {"primary": "", "secondary": " [quoted]", "memory": " [unconfirmed]"}
MARKS = (
    "[quoted]: read in somebody else's quotation or transcription of the source. [unconfirmed]: "
    "from memory; nobody here has read it in the source. Intervals are at the confidence of "
    "evaluate.confidence."
)
HEAD = """# Experiments beside their published figures

Made by `aepipe experiment table --format markdown --output docs/experiments.md` from
`experiments/NAME.yaml`, which declares the figures, and `experiments/results/NAME.json`, which
`aepipe experiment record NAME` writes from a run; a test holds this page to both.
`aepipe experiment run NAME` runs one.
"""


@final
@dataclass(frozen=True, slots=True)
class Entry:
    """An experiment with figures, and what it came to, if it has been run."""

    name: str
    experiment: Experiment
    record: Record | None


def entries(root: Path) -> list[Entry]:
    """Read all experiments that declare figures, and their records.

    Raises:
        AepipeError: one of the files is wrong.
    """
    found = []
    for name in experiment_names(root / FOLDER):
        experiment = read_experiment(root / FOLDER, name)
        if experiment.figures:
            found.append(Entry(name, experiment, read_record(root, name)))
    return found


def plain_table(root: Path) -> str:
    """Give the table as aligned lines, what is to know of the runs, and what the words mean."""
    there = entries(root)
    machines = _machines(there)
    rows = [HEADER, *_rows(there, machines)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    notes = [f"{entry.name}: {line}" for entry in there if entry.record for line in _told(entry)]
    return "\n".join([*lines, "", *notes, *_legend(machines), RULE, MARKS, ""])


def markdown_page(root: Path) -> str:
    """Give the table as a page, with what must be known of each experiment."""
    there = entries(root)
    machines = _machines(there)
    linked = [[f"[{row[0]}](#{row[0]})", *row[1:]] for row in _rows(there, machines)]
    rows = [HEADER, ["---"] * len(HEADER), *linked]
    table = ["| " + " | ".join(cell.replace("|", r"\|") for cell in row) + " |" for row in rows]
    words = [f"- {line}" for line in [*_legend(machines), RULE, MARKS]]
    notes = [line for entry in there for line in _notes(entry)]
    return "\n".join([HEAD, *table, "", *words, *notes, ""])


def _rows(there: Sequence[Entry], machines: Sequence[str]) -> Iterator[list[str]]:
    for entry in there:
        for key, claim in entry.experiment.figures.items():
            yield [entry.name, claim.what, *_cells(entry, key, claim), _run(entry, machines)]


def _cells(entry: Entry, key: str, claim: Claim) -> list[str]:
    """Give ours, theirs and the verdict."""
    ours = _ours(entry, key)
    shown = NOT_RUN if ours is None else _text(ours, claim)
    match claim.reference:
        case None:
            return [shown, "none", ""]
        case Published() as published:
            theirs: Reading | None = as_reading(published)
            text = _published(published, claim)
        case Order() as order:
            theirs = _ours(entry, order.than)
            text = f"{claim.better} than {_whose(entry.experiment.figures[order.than])}"
        case _:
            assert_never(claim.reference)
    if ours is None or theirs is None:
        return [shown, text, ""]
    return [shown, text, verdict(ours, theirs, claim.better)]


def _ours(entry: Entry, key: str) -> Reading | None:
    if entry.record is None or key not in entry.record.figures:
        return None
    return in_unit(entry.record.figures[key], entry.experiment.figures[key])


def _text(reading: Reading, claim: Claim) -> str:
    value = _number(reading.value, claim) + _sign(claim)
    if reading.low is None or reading.high is None:
        return value
    return f"{value} ({_number(reading.low, claim)} to {_number(reading.high, claim)})"


def _whose(claim: Claim) -> str:
    return claim.what.rpartition(", ")[2]


def _published(published: Published, claim: Claim) -> str:
    spread = "" if published.spread is None else f" ± {_number(published.spread, claim)}"
    value = _number(published.value, claim)
    return f"{value}{spread}{_sign(claim)}{STANDINGS[published.standing]}"


def _number(value: float, claim: Claim) -> str:
    return f"{value:.{claim.decimals}f}".replace("-", MINUS)


def _sign(claim: Claim) -> str:
    return " %" if claim.unit in ("percent", "percent_wrong") else ""


def _run(entry: Entry, machines: Sequence[str]) -> str:
    record = entry.record
    if record is None:
        return ""
    stale = "" if record.overlay == overlay_digest(entry.experiment) else ", with other params"
    return f"{record.date}, {_letter(machines.index(record.machine))}{stale}"


def _machines(there: Sequence[Entry]) -> list[str]:
    return list(dict.fromkeys(entry.record.machine for entry in there if entry.record))


def _legend(machines: Sequence[str]) -> list[str]:
    return [f"{_letter(number)}: {machine}" for number, machine in enumerate(machines)]


def _letter(number: int) -> str:
    return f"machine {number + 1}"


def _notes(entry: Entry) -> Iterator[str]:
    about, claims = entry.experiment.experiment, entry.experiment.figures
    yield from ("", f"## {entry.name}", "", f"{about.title}. Cost: {about.cost}.", "")
    sources = dict.fromkeys(c.reference.source for c in claims.values() if c.reference)
    yield f"- Source: {'; '.join(sources) or about.source}."
    yield from (f"- {line}" for line in _told(entry))
    if entry.record is not None:
        yield f"- Revision {entry.record.revision[:12]}."


def _told(entry: Entry) -> Iterator[str]:
    """Give how the protocol differs, what was cut, and what was noted of the run."""
    claims = entry.experiment.figures.values()
    for differs in dict.fromkeys(claim.differs for claim in claims if claim.differs):
        yield f"Protocol: {differs}."
    if entry.record is not None and entry.record.note:
        yield f"This run: {entry.record.note}."
