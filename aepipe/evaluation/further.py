"""Judgements that are made only where ``params.yaml`` declares them."""

from dataclasses import dataclass
from typing import Any, final

from aepipe.evaluation.anomaly import anomaly_figures
from aepipe.evaluation.concepts import concept_figures
from aepipe.evaluation.judge import Court
from aepipe.evaluation.outcome import Subject
from aepipe.evaluation.retrieval import retrieval_figures
from aepipe.monitor import Monitor
from aepipe.params.judgements import Anomaly, Concepts, Retrieval


@final
@dataclass(frozen=True, slots=True)
class Declared:
    """The sections below ``evaluate`` of the same names; None leaves a judgement out."""

    anomaly: Anomaly | None
    concepts: Concepts | None
    retrieval: Retrieval | None


def further_figures(
    subject: Subject, court: Court, declared: Declared, monitor: Monitor
) -> dict[str, Any]:
    """Give the figures under ``anomaly``, ``concepts`` and ``retrieval``.

    None where one is not declared, or where the representation or the data do not allow it.
    """
    figures: dict[str, Any] = {"anomaly": None, "concepts": None, "retrieval": None}
    if declared.anomaly is not None:
        figures["anomaly"] = anomaly_figures(subject, court, declared.anomaly, monitor)
    if declared.concepts is not None:
        figures["concepts"] = concept_figures(subject, court, declared.concepts, monitor)
    if declared.retrieval is not None:
        figures["retrieval"] = retrieval_figures(subject, court, declared.retrieval, monitor)
    return figures
