"""What can be checked of the whole pipeline without running any of it, and without torch."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from aepipe.check.demands import limitations, unmet_demands
from aepipe.check.outline import outline_source
from aepipe.check.tables import check_conditions, check_dataset, check_predictions
from aepipe.data.sources.checksum import require_digest
from aepipe.errors import AepipeError, ParamsError
from aepipe.evaluation.estimators import estimator_problems
from aepipe.monitor import Monitor
from aepipe.params.load import load_params
from aepipe.params.root import Params

DATASET = Path("data/dataset")
CORRUPTED = Path("data/corrupted")
EVALUATIONS = Path("reports/evaluation")


def check(params_path: Path, monitor: Monitor) -> None:
    """Check params, the source, what is asked of it, and the tables on disk, a line for each.

    Relative paths are taken from the working directory, as the stages take them.

    Raises:
        AepipeError: every problem of all of them.
    """
    problems: list[str] = []

    def attempt(name: str, look: Callable[[], str]) -> None:
        try:
            monitor.remark(f"{name}: {look()} ... ok")
        except AepipeError as error:
            problems.append(str(error))

    try:
        params = load_params(params_path)
    except ParamsError as error:
        raise ParamsError(f"{error}\n  nothing else was checked, for it depends on these") from None
    monitor.remark(f"{params_path}: {_extent(params)} ... ok")
    problems += estimator_problems(params.evaluate.probes.others)
    attempt(f"data.source ({params.data.source.kind})", lambda: _source(params, problems, monitor))
    for path, look in _tables(params).items():
        if path.exists():
            attempt(str(path), look)
        else:
            monitor.remark(f"{path}: not made yet")
    if problems:
        count = f"{len(problems)} problem" + ("s" if len(problems) > 1 else "")
        indented = (problem.replace("\n", "\n  ") for problem in problems)
        raise AepipeError("\n  ".join([count, *indented]))


def _extent(params: Params) -> str:
    sections = len(type(params).model_fields)
    return f"{sections} sections, {len(params.stack.layers)} layers, {len(params.models)} models"


def _source(params: Params, problems: list[str], monitor: Monitor) -> str:
    """Open the source; add to ``problems`` what the params ask of it in vain; say what there is.

    Raises:
        SourceError: it cannot be opened, or is not what ``data.source_digest`` declares.
    """
    require_digest(params.data)
    outline = outline_source(params.data, params.seed)
    problems += unmet_demands(params, outline)
    for line in limitations(params, outline):
        monitor.remark(f"note: {line}")
    counts = ", ".join(f"{split} {count}" for split, count in outline.counts.items())
    return f"samples of shape {outline.shape}, {outline.classes} classes, {counts}"


def _tables(params: Params) -> dict[Path, Callable[[], str]]:
    """Give the folders that stages make, each with what reads its table."""
    tables: dict[Path, Callable[[], str]] = {
        DATASET: lambda: check_dataset(DATASET, params.data),
        CORRUPTED: lambda: check_conditions(CORRUPTED),
    }
    for name in [*params.evaluate.representations, *params.models]:
        folder = EVALUATIONS / name
        tables[folder] = partial(check_predictions, folder)
    return tables
