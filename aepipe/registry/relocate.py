"""Making an ``mlruns/`` that has been moved or copied usable where it is now.

MLflow keeps absolute paths in its database and has no way to change them.
"""

import sqlite3
from contextlib import closing
from pathlib import Path

from aepipe.errors import RegistryError
from aepipe.tracking.server import ARTIFACTS, ROOT, exclusive, is_elsewhere

DATABASE = ROOT / "mlflow.db"
FILES = ROOT / ARTIFACTS


def relocate() -> str:
    """Put this folder in the place of the one in which ``mlruns/`` was made; say what was done.

    Raises:
        RegistryError: there is no database, or no files beside it, or another process uses it.
    """
    for path in (DATABASE, FILES):
        if not path.exists():
            raise RegistryError(
                f"{path}: is not there, so nothing to put right; `aepipe register` makes it"
            )
    try:
        with exclusive(), closing(sqlite3.connect(DATABASE)) as connection, connection:
            return _replaced(connection)
    except sqlite3.Error as error:
        raise RegistryError(f"{DATABASE}: {error}; end what uses it and try again") from error


def _replaced(connection: sqlite3.Connection) -> str:
    rows = connection.execute("SELECT artifact_location FROM experiments").fetchall()
    inside = f"/{FILES}"
    old = {
        location.rpartition(inside)[0]
        for (location,) in rows
        if location.endswith(inside) and is_elsewhere(location)
    }
    new = str(Path().resolve())
    count = sum(_replace(connection, each, new) for each in old)
    if not old:
        return f"{ROOT}/ is where its paths say"
    return f"{count} paths led to {', '.join(sorted(old))} and lead to {new} now"


def _replace(connection: sqlite3.Connection, old: str, new: str) -> int:
    """Put ``new`` for ``old`` at the beginning of every path in every table."""
    tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    count = 0
    for (table,) in tables:
        for _, column, kind, *_ in connection.execute(f'PRAGMA table_info("{table}")').fetchall():
            if not kind.upper().startswith(("VARCHAR", "TEXT")):
                continue
            done = connection.execute(
                f'UPDATE "{table}" SET "{column}" = ? || substr("{column}", ?) '  # noqa: S608
                f'WHERE substr("{column}", 1, ?) = ?',
                (new, len(old) + 1, len(f"{old}/{ROOT}/"), f"{old}/{ROOT}/"),
            )
            count += done.rowcount
    return count
