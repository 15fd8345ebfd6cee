"""A version before its gate: opened, it becomes the champion, at most once by itself."""

import json
from typing import Any

from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion

from aepipe.registry.described import Described
from aepipe.registry.moves import CHAMPION, CROWNED, WITHDRAWN, aliases, move_champion, settle
from aepipe.registry.provenance import INTERVAL, METRIC
from aepipe.reporting.gates import Verdict, judge_against_champion

GATE = "aepipe.gate"  # on a version: open or closed
REASONS = "aepipe.gate_reasons"  # a line for each condition


def pass_gate(client: MlflowClient, version: ModelVersion, model: Described) -> str:
    """Move ``champion`` to ``version`` if its gate is open; say what came of it.

    A version that was champion once is not made so again: a rollback stays, and two pipelines that
    register in turn do not take the alias from each other. A person can, with ``aepipe promote``.
    """
    name, number = model.name, str(version.version)
    settle(client, name)
    champion = aliases(client, name).get(CHAMPION)
    by_hand = f"`aepipe promote {name} {number}` makes it so"
    if champion == number:
        return "is the champion"
    if WITHDRAWN in version.tags:
        return f"was rolled back ({version.tags[WITHDRAWN]}); {by_hand} again"
    if CROWNED in version.tags:
        return f"was champion before version {champion}; {by_hand} again"
    if not model.gates["conditions"]:
        return f"has no gate to become champion; {by_hand}"
    verdicts = _verdicts(client, model, champion)
    holds = all(verdict.holds for verdict in verdicts)
    _tag(client, version, holds, verdicts)
    if not holds:
        failed = [f"{v.condition} ({v.because})" for v in verdicts if not v.holds]
        return f"is not made champion: {'; '.join(failed)}"
    why = "; ".join(f"{verdict.condition} ({verdict.because})" for verdict in verdicts)
    move_champion(client, name, "gate", number, why)
    return f"is the champion now, after {f'version {champion}' if champion else 'none'}: {why}"


def _verdicts(client: MlflowClient, model: Described, champion: str | None) -> list[Verdict]:
    """Give a verdict for each condition; without a champion none can be worse than it."""
    verdicts = [Verdict(**each) for each in model.gates["verdicts"]]
    against = model.gates["against_champion"]
    if champion is None:
        reason = "there is no champion yet"
        return verdicts + [
            Verdict(each["condition"], holds=True, because=reason) for each in against
        ]
    tags = client.get_model_version(model.name, champion).tags
    others = tags.get("aepipe.dataset_digest") != str(model.dataset["digest"])
    for each in against:
        known = _champion_figure(tags, each["metric"])
        verdict = judge_against_champion(each["condition"], each["metric"], each["figure"], known)
        note = ", which was judged on other data" if others and known else ""
        verdicts.append(Verdict(verdict.condition, verdict.holds, verdict.because + note))
    return verdicts


def _champion_figure(tags: dict[str, str], metric: str) -> dict[str, Any] | None:
    if f"{METRIC}{metric}" not in tags:
        return None
    value = float(tags[f"{METRIC}{metric}"])
    low, high = json.loads(tags.get(f"{INTERVAL}{metric}", f"[{value}, {value}]"))
    return {"value": value, "low": low, "high": high}


def _tag(client: MlflowClient, version: ModelVersion, holds: bool, verdicts: list[Verdict]) -> None:
    lines = (f"{'holds' if v.holds else 'fails'}: {v.condition} ({v.because})" for v in verdicts)
    wanted = {REASONS: "\n".join(lines), GATE: "open" if holds else "closed"}
    for key, value in wanted.items():
        if version.tags.get(key) != value:
            client.set_model_version_tag(version.name, version.version, key, value)
