"""The whole of ``params.yaml``, with the checks that span its sections."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from aepipe.params.base import Name, Section
from aepipe.params.data import Data
from aepipe.params.evaluation import Evaluate, Generate, Registry
from aepipe.params.models import DATASET, STACK, Finetune, Model, Stack, Unroll, Vae
from aepipe.params.training import CorruptionSection

RESERVED = frozenset({"stack", "pca", "autoencoder", "classifier", "vae", "raw", "dataset"})


class Params(Section):
    """Everything the pipeline is told; no default hides in code."""

    seed: Annotated[int, Field(ge=0, lt=2**63)]
    """From it and a purpose's name every random generator is derived."""
    data: Data
    corruption: CorruptionSection
    stack: Stack
    unroll: Unroll
    finetune: Finetune
    vae: Vae
    models: dict[Name, Model]
    """Further autoencoders of any kind in the catalogue, one stage each."""
    generate: Generate
    evaluate: Evaluate
    registry: Registry

    @model_validator(mode="after")
    def _spans_sections(self) -> Self:
        problems = [*_name_problems(self), *_data_problems(self)]
        if problems:
            raise ValueError("\n".join(problems))
        return self


def _name_problems(params: Params) -> list[str]:
    problems = [
        f"models.{name}: the name belongs to the pipeline itself; choose another"
        for name in params.models
        if name in RESERVED or name in params.evaluate.representations
    ]
    known = {DATASET, STACK, *(f"models/{n}" for n in ("pca", "autoencoder", "classifier", "vae"))}
    problems += [
        f"evaluate.representations.{name} = {path!r}: is no stage's output; "
        f"expected one of {', '.join(sorted(known))}"
        for name, path in params.evaluate.representations.items()
        if path not in known
    ]
    return problems


def _data_problems(params: Params) -> list[str]:
    """What is asked of the data against what the declared source can give."""
    problems: list[str] = []
    if params.data.source.kind != "pairs":
        places = {
            "unroll": params.unroll.corruption,
            "finetune": params.finetune.corruption,
            **{f"stack.layers.{n}": layer.corruption for n, layer in params.stack.layers.items()},
            **{f"models.{n}": model.corruption for n, model in params.models.items()},
        }
        problems += [
            f"{place}.corruption: kind pairs needs data.source.kind pairs, "
            f"not {params.data.source.kind!r}"
            for place, corruption in places.items()
            if corruption.kind == "pairs"
        ]
    if params.data.scaling != "range":
        first = next(iter(params.stack.layers))
        bernoulli = {
            f"stack.layers.{first}.reconstruction": params.stack.layers[first].reconstruction,
            "vae.decoder.kind": params.vae.decoder.kind,
            **{f"models.{n}.reconstruction": m.reconstruction for n, m in params.models.items()},
        }
        problems += [
            f"{place} = 'bernoulli' needs data in [0, 1], so data.scaling range, "
            f"not {params.data.scaling!r}"
            for place, kind in bernoulli.items()
            if kind == "bernoulli"
        ]
    return problems
