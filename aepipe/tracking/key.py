"""The key of a run: equal where a stage would compute the very same."""

import hashlib
import json
from dataclasses import fields
from pathlib import Path

import aepipe
from aepipe.command import Call
from aepipe.files import digest_files
from aepipe.tracking.facts import parameters

LOCK = Path("requirements.lock")
PACKAGE = Path(aepipe.__file__).parent


def content_key(call: Call) -> str:
    """Give one checksum of everything that a stage's results follow from.

    That is its title, its parameters, the contents of its inputs, this package's code and the lock
    file. Clock, host, paths and device are not part of it.
    """
    content = {
        "title": call.title,
        "params": parameters(call),
        "inputs": {f.name: _contents(getattr(call.inputs, f.name)) for f in fields(call.inputs)},
        "code": digest_files(PACKAGE, PACKAGE.rglob("*.py")),
        "lock": _contents(LOCK),
    }
    text = json.dumps(content, sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _contents(path: Path) -> str:
    """Give the checksum of a file or folder; of nothing, where nothing is there."""
    if path.is_file():
        return digest_files(path.parent, [path])
    return digest_files(path, (each for each in path.rglob("*") if each.is_file()))
