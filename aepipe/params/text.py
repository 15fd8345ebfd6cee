"""Plain values as text of a YAML file."""

from io import StringIO
from typing import Any

from ruamel.yaml import YAML


def as_yaml(raw: Any) -> str:
    """Write plain values as YAML text, mappings in their order."""
    stream = StringIO()
    writer = YAML(typ="safe", pure=True)
    writer.default_flow_style = False
    writer.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    writer.dump(raw, stream)
    return stream.getvalue()
