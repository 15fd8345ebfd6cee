"""The members of sweeps: which settings there are, and what stands against any of them."""

import itertools
import math
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, assert_never, final

from pydantic import JsonValue, TypeAdapter, ValidationError

from aepipe.params.base import Name, Section
from aepipe.params.convolutional import Convolutional
from aepipe.params.dense import Dense, Linear
from aepipe.params.explain import problems
from aepipe.params.models import Architecture, Autoencoder
from aepipe.params.paths import put
from aepipe.params.penalties import ContractiveHigherOrder, ContractiveHutchinson
from aepipe.params.sequence import Lstm, Transformer
from aepipe.params.sweep import (
    ByLoss,
    ByReconstruction,
    Choice,
    Grid,
    Integers,
    LogUniform,
    RandomSample,
    Range,
    Sweep,
    Uniform,
)

MOST = 4096  # members of one sweep: more is a slip of the pen
DIGITS = 4  # significant ones of a drawn number, so that a person can write it down
LOSS = ("corruption", "emphasis", "penalties", "sparsity", "reconstruction")  # what it is made of


@final
@dataclass(frozen=True, slots=True)
class Setting:
    """One of the settings of a sweep.

    Attributes:
        values: by key path, those that the search gives.
        model: with them.
    """

    values: Mapping[str, JsonValue]
    model: Autoencoder


def settings(name: str, sweep: Sweep, seed: int) -> list[Setting]:
    """Give the settings of a sweep that has no problems, in their order."""
    return [Setting(values, _read(sweep, values)) for values in _combinations(name, sweep, seed)]


def sweep_problems(sweeps: Mapping[Name, Sweep], seed: int) -> list[str]:
    """Give everything that stands against training the members of ``sweeps``, each once."""
    lines: dict[str, None] = {}
    for name, sweep in sweeps.items():
        at = f"sweep.{name}"
        found = [*_comparable(sweep), *_repeated(sweep)]
        size = _size(sweep)
        if size > MOST:
            found.append(f".search: {size} members; expected at most {MOST}, so fewer values")
        else:
            for values in [*_ends(sweep), *_combinations(name, sweep, seed)]:
                found += _faults(sweep, values)
        lines |= dict.fromkeys(f"{at}{line}" for line in found)
    return list(lines)


def member_models(sweeps: Mapping[Name, Sweep], seed: int) -> Iterator[tuple[str, Autoencoder]]:
    """Give the model of every setting, with the key path of the sweep's own."""
    for name, sweep in sweeps.items():
        for setting in settings(name, sweep, seed):
            yield f"sweep.{name}.model", setting.model


class _Entry(Section):
    """A model below the key that problems name."""

    model: Autoencoder


def _combinations(name: str, sweep: Sweep, seed: int) -> list[dict[str, JsonValue]]:
    search = sweep.search
    match search:
        case Grid(values=values):
            return [
                dict(zip(values, each, strict=True)) for each in itertools.product(*values.values())
            ]
        case RandomSample(ranges=ranges, members=members):
            streams = {path: random.Random(f"{seed}/sweep@{name}/{path}") for path in ranges}  # noqa: S311
            drawn = [
                {path: _draw(each, streams[path].random()) for path, each in ranges.items()}
                for _ in range(members)
            ]
            return list({repr(each): each for each in drawn}.values())
        case _:
            assert_never(search)


def _draw(chosen: Range, point: float) -> JsonValue:
    """Give the value of a range at ``point``, in [0, 1)."""
    match chosen:
        case Uniform(low=low, high=high):
            return _rounded(low + point * (high - low))
        case LogUniform(low=low, high=high):
            return _rounded(low * math.exp(point * math.log(high / low)))
        case Integers(low=low, high=high):
            return low + int(point * (high - low + 1))
        case Choice(values=values):
            return values[int(point * len(values))]
        case _:
            assert_never(chosen)


def _rounded(number: float) -> float:
    return float(f"{number:.{DIGITS}g}")


