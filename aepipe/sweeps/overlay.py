"""The winner of a sweep as text to put over ``params.yaml``."""

from collections.abc import Sequence

from aepipe.params.members import Setting
from aepipe.params.sweep import Choose
from aepipe.params.text import as_yaml


def overlay(name: str, tried: Sequence[Setting], best: int, choose: Choose) -> str:
    """Give the setting ``tried[best]`` as an entry ``name`` of ``models:``, as YAML text."""
    shown = ", ".join(f"{path} {value}" for path, value in tried[best].values.items())
    model = tried[best].model.model_dump(mode="json", exclude_none=True)
    return (
        f"# Setting {best + 1} of {len(tried)} of sweep {name}, best on validation by "
        f"{choose.by}: {shown}.\n"
        f"# `aepipe adopt {name}` puts it into params.yaml; `dvc repro model@{name}` trains it.\n"
        f"{as_yaml({'models': {name: model}})}"
    )
