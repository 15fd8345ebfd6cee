"""The commands of those who keep a registry: their options, and running them."""

import argparse
from pathlib import Path

ADDRESS = "models:/NAME@ALIAS or models:/NAME/VERSION"


def add_options(command: argparse.ArgumentParser, name: str) -> None:
    """Give ``command`` the options of the command of that name."""
    match name:
        case "verify" | "where":
            command.add_argument("model", metavar="MODEL", help=ADDRESS)
        case "which":
            text = "a stage, the path of a stage's output, or the beginning of a checksum"
            command.add_argument("what", metavar="DATA_OR_STAGE", help=text)
        case "history" | "promote" | "rollback":
            command.add_argument("name", metavar="NAME", help="of the registered model")
    if name == "promote":
        command.add_argument("version", metavar="VERSION", help="number of the version")
    if name in ("promote", "rollback"):
        text = "the reason, for the record"
        command.add_argument("--why", default="no reason was given", help=text)
    if name == "verify":
        text = "train everything again from the source data, with nothing from the cache"
        command.add_argument("--rebuild", action="store_true", help=text)


def keep(parsed: argparse.Namespace) -> list[str]:
    """Run the command that ``parsed`` is the command line of, and give the lines to print.

    Raises:
        AepipeError: there is no such model, version or origin, or the registry can't be reached.
    """
    from aepipe.console import ConsoleMonitor
    from aepipe.registry import commands
    from aepipe.registry.relocate import relocate

    match parsed.title:
        case "rollback":
            return [commands.roll_back_champion(parsed.name, parsed.why)]
        case "promote":
            return [commands.promote_version(parsed.name, parsed.version, parsed.why)]
        case "history":
            return commands.history_lines(parsed.name)
        case "where":
            return commands.where(parsed.model)
        case "which":
            return commands.which(parsed.what, Path())
        case "relocate":
            return [relocate()]
        case _:
            verify = commands.rebuild if parsed.rebuild else commands.verify
            verify(parsed.model, Path().resolve(), ConsoleMonitor())
            return []
