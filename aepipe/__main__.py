"""The command line: ``aepipe stage`` for the pipeline, the other commands for people."""

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from aepipe.errors import OUT_OF_MEMORY, AepipeError, is_out_of_memory
from aepipe.interruption import Interrupted, interruptible

PARAMS = Path("params.yaml")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and give its exit code.

    0; 2 for a user's mistake, 4 for a diverged loss, 5 for a version that is not what it says;
    128 and its number where a signal ended it.
    """
    # Threads that wait for work sleep instead of spinning: with stages side by side, or anything
    # else on the machine, spinning made training five times slower. Read when torch is loaded.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    words = sys.argv[1:] if arguments is None else list(arguments)
    parsed = parser(words).parse_args(words, argparse.Namespace(words=words))
    command: Callable[[argparse.Namespace], None] = parsed.command
    try:
        command(parsed)
    except AepipeError as error:
        print(f"aepipe {parsed.title}: {error}", file=sys.stderr)
        return error.exit_code
    except Interrupted as error:
        print(f"aepipe {parsed.title}: {error}", file=sys.stderr)
        return error.exit_code
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        print(f"aepipe {parsed.title}: {OUT_OF_MEMORY} ({error})", file=sys.stderr)
        return AepipeError.exit_code
    except KeyboardInterrupt:
        print(f"aepipe {parsed.title}: interrupted; the same command starts again", file=sys.stderr)
        return 130
    return 0


def parser(arguments: Sequence[str]) -> argparse.ArgumentParser:
    """Build the parser; of the stages only the one that ``arguments`` name is imported."""
    top = argparse.ArgumentParser(
        prog="aepipe", description="A declarative pipeline for representation learning."
    )
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    for name, (function, text) in COMMANDS.items():
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument(
            "--params", type=Path, default=PARAMS, help="the declaration (default: params.yaml)"
        )
        command.set_defaults(command=function, title=name)
        if name == "stage":
            _add_stages(command, arguments)
        if name == "experiment":
            _add_experiments(command)
        if name in CONSUMERS:
            from aepipe.registry.consumers import add_options

            add_options(command, name)
        if name in KEEPERS:
            from aepipe.registry import keepers

            keepers.add_options(command, name)
        _add_words(command, name)
    return top


def _add_words(command: argparse.ArgumentParser, name: str) -> None:
    """Give ``command`` the arguments that only it has."""
    if name == "compare":
        for side in ("one", "other"):
            text = "git revision, experiment, or `workspace` for the files as they are"
            command.add_argument(side, help=text)
    if name == "adopt":
        command.add_argument("sweep", help="its name, which the new entry of models has, too")
    if name == "catalogue":
        command.add_argument("--output", type=Path, help="file; standard output without it")
        text = "train every entry of experiments/catalogue.yaml and print a line each"
        command.add_argument("--train", action="store_true", help=text)
    if name == "schema":
        command.add_argument("--output", type=Path, help="file; standard output without it")


def _add_stages(command: argparse.ArgumentParser, arguments: Sequence[str]) -> None:
    from aepipe.command import load_stage, stage_names
    from aepipe.signature import add_arguments

    stages = command.add_subparsers(required=True, dest="stage", metavar="STAGE")
    for name in stage_names():
        if name not in arguments:
            stages.add_parser(name, help=f"aepipe stage {name} --help says more")
            continue
        stage = load_stage(name)
        text = (stage.__doc__ or "").strip()
        chosen = stages.add_parser(name, help=text.splitlines()[0], description=text)
        chosen.set_defaults(title=f"stage {name}")
        add_arguments(chosen, stage)


def _add_experiments(command: argparse.ArgumentParser) -> None:
    actions = command.add_subparsers(required=True, dest="action", metavar="ACTION")
    actions.add_parser("list", help="names, titles and costs of all")
    for action, text in (
        ("show", "print the params that it runs with"),
        ("run", "run it in a workspace of its own under .aepipe/experiments"),
    ):
        actions.add_parser(action, help=text, description=text).add_argument("name")
    text = "put the figures of a run into experiments/results, for the table"
    record = actions.add_parser("record", help=text, description=text)
    record.add_argument("name")
    text = "workspace or clone it was run in (default: where `run` does it)"
    record.add_argument("--workspace", type=Path, help=text)
    record.add_argument("--note", default="", help="what a reader must know of this run")
    text = "print all figures beside the published ones"
    table = actions.add_parser("table", help=text, description=text)
    table.add_argument("--format", choices=("text", "markdown"), default="text")
    table.add_argument("--output", type=Path, help="file; standard output without it")


def _stage(parsed: argparse.Namespace) -> None:
    from aepipe.command import parse_call, run_call
    from aepipe.launch import run_in_processes
    from aepipe.registry.synchronise import register_outputs
    from aepipe.tracking.watch import watch

    call = parse_call(parsed.stage, parsed)
    with interruptible():
        run_in_processes(call, parsed.words, lambda: run_call(call, watch, register_outputs))


def _check(parsed: argparse.Namespace) -> None:
    from aepipe.check import check
    from aepipe.console import ConsoleMonitor

    check(parsed.params, ConsoleMonitor())


def _heal(parsed: argparse.Namespace) -> None:
    from aepipe.intact import heal

    print("\n".join(heal()))


def _register(parsed: argparse.Namespace) -> None:
    from aepipe.console import ConsoleMonitor
    from aepipe.params.load import load_params
    from aepipe.registry.synchronise import synchronise

    synchronise(load_params(parsed.params).registry, Path(), ConsoleMonitor())


def _keep(parsed: argparse.Namespace) -> None:
    from aepipe.registry.keepers import keep

    for line in keep(parsed):
        print(line)


def _experiment(parsed: argparse.Namespace) -> None:
    from aepipe.console import ConsoleMonitor
    from aepipe.experiments import commands, table

    root, monitor = Path().resolve(), ConsoleMonitor()
    match parsed.action:
        case "list":
            print("\n".join(commands.list_experiments(Path())))
        case "show":
            print(commands.show_experiment(Path(), parsed.name, parsed.params), end="")
        case "record":
            commands.record_experiment(root, parsed.name, parsed.workspace, parsed.note, monitor)
        case "table":
            make = table.markdown_page if parsed.format == "markdown" else table.plain_table
            _write(make(Path()), parsed.output)
        case _:
            commands.run_experiment(root, parsed.name, parsed.params, monitor)


def _consume(parsed: argparse.Namespace) -> None:
    from aepipe.registry.consumers import consume

    consume(parsed)


def _catalogue(parsed: argparse.Namespace) -> None:
    if parsed.train:
        from aepipe.catalogue.trial import print_trials
        from aepipe.console import ConsoleMonitor

        print_trials(Path(), parsed.params, ConsoleMonitor())
        return
    from aepipe.catalogue.table import catalogue

    _write(catalogue(Path()), parsed.output)


def _schema(parsed: argparse.Namespace) -> None:
    from aepipe.params.schema import params_schema

    _write(json.dumps(params_schema(), indent=1) + "\n", parsed.output)


def _write(text: str, output: Path | None) -> None:
    if output:
        from aepipe.files import explained

        with explained([output]):
            output.parent.mkdir(parents=True, exist_ok=True)
            output.write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)


def _summary(parsed: argparse.Namespace) -> None:
    from aepipe.reporting.summary import print_summary

    print_summary(Path("reports"))


def _costs(parsed: argparse.Namespace) -> None:
    from aepipe.params.load import load_params
    from aepipe.tracking.costs import print_costs

    print_costs(Path(), load_params(parsed.params))


def _compare(parsed: argparse.Namespace) -> None:
    from aepipe.experiments.revisions import print_comparison

    print_comparison(Path(), parsed.one, parsed.other)


def _adopt(parsed: argparse.Namespace) -> None:
    from aepipe.experiments.adopt import adopt

    winner = Path("models", "sweep", parsed.sweep, "winner.yaml")
    adopt(parsed.params, winner, parsed.sweep)
    print(f"models.{parsed.sweep} is in {parsed.params}; `dvc repro` trains and compares it")


CONSUMERS = {
    "encode": "Write the codes of samples; memory does not grow with their number.",
    "predict": "Write the class probabilities of samples; memory does not grow with their number.",
    "sample": "Write samples drawn from the prior of a variational network.",
    "export": "Write a model in another format.",
    "serve": "Answer requests over HTTP, on this machine unless told otherwise.",
}
KEEPERS = {
    "rollback": "Make the former champion of a registered model the champion again.",
    "promote": "Make a version the champion, whatever its gate says.",
    "history": "Print every move of a registered model's champion.",
    "where": "Print the chain from a registered version to its data.",
    "which": "List the registered versions that came from data or a stage.",
    "verify": "Check that a registered version is what its recipe makes.",
    "relocate": "Put MLflow's paths right after this folder was moved or copied.",
}
COMMANDS: dict[str, tuple[Callable[[argparse.Namespace], None], str]] = {
    "stage": (_stage, "Run one stage as dvc.yaml does; `dvc repro` calls this."),
    "check": (_check, "Check params, sources and tables of the whole pipeline without running it."),
    "heal": (_heal, "Remove from DVC's cache what is damaged, so that `dvc repro` makes it again."),
    "register": (_register, "Bring the model registry in line with what the pipeline has made."),
    **{name: (_keep, text) for name, text in KEEPERS.items()},
    "catalogue": (_catalogue, "Print the page of everything that can be declared, or try it all."),
    "experiment": (_experiment, "List, show, run, record or tabulate what lies in experiments/."),
    **{name: (_consume, text) for name, text in CONSUMERS.items()},
    "schema": (_schema, "Print the JSON schema of params.yaml, for editors."),
    "costs": (_costs, "Print what each representation cost, and write the report with it."),
    "adopt": (_adopt, "Put the winner of a sweep into params.yaml, as an entry of models."),
    "compare": (_compare, "Print the figures of two revisions or experiments side by side."),
    "summary": (_summary, "Print the comparison that the last run ended with."),
}

if __name__ == "__main__":
    sys.exit(main())
