"""Blueprints of networks whose codes are made sparse."""

from aepipe.models.files import Blueprint
from aepipe.params.sparsity import KSparse


def with_sparsity(network: Blueprint, sparsity: KSparse | None) -> Blueprint:
    """Wrap ``network`` so that only the largest activations of its code count; or leave it."""
    if sparsity is None:
        return network
    schedule = sparsity.schedule
    arguments = {
        "network": network.nested(),
        "k": sparsity.k,
        "evaluation_k": sparsity.active_in_evaluation,
        "start_k": sparsity.k if schedule is None else schedule.start_k,
        "epochs": 0 if schedule is None else schedule.epochs,
    }
    return Blueprint("k_sparse", arguments)
