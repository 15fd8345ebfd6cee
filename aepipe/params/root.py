"""The whole of ``params.yaml``, with the checks that span its sections."""

from collections.abc import Iterator
from typing import Annotated, Self

from pydantic import BaseModel, Field, model_validator

from aepipe.params.base import Name, Section, Uncounted, walk
from aepipe.params.corruption import CorruptionSection, Pairs
from aepipe.params.data import Data
from aepipe.params.evaluation import Appraise, Evaluate, Generate, Registry
from aepipe.params.members import member_models, sweep_problems
from aepipe.params.models import Model
from aepipe.params.registration import registry_problems
from aepipe.params.stack import DATASET, STACK, Finetune, Stack, Unroll
from aepipe.params.sweep import Sweep
from aepipe.params.variational import DiscretisedDecoder, Variational

Seed = Annotated[int, Field(ge=0, lt=2**63), Uncounted()]
RESERVED = frozenset(
    {"stack", "sweep", "pca", "autoencoder", "classifier", "vae", "raw", "dataset"}
)


class Params(Section):
    """Everything the pipeline is told; no default hides in code."""

    seed: Seed
    """From it and a purpose's name every random generator is derived."""
    data: Data
    corruption: CorruptionSection
    stack: Stack
    unroll: Unroll
    finetune: Finetune
    vae: Variational
    models: dict[Name, Model]
    """Further models of any kind in the catalogue, one stage each."""
    sweep: dict[Name, Sweep]
    """Searches for the best setting of one model, one stage each; may be empty."""
    generate: Generate
    evaluate: Evaluate
    appraise: Appraise
    registry: Registry

    @model_validator(mode="after")
    def _spans_sections(self) -> Self:
        swept = sweep_problems(self.sweep, self.seed)
        problems = [
            *_name_problems(self),
            *(swept or _data_problems(self)),
            *registry_problems(self.registry, self.models, self.evaluate, self.corruption),
        ]
        if problems:
            raise ValueError("\n".join(problems))
        return self


def everything(params: Params) -> Iterator[tuple[str, BaseModel]]:
    """Give every section with its key path, those that members of sweeps have among them."""
    yield from walk(params)
    given: set[tuple[str, BaseModel]] = set()
    for at, model in member_models(params.sweep, params.seed):
        for each in [(at, model), *walk(model, at)]:
            if each not in given:
                given.add(each)
                yield each


def unit_range_demands(params: Params) -> list[str]:
    """Give the key paths of everything that takes the samples' values for probabilities."""
    demands: list[str] = []
    # their input is a layer's code, which the stack has checked
    above = [
        f"stack.layers.{n}" for n, layer in params.stack.layers.items() if layer.input != DATASET
    ]
    for path, section in everything(params):
        if any(path == layer or path.startswith(f"{layer}.") for layer in above):
            continue
        for key in ("reconstruction", "kind"):
            if getattr(section, key, None) == "bernoulli":
                demands.append(f"{path}.{key}")
    return [*dict.fromkeys(demands)]


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
    named = {n: p for n, p in params.evaluate.representations.items() if p == "models/vae"}
    named |= {n: f"models/{n}" for n, m in params.models.items() if isinstance(m, Variational)}
    expected = " or ".join(f"{n}: {p}" for n, p in named.items()) or "none, for none is evaluated"
    problems += [
        f"appraise.networks.{name} = {path!r}: no variational network of that name is evaluated; "
        f"expected {expected}"
        for name, path in params.appraise.networks.items()
        if named.get(name) != path
    ]
    return problems


def _data_problems(params: Params) -> list[str]:
    """What is asked of the data against what the declared source can give."""
    problems: list[str] = []
    source = params.data.source.kind
    if source != "pairs":
        problems += [
            f"{path}: kind pairs needs data.source.kind pairs, not {source!r}; use other noise"
            for path, section in everything(params)
            if isinstance(section, Pairs)
        ]
    if params.data.scaling != "range":
        problems += [
            f"{place} = 'bernoulli' needs data in [0, 1], so data.scaling range, "
            f"not {params.data.scaling!r}; use that, or squared (gaussian for a VAE or an RBM)"
            for place in unit_range_demands(params)
        ] + [
            f"{path}.kind = 'discretised_logistic' needs whole numbers that are brought to [0, 1], "
            f"so data.scaling range, not {params.data.scaling!r}; use that, or gaussian"
            for path, section in walk(params)
            if isinstance(section, DiscretisedDecoder)
        ]
    return problems
