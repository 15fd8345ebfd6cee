"""Running the pipeline when its data have changed, and only then.

A deployment of this flow looks at the declared source as often as its schedule says. What it saw
when the pipeline last ran with success is kept in a variable of the Prefect server.
"""

from pathlib import Path
from typing import Any

from prefect import flow, get_run_logger
from prefect.client.schemas.objects import State
from prefect.states import Completed
from prefect.variables import Variable

from aepipe.data.sources.checksum import source_digest
from aepipe.params.load import load_params
from flows.away import Workers
from flows.isolation import Isolated
from flows.reproduce import AT_ONCE, reproduce
from flows.server import patiently

VARIABLE = "aepipe_source_digest"  # of the server
NOTHING_NEW = "Nothing new"  # name of the state that people see


@flow(name="on-new-data")
def on_new_data(
    root: Path = Path(),
    at_once: int = AT_ONCE,
    workers: Workers | None = None,
    remembered_as: str = VARIABLE,
) -> State[Any]:
    """Run the pipeline if the files of its data source are others than when it last did so.

    It runs in a workspace of its own, with ``data.source_digest`` set to the checksum of the files,
    so that every worker reads these files or refuses. A run that succeeds is kept as the DVC
    experiment ``data-CHECKSUM``; one that fails is tried again the next time.

    Args:
        root: folder of ``dvc.yaml``, and where relative paths of the source start.
        at_once: how many stages may run side by side, here or on each worker.
        workers: send stages to the workers of their pools; without it all of them run here.
        remembered_as: variable of the server with the checksum of the last run; one for each
            pipeline that the server serves.

    Returns:
        That nothing is new, or what became of the run.

    Raises:
        AepipeError: the source is not there, or the pipeline can't run.
    """
    root = root.resolve()
    source = load_params(root / "params.yaml").data.source
    digest = source_digest(source, root)
    if digest is None:
        return _nothing_new(f"a source of kind {source.kind} never changes")
    last = patiently(lambda: Variable.get(remembered_as))
    if digest == last:
        return _nothing_new(f"the files of data.source still have the checksum {digest}")
    get_run_logger().info("the files of data.source have the checksum %s, not %s", digest, last)
    isolated = Isolated(overrides={"data.source_digest": digest}, keep=f"data-{digest[:8]}")
    state = reproduce(root, (), at_once, isolated, workers, return_state=True)
    if state.is_completed():
        patiently(lambda: Variable.set(remembered_as, digest, overwrite=True))
    return state


def _nothing_new(why: str) -> State[Any]:
    get_run_logger().info("nothing runs: %s", why)
    return Completed(name=NOTHING_NEW, message=f"Nothing runs: {why}.")
