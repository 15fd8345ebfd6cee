"""Codes of which only some units count."""

from typing import Annotated, Literal, Self

from pydantic import Field, PositiveInt, model_validator

from aepipe.params.base import Section


class SparsitySchedule(Section):
    """How many units stay active in the first epochs, when rarely used ones still have to learn."""

    start_k: PositiveInt
    """In the first epoch; the paper begins with many."""
    epochs: PositiveInt
    """After so many epochs it is ``k``; in between it moves linearly."""


class KSparse(Section):
    """Only the k largest activations of a code count (Makhzani and Frey 2014)."""

    kind: Literal["k_sparse"]
    k: PositiveInt
    """Active units while training."""
    evaluation_k: PositiveInt | None = None
    """Active units when encoding; this or ``evaluation_factor``."""
    evaluation_factor: Annotated[float, Field(ge=1)] | None = None
    """Active units when encoding are ``evaluation_factor * k`` (the paper uses about 3)."""
    schedule: SparsitySchedule | None = None
    """Left out: ``k`` from the first epoch on."""

    @property
    def active_in_evaluation(self) -> int:
        """Active units when encoding."""
        if self.evaluation_factor is not None:
            return round(self.evaluation_factor * self.k)
        return self.evaluation_k or self.k

    @model_validator(mode="after")
    def _says_evaluation_once(self) -> Self:
        if (self.evaluation_k is None) == (self.evaluation_factor is None):
            raise ValueError("evaluation_k and evaluation_factor: expected exactly one of them")
        return self


def sparsity_problems(sparsity: KSparse | None, units: int, epochs: int) -> list[str]:
    """Give what stands against keeping so many of ``units`` over ``epochs`` of training."""
    if sparsity is None:
        return []
    wanted = {"k": sparsity.k, "evaluation k": sparsity.active_in_evaluation}
    problems: list[str] = []
    if sparsity.schedule is not None:
        wanted["schedule.start_k"] = sparsity.schedule.start_k
        if sparsity.schedule.epochs > epochs:
            problems.append(
                f".sparsity.schedule.epochs = {sparsity.schedule.epochs}: more than the {epochs} "
                f"epochs of training, so that k {sparsity.k} is never reached; lower it, or raise "
                "training.epochs"
            )
    return problems + [
        f".sparsity: {name} {count} is more than the {units} units of the code; lower it"
        for name, count in wanted.items()
        if count > units
    ]
