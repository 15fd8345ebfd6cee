"""``docs/catalogue.md``, made from the types of ``params.yaml`` and the files of experiments."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from aepipe.catalogue.kinds import Kind, kinds
from aepipe.experiments.files import experiment_names, experiment_params, read_experiment
from aepipe.params.base import walk
from aepipe.params.load import load_params
from aepipe.params.root import Params

HEAD = """# Catalogue

Everything that has a `kind` in `params.yaml`. Made by `aepipe catalogue --output docs/catalogue.md`
from the code; a test holds it to that. Keys in parentheses may be left out. What a key means stands
beside it in `aepipe/params/`, and editors show it (`params.schema.json`).
"""
PLACES = {
    "models.*": "Models",
    "models.*.architecture": "Architectures of an autoencoder",
    "stack.layers.*": "Layers of a stack",
    "models.*.penalties.*": "Penalties",
    "models.*.corruption": "Corruption while training",
    "data.source": "Data sources",
}
"""Headings of the places that a reader looks for first; the others go by their key path."""
CALLED = 4  # experiments named beside a kind; one is enough to see it run


def catalogue(root: Path) -> str:
    """Give the whole page.

    Args:
        root: folder of ``params.yaml`` and ``experiments``.

    Raises:
        ParamsError: one of these files is wrong.
    """
    used = _used(root)
    parts: dict[str, list[Kind]] = {}
    for kind in _each_once(kinds()):
        parts.setdefault(kind.place, []).append(kind)
    return "\n".join(
        [HEAD, *(line for place in parts for line in _part(place, parts[place], used))]
    )


def _each_once(there: list[Kind]) -> list[Kind]:
    """Put the places with a heading first, and leave out what an earlier place has listed."""
    order = [*PLACES, *dict.fromkeys(kind.place for kind in there if kind.place not in PLACES)]
    chosen: dict[type, Kind] = {}
    for kind in sorted(there, key=lambda kind: order.index(kind.place)):
        chosen.setdefault(kind.section, kind)
    return list(chosen.values())


def _part(place: str, there: list[Kind], used: Mapping[type, list[str]]) -> Iterator[str]:
    heading = PLACES.get(place)
    yield f"## {heading} (`{place}`)" if heading else f"## `{place}`"
    yield ""
    yield "| kind | what | paper | keys | run by |"
    yield "| --- | --- | --- | --- | --- |"
    for kind in there:
        cells = [
            f"`{kind.name}`",
            kind.summary,
            "; ".join(kind.papers),
            ", ".join(f"`{option}`" for option in kind.options),
            ", ".join(used.get(kind.section, [])[:CALLED]),
        ]
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
    yield ""


def _used(root: Path) -> dict[type, list[str]]:
    """Give for each type the experiments that declare one, those of ``params.yaml`` first."""
    own = root / "params.yaml"
    declared: dict[str, Params] = {"`params.yaml`": load_params(own)}
    for name in experiment_names(root / "experiments"):
        experiment = read_experiment(root / "experiments", name)
        declared[f"`{name}`"] = experiment_params(experiment, own, name)[1]
    used: dict[type, list[str]] = {}
    for name, params in declared.items():
        for kind in dict.fromkeys(type(section) for _, section in walk(params)):
            used.setdefault(kind, []).append(name)
    return used
