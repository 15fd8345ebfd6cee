"""Two results side by side: which figures differ beyond their intervals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, final

from rich.console import Console

from aepipe.errors import ArtifactError
from aepipe.reporting.formats import difference, label, level, metric, title
from aepipe.reporting.terminal import print_rows

Verdict = Literal["equal", "within", "beyond"]
WORDS: dict[Verdict, str] = {
    "equal": "equal",
    "within": "within intervals",
    "beyond": "beyond intervals",
}
FIRST = ("squared_error", "accuracy_linear", "head_finetuned")  # told whether they differ or not


@final
@dataclass(frozen=True, slots=True)
class Side:
    """One result.

    Attributes:
        name: as a person gave it.
        content: of its ``metrics.json``, of which older ones may lack sections.
    """

    name: str
    content: Mapping[str, Any]

    @property
    def figures(self) -> dict[tuple[str, str], float]:
        """Value by entry and metric."""
        held = self._section("representations")
        return {(entry, name): each[name] for entry, each in held.items() for name in each}

    @property
    def entries(self) -> list[str]:
        """Representations that were compared."""
        return list(self._section("representations"))

    @property
    def test(self) -> Mapping[str, float]:
        """Number of test samples, and confidence of the intervals."""
        return self._section("test")

    def interval(self, figure: tuple[str, str]) -> Mapping[str, float] | None:
        """Give ``low`` and ``high``; None where the figure has no interval."""
        found: Mapping[str, float] | None = (
            self._section("intervals").get(figure[0], {}).get(figure[1])
        )
        return found

    def _section(self, name: str) -> Mapping[str, Any]:
        if not isinstance(self.content, Mapping) or name not in self.content:
            raise ArtifactError(
                f"{self.name}: its metrics.json is not what stage compare writes: no {name!r}; "
                "`dvc repro compare` at that revision makes it again"
            )
        section: Mapping[str, Any] = self.content[name]
        return section


def verdict(figure: tuple[str, str], one: Side, other: Side) -> Verdict:
    """Say whether a figure of both differs beyond its intervals: they have no value in common.

    Where they do not overlap the difference is significant at more than their level; where they do
    it may be so too, which only a paired test on the same samples can tell. A figure without
    intervals, such as a count, differs if it is not the same.
    """
    values = one.figures[figure], other.figures[figure]
    if values[0] == values[1]:
        return "equal"
    bounds = one.interval(figure), other.interval(figure)
    if bounds[0] is None or bounds[1] is None:
        return "beyond"
    apart = bounds[0]["high"] < bounds[1]["low"] or bounds[1]["high"] < bounds[0]["low"]
    return "beyond" if apart else "within"


def print_sides(console: Console, one: Side, other: Side) -> None:
    """Print the main figures, every other one that differs beyond its intervals, and counts.

    Raises:
        ArtifactError: one of them is no result of ``compare``.
    """
    theirs = other.figures
    verdicts = {figure: verdict(figure, one, other) for figure in one.figures if figure in theirs}
    shown = [f for f, says in verdicts.items() if f[1] in FIRST or says == "beyond"]
    main = sorted(shown, key=lambda f: FIRST.index(f[1]) if f[1] in FIRST else len(FIRST))
    rows = [["representation", "figure", one.name, other.name, "difference", ""]]
    rows += [_row(figure, one, other, verdicts[figure]) for figure in main]
    print_rows(console, rows)
    for line in _notes(one, other, [*verdicts.values()]):
        console.print(line, markup=False)


def _row(figure: tuple[str, str], one: Side, other: Side, says: Verdict) -> list[str]:
    entry, name = figure
    change = other.figures[figure] - one.figures[figure]
    cells = [_cell(figure, side) for side in (one, other)]
    return [label(entry), title(name), *cells, difference(name, change), WORDS[says]]


def _cell(figure: tuple[str, str], side: Side) -> str:
    name, bounds = figure[1], side.interval(figure)
    value = metric(name, side.figures[figure])
    if bounds is None:
        return value
    return f"{value} ({metric(name, bounds['low'])} to {metric(name, bounds['high'])})"


def _notes(one: Side, other: Side, verdicts: Sequence[Verdict]) -> list[str]:
    counts = {says: verdicts.count(says) for says in WORDS}
    notes = [
        f"{len(verdicts)} figures in both: {counts['beyond']} differ beyond their intervals, "
        f"{counts['within']} within them, {counts['equal']} are equal."
    ]
    for side, rival in ((one, other), (other, one)):
        alone = [label(entry) for entry in side.entries if entry not in rival.entries]
        if alone:
            notes.append(f"Only in {side.name}: {', '.join(alone)}.")
    levels = {side.test["confidence"] for side in (one, other)}
    samples = [int(side.test["samples"]) for side in (one, other)]
    notes.append(
        f"Intervals at {' and '.join(map(level, sorted(levels)))} confidence, over {samples[0]} "
        f"and {samples[1]} test samples. Figures whose intervals overlap may differ all the same: "
        "that only a paired test can tell."
    )
    if samples[0] != samples[1]:
        notes.append("The test splits are not the same: their figures are of different samples.")
    return notes
