"""Gates: what a registered version must show before it becomes the champion.

A condition is a section with a ``kind``, or the same in one line of text::

    classifier.head_finetuned >= 0.95
    classifier.head_finetuned >= pca.accuracy_linear + 0.01
    autoencoder.squared_error <= pca.squared_error
    classifier.head_finetuned not worse than champion
"""

import re
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from aepipe.params.base import Section

METRIC = r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_.]*"
Metric = Annotated[str, Field(pattern=f"^{METRIC}$")]
"""``ENTRY.FIGURE`` as ``reports/metrics.json`` has them; the entry ``pca`` is the PCA that the
model is held against."""

NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?"
BOUND = re.compile(
    rf"(?P<metric>{METRIC})\s*(?P<sign>>=|<=)\s*"
    rf"(?:(?P<value>{NUMBER})|(?P<baseline>{METRIC})(?:\s*(?P<plus>[+-])\s*(?P<margin>{NUMBER}))?)"
)
NOT_WORSE = re.compile(rf"(?P<metric>{METRIC})\s+not\s+worse\s+than\s+champion")
SIGNS: dict[str, Literal["at_least", "at_most"]] = {">=": "at_least", "<=": "at_most"}


class Bound(Section):
    """A figure on the right side of a number, or of a baseline's figure and a margin."""

    kind: Literal["at_least", "at_most"]
    metric: Metric
    value: float | None = None
    """The bound; or leave it out and give a baseline."""
    baseline: Metric | None = None
    """Figure of another entry that is the bound."""
    margin: float | None = None
    """Added to the baseline's figure."""

    @model_validator(mode="after")
    def _has_one_bound(self) -> Self:
        if (self.value is None) == (self.baseline is None):
            raise ValueError("either value or baseline is expected: what to hold the figure to")
        if self.margin is not None and self.baseline is None:
            raise ValueError("margin is added to a baseline, and there is none; add it to value")
        return self

    def __str__(self) -> str:
        """Give the condition in one line."""
        sign = ">=" if self.kind == "at_least" else "<="
        if self.baseline is None:
            return f"{self.metric} {sign} {self.value:g}"
        margin = self.margin or 0.0
        added = f" {'-' if margin < 0 else '+'} {abs(margin):g}" if margin else ""
        return f"{self.metric} {sign} {self.baseline}{added}"


class NotWorseThanChampion(Section):
    """A figure not worse than the champion's by more than the champion's interval allows."""

    kind: Literal["not_worse_than_champion"]
    metric: Metric

    def __str__(self) -> str:
        """Give the condition in one line."""
        return f"{self.metric} not worse than champion"


def from_text(condition: Any) -> Any:
    """Turn a condition in one line of text into its section; leave any other value as it is.

    Raises:
        ValueError: the text is no condition.
    """
    if not isinstance(condition, str):
        return condition
    text = condition.strip()
    if bound := BOUND.fullmatch(text):
        found = bound.groupdict()
        section = {"kind": SIGNS[found["sign"]], "metric": found["metric"]}
        if found["value"] is not None:
            return {**section, "value": float(found["value"])}
        if found["margin"] is None:
            return {**section, "baseline": found["baseline"]}
        margin = float(found["plus"] + "1") * float(found["margin"])
        return {**section, "baseline": found["baseline"], "margin": margin}
    if not_worse := NOT_WORSE.fullmatch(text):
        return {"kind": "not_worse_than_champion", "metric": not_worse["metric"]}
    raise ValueError(
        f"{condition!r} is no condition; expected `ENTRY.FIGURE >= NUMBER`, `ENTRY.FIGURE <= "
        "ENTRY.FIGURE + NUMBER` or `ENTRY.FIGURE not worse than champion`"
    )


Condition = Annotated[
    Annotated[Bound | NotWorseThanChampion, Field(discriminator="kind")],
    BeforeValidator(from_text, json_schema_input_type=Bound | NotWorseThanChampion | str),
]
