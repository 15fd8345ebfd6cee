"""Judgements that not every pipeline asks for, nor every representation allows."""

from typing import Any

import numpy as np
import torch

from aepipe.data.seeds import derive
from aepipe.evaluation.anomaly import anomaly_figures
from aepipe.evaluation.clustering import clustering_figures
from aepipe.evaluation.concepts import concept_figures
from aepipe.evaluation.energy import energy_figures
from aepipe.evaluation.geometry import Encoder, GeometryFigures, geometry_figures
from aepipe.evaluation.judge import Court
from aepipe.evaluation.labels import label_figures
from aepipe.evaluation.likelihood import explain_test_split, likelihood_figures
from aepipe.evaluation.neighbourhood import neighbourhood_figures
from aepipe.evaluation.outcome import Subject
from aepipe.evaluation.privacy import privacy_figures
from aepipe.evaluation.retrieval import retrieval_figures
from aepipe.models.bounds import bounds_of_code
from aepipe.models.rbm import RestrictedBoltzmannMachine
from aepipe.models.two_layer import TwoLayerVariational
from aepipe.models.vae import VariationalAutoencoder
from aepipe.monitor import Monitor
from aepipe.params.judgements import Further, Geometry


def further_figures(
    subject: Subject, court: Court, declared: Further, monitor: Monitor
) -> dict[str, Any]:
    """Give the figures of each judgement under its name; None where the data do not allow it."""
    return {
        **_by_class(subject, court, declared, monitor),
        **_by_shape(subject, court, declared),
        **_by_network(subject, court, declared, monitor),
    }


def _by_class(
    subject: Subject, court: Court, declared: Further, monitor: Monitor
) -> dict[str, Any]:
    """Judge by the classes that samples belong to."""
    figures: dict[str, Any] = {}
    if declared.anomaly is not None:
        figures["anomaly"] = anomaly_figures(subject, court, declared.anomaly, monitor)
    if declared.concepts is not None:
        figures["concepts"] = concept_figures(subject, court, declared.concepts, monitor)
    if declared.retrieval is not None:
        figures["retrieval"] = retrieval_figures(subject, court, declared.retrieval, monitor)
    if declared.labels is not None:
        figures["labels"] = label_figures(subject, court, declared.labels, monitor)
    if declared.clustering is not None:
        figures["clustering"] = clustering_figures(subject, court, declared.clustering, monitor)
    return figures


def _by_shape(subject: Subject, court: Court, declared: Further) -> dict[str, Any]:
    """Judge by where samples lie as codes."""
    figures: dict[str, Any] = {}
    if declared.geometry is not None:
        figures["geometry"] = _geometry(subject, court, declared.geometry)
    if declared.neighbourhood is not None:
        figures["neighbourhood"] = neighbourhood_figures(subject, court, declared.neighbourhood)
    return figures


def _by_network(
    subject: Subject, court: Court, declared: Further, monitor: Monitor
) -> dict[str, Any]:
    """Judge by what this kind of network was made for."""
    figures: dict[str, Any] = {}
    if subject.attributes:
        figures["privacy"] = privacy_figures(subject, court, monitor)
    match subject.network:
        case VariationalAutoencoder() | TwoLayerVariational() if declared.likelihood is not None:
            explained = explain_test_split(subject.network, court, declared.likelihood, monitor)
            figures["likelihood"] = likelihood_figures(explained, court.bootstrap)
        case RestrictedBoltzmannMachine() if declared.partition is not None:
            figures["energy"] = energy_figures(subject.network, court, declared.partition)
    return figures


def _geometry(subject: Subject, court: Court, config: Geometry) -> GeometryFigures:
    """Look at the encoder near the same test samples for every representation."""
    seed = derive(court.seed, "geometry")
    rows = np.sort(np.random.default_rng(seed).permutation(court.test_rows)[: config.rows])
    samples = court.dataset.scaled(court.dataset.features("test").rows(rows))
    bounds = None if subject.network is None else bounds_of_code(subject.network)
    encode = subject.encode_tensors or (lambda x: torch.from_numpy(subject.encode(x.numpy())))
    encoder = Encoder(encode, bounds)
    return geometry_figures(encoder, samples, config.projections, seed, court.bootstrap)