def _ends(sweep: Sweep) -> Iterator[dict[str, JsonValue]]:
    """Give the ends of each range alone: with another seed they may be drawn."""
    if isinstance(sweep.search, RandomSample):
        for path, each in sweep.search.ranges.items():
            if not isinstance(each, Choice):
                yield {path: each.low}
                yield {path: each.high}


def _size(sweep: Sweep) -> int:
    search = sweep.search
    count = (
        search.members
        if isinstance(search, RandomSample)
        else math.prod(map(len, search.values.values()))
    )
    return count * len(sweep.seeds or [0])


def _put_in(sweep: Sweep, values: Mapping[str, JsonValue]) -> tuple[Any, list[str]]:
    raw = sweep.model.model_dump(mode="json")
    return raw, [line for path, value in values.items() for line in put(raw, path, value)]


def _read(sweep: Sweep, values: Mapping[str, JsonValue]) -> Autoencoder:
    raw, _ = _put_in(sweep, values)
    return Autoencoder.model_validate(raw)


def _faults(sweep: Sweep, values: Mapping[str, JsonValue]) -> list[str]:
    """Give what stands against a model with ``values``, as lines that go on with the key path."""
    raw, lost = _put_in(sweep, values)
    if lost:
        return [f".search: {line}" for line in lost]
    try:
        entry = TypeAdapter(_Entry).validate_python({"model": raw})
    except ValidationError as error:
        return [f".search gives {line}" for line in problems(error, {"model": raw}, _Entry)]
    return [f".model{line}" for line in _one_by_one(entry.model)]


def _one_by_one(model: Autoencoder) -> list[str]:
    """Give what can only be trained one by one: what draws or remembers in ways of its own."""
    found = _architecture(model.architecture)
    found += [
        f".penalties: {each.kind} is not swept, for it differentiates inside the loss; use an "
        "entry of models for each"
        for each in model.penalties
        if isinstance(each, ContractiveHutchinson | ContractiveHigherOrder)
    ]
    return found


def _architecture(architecture: Architecture) -> list[str]:
    use = "leave it out, or use an entry of models for each"
    match architecture:
        case Dense(dropout=float()):
            return [f".architecture.dropout: is not swept, for it draws for all at once; {use}"]
        case Dense(normalisation="batch") | Convolutional(batch_norm=True):
            return [f".architecture: batch normalisation is not swept; {use}"]
        case Lstm() | Transformer():
            return [
                f".architecture.kind = {architecture.kind!r}: is not swept; expected linear, "
                "dense or convolutional, or an entry of models for each"
            ]
        case Linear() | Dense() | Convolutional():
            return []
        case _:
            assert_never(architecture)


def _comparable(sweep: Sweep) -> list[str]:
    """Give where members would be judged by figures that say nothing about each other."""
    search = sweep.search
    varied = search.values if isinstance(search, Grid) else search.ranges
    parts: tuple[str, ...] = ()
    if isinstance(sweep.choose, ByLoss):
        parts = LOSS
    if isinstance(sweep.choose, ByReconstruction):
        parts = ("reconstruction",)
    return [
        f".choose.by = {sweep.choose.by!r}: members with another {path} have losses of another "
        "kind, which say nothing about each other; use classification"
        + (", or reconstruction" if part != "reconstruction" else "")
        for path in varied
        for part in parts
        if path == part or path.startswith(f"{part}.")
    ]


def _repeated(sweep: Sweep) -> list[str]:
    """Give values that stand in a list twice: they would be trained twice."""
    lists: dict[str, tuple[JsonValue, ...]] = {"seeds": tuple(sweep.seeds or ())}
    if isinstance(sweep.search, Grid):
        lists |= {f"search.values.{path}": each for path, each in sweep.search.values.items()}
    return [
        f".{path}: {value!r} stands {values.count(value)} times; once is enough"
        for path, values in lists.items()
        for value in {repr(each): each for each in values if values.count(each) > 1}.values()
    ]
