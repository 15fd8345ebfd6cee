"""Two processes train what one does, up to the rounding of sums."""

import os
import runpy
import socket
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from aepipe.models.rbm import RestrictedBoltzmannMachine
from aepipe.objectives.contrastive import ContrastiveDivergence
from aepipe.training import parallel
from aepipe.training.parallel import Team, team

SCRIPT = Path(__file__).with_name("divided.py")
DIVIDED = runpy.run_path(str(SCRIPT))
# The parts of a sum are added in another order, so that floats differ in their last digits, and a
# little more with each step. Other noise, or a wrong weight, changes weights by 0.001 and more.
TOLERANCE = {"rtol": 1e-5, "atol": 1e-6}


@pytest.fixture(scope="module")
def together(tmp_path_factory) -> Path:
    """What each of two processes ended with."""
    folder = tmp_path_factory.mktemp("together")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    shared = {
        "TORCHELASTIC_RUN_ID": "test", "WORLD_SIZE": "2",
        "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port),
        "GLOO_SOCKET_IFNAME": "lo", "OMP_NUM_THREADS": "1", "AEPIPE_DEVICE": "cpu",
    }  # fmt: skip
    command = [sys.executable, str(SCRIPT), str(folder)]
    with ExitStack() as stack:
        processes = [
            stack.enter_context(
                subprocess.Popen(command, env={**os.environ, **shared, "RANK": rank})
            )
            for rank in ("0", "1")
        ]
        assert [process.wait(timeout=600) for process in processes] == [0, 0]
    return folder


@pytest.mark.parametrize("name", DIVIDED["BUILT"])
def test_two_processes_end_with_the_weights_and_history_of_one(name, together):
    alone = DIVIDED["train"](name)
    first = load_file(together / f"{name}.0.safetensors")
    assert first.keys() == alone.keys()
    for key, expected in alone.items():
        torch.testing.assert_close(
            first[key], expected, **TOLERANCE, msg=lambda m, k=key: f"{k}: {m}"
        )


@pytest.mark.parametrize("name", DIVIDED["BUILT"])
def test_all_processes_end_with_the_same_bytes(name, together):
    paths = [together / f"{name}.{rank}.safetensors" for rank in (0, 1)]
    assert paths[0].read_bytes() == paths[1].read_bytes()


@pytest.mark.parametrize("size", [1, 2, 3, 7])
@pytest.mark.parametrize("count", [1, 5, 16])
def test_every_row_belongs_to_one_process(size, count):
    spans = [Team(rank, size).rows(count) for rank in range(size)]
    assert [row for start, stop in spans for row in range(start, stop)] == list(range(count))
    lengths = [stop - start for start, stop in spans]
    assert max(lengths) - min(lengths) <= 1


def test_what_looks_at_whole_batches_is_refused_where_there_are_several(monkeypatch):
    machine = RestrictedBoltzmannMachine((8,), 5, "bernoulli", "bernoulli", 1.0, "drawn")
    chains = ContrastiveDivergence(machine, 1)
    assert team(machine, chains).size == 1
    monkeypatch.setattr(parallel, "processes", lambda: 2)
    with pytest.raises(ValueError, match="batch normalisation looks at the whole batch"):
        team(nn.Sequential(nn.BatchNorm2d(3)), lambda *rest: {})
    with pytest.raises(ValueError, match="a loss with a state"):
        team(machine, chains)
