"""What people see of a run's stages in Prefect's pages: Markdown made from its record."""

import re
from collections.abc import Mapping, Sequence

from aepipe.tracking.find import Found
from flows.outcome import Outcome


def key(*words: str) -> str:
    """Give a key under which Prefect keeps an artifact: lowercase letters, numbers and dashes."""
    return re.sub(r"[^a-z0-9]+", "-", " ".join(words).lower()).strip("-")


def stages(outcomes: Sequence[Outcome], runs: Mapping[str, Found]) -> str:
    """Write what became of each stage as a Markdown table.

    Args:
        outcomes: in the order of the table.
        runs: the MLflow run of each stage that has one.
    """
    lines = ["| stage | did | seconds | device | pool | MLflow run |", "|---|---|--:|---|---|---|"]
    for each in outcomes:
        run = runs.get(each.stage)
        device = each.device or (run.device if run else "")
        if each.fell_back:
            device += ", not cuda"
        worked = each.did in ("ran", "failed")  # what a cache gives takes no time of its own
        seconds = f"{each.seconds:.1f}" if worked else ""
        did = f"**{each.did}**" if each.did == "failed" else each.did
        cells = [f"`{each.stage}`", did, seconds, device, each.pool, _link(run)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def failure(outcome: Outcome) -> str:
    """Write what a failed stage said last, and how to do the same by hand, as Markdown."""
    said = "\n".join(outcome.last_lines) or "It said nothing."
    fence = _fence(said)
    parts = [f"## {outcome.stage} failed", "Its last lines:", f"{fence}\n{said}\n{fence}"]
    if outcome.by_hand:
        command = outcome.by_hand.replace(" && ", "\n")  # a line each, so that none is cut off
        parts += ["The same by hand:", f"```sh\n{command}\n```"]
    return "\n\n".join(parts)


def _link(run: Found | None) -> str:
    if run is None:
        return ""
    name = run.run_id[:8]
    return f"[{name}]({run.link})" if run.link else f"`{name}`"


def _fence(text: str) -> str:
    """Give a fence that ``text`` can't close."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    return "`" * max(3, longest + 1)
