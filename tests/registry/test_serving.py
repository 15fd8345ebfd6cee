"""A model behind a server, in a process of its own: what it answers, and that it goes on."""

import http.client
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from aepipe.consume.predictions import described
from aepipe.consume.trained import open_packed, pack
from aepipe.data.dataset import Dataset, describe_dataset
from aepipe.models.files import construct, save_model
from tests.blueprints import vae

pytestmark = [
    pytest.mark.pipeline,
    pytest.mark.filterwarnings("ignore"),  # MLflow's own; none of them is ours to mend
]

SECONDS = 300  # for a start; a busy machine needs dozens
VAE = vae([1, 4, 4])
ROWS = np.random.default_rng(0).integers(0, 17, (1000, 1, 4, 4)).astype(np.float32)
GOOD = ROWS[:2].tolist()
FLAT = ROWS[0].ravel().tolist()
JSON = "application/json"
COMMANDS = {
    "mlflow": ["mlflow", "models", "serve", "--env-manager", "local", "--workers", "1", "-m"],
    "aepipe": [sys.executable, "-m", "aepipe", "serve", "--largest", "1", "--model"],
}


@dataclass
class Server:
    """One that runs.

    Attributes:
        name: of its entry in COMMANDS.
        port: on 127.0.0.1.
        model: folder of what it serves, packed.
    """

    name: str
    port: int
    model: Path

    def ask(self, body, kind=JSON, method="POST", path="/invocations"):
        """Give status and text of the answer to one request."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=SECONDS)
        try:
            headers = {} if kind is None else {"Content-Type": kind}
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def predict(self, rows, **params):
        status, text = self.ask(json.dumps({"inputs": rows, "params": params}))
        assert status == 200, text
        return {key: np.array(each) for key, each in json.loads(text)["predictions"].items()}


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A VAE as an MLflow model in a folder, and the same packed."""
    from aepipe.registry.publish import save_model as save_for_mlflow

    place = tmp_path_factory.mktemp("served")
    torch.manual_seed(0)
    save_model(place / "model", VAE, construct(VAE), facts={})
    facts = {"source": "npz", "digest": "d" * 32, "shape": (1, 4, 4), "scale": 0.0625}
    more = {"offset": 0.0, "value_range": (0.0, 1.0), "classes": [], "paired": False}
    describe_dataset(Dataset(folder=place, counts={"train": 1}, **facts, **more))
    pack(place / "model", place / "dataset.json", place / "packed")
    save_for_mlflow("vae", place / "packed", place / "mlflow")
    return place


@pytest.fixture(scope="module", params=COMMANDS)
def server(request, saved):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {
        "MLFLOW_TRACKING_URI": f"sqlite:///{saved}/mlflow.db",
        "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
        "OMP_NUM_THREADS": "1",
    }
    log = (saved / f"{request.param}.log").open("w+")
    process = subprocess.Popen(
        [*COMMANDS[request.param], str(saved / "mlflow"), "--port", str(port)],
        env={**os.environ, **settings},
        stdout=log,
        stderr=log,
        start_new_session=True,
    )
    running = Server(request.param, port, saved / "packed")
    try:
        wait_for(running, process, log)
        yield running
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()
        log.close()


def wait_for(running, process, log) -> None:
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, Path(log.name).read_text()
        try:
            if running.ask(None, None, "GET", "/ping")[0] == 200:
                return
        except OSError:
            time.sleep(0.2)
    pytest.fail(f"no answer in {SECONDS} s: {Path(log.name).read_text()}")


@pytest.mark.parametrize("count", [1, 2, 1000])
def test_batches_of_any_size_are_predicted_as_without_a_server(server, count):
    given = server.predict(ROWS[:count].tolist())
    expected = described(open_packed(server.model), ROWS[:count])
    for name in ("codes", "reconstructions"):
        np.testing.assert_allclose(given[name], expected[name], rtol=1e-4, atol=1e-5)


def test_a_served_vae_decodes_draws_and_interpolates(server):
    codes = server.predict(GOOD)["codes"]
    assert server.predict(codes.tolist(), mode="decode")["reconstructions"].shape == (2, 1, 4, 4)
    drawn = [server.predict([], mode="sample", samples=3, seed=5)["samples"] for _ in range(2)]
    np.testing.assert_array_equal(*drawn)
    frames = server.predict(GOOD, mode="interpolate", steps=4)["interpolations"]
    assert frames.shape == (1, 4, 1, 4, 4)


def test_rows_come_as_flat_lists_and_as_a_parquet_table_too(server):
    expected = server.predict(GOOD)["codes"]
    flat = ROWS[:2].reshape(2, 16)
    np.testing.assert_allclose(server.predict(flat.tolist())["codes"], expected, rtol=1e-5)
    table = pd.DataFrame(flat, columns=[f"p{i}" for i in range(16)]).to_parquet()
    status, text = server.ask(table, "application/vnd.apache.parquet")
    assert status == 200, text
    np.testing.assert_allclose(json.loads(text)["predictions"]["codes"], expected, rtol=1e-5)


def inputs(rows, **more) -> str:
    return json.dumps({"inputs": rows, **more})


def changed(value):
    """Give a sample with one other value."""
    return inputs([[value, *FLAT[1:]]])


BEYOND = "expected an array (n, 1, 4, 4) or (n, 16) of numbers from 0 to 16"
MALFORMED = {  # name: request, and a part of the message
    "too few columns": ((inputs(ROWS[:2, :, :, :3].tolist()),), BEYOND),
    "too many rows of pixels": ((inputs(np.zeros((2, 1, 5, 4)).tolist()),), BEYOND),
    "two channels": ((inputs(np.zeros((2, 2, 4, 4)).tolist()),), BEYOND),
    "channels last": ((inputs(np.zeros((2, 4, 4, 1)).tolist()),), "moveaxis"),
    "five dimensions": ((inputs([GOOD]),), BEYOND),
    "one flat sample": ((inputs(FLAT),), BEYOND),
    "flat and too long": ((inputs([[*FLAT, 1]]),), BEYOND),
    "ragged": ((inputs([FLAT, FLAT[1:]]),), "not numbers in one rectangular array"),
    "ragged inside": ((inputs([[[[1, 2], [3]]]]),), "not numbers in one rectangular array"),
    "a number": ((inputs(7),), BEYOND),
    "text": ((inputs("seven"),), "not numbers but text"),
    "null": ((inputs(None),), "not numbers but values of type object"),
    "true": ((inputs(True),), BEYOND),
    "an object": ((inputs({"a": 1}),), "not numbers but values of type object"),
    "a list of objects": ((inputs([{"a": 1}]),), "not numbers but values of type object"),
    "nothing in the list": ((inputs([]),), BEYOND),
    "an empty sample": ((inputs([[]]),), BEYOND),
    "no sample of the right shape": ((inputs(np.zeros((0, 16)).tolist()),), BEYOND),
    "numbers as text": ((inputs([[str(each) for each in FLAT]]),), "not numbers but text"),
    "one number as text": ((changed("3"),), "not numbers but text"),
    "one null": ((changed(None),), "not numbers but values of type object"),
    "one list": ((changed([1]),), "not numbers in one rectangular array"),
    "one object": ((changed({}),), "not numbers but values of type object"),
    "NaN": ((changed(float("nan")),), "NaN or infinity"),
    "infinity": ((changed(float("inf")),), "NaN or infinity"),
    "minus infinity": ((changed(float("-inf")),), "NaN or infinity"),
    "beyond float32": ((changed(1e300),), "NaN or infinity"),
    "beyond any float": ((changed(10**400),), "not numbers"),
    "above the range": ((changed(255),), "values from 0 to 255; " + BEYOND),
    "below the range": ((changed(-1),), "values from -1 to"),
    "no body": (("",), "JSON"),
    "not JSON": (("pixels",), "JSON"),
    "half a JSON": (('{"inputs": [[1, 2',), "JSON"),
    "bytes that are no text": ((b"\xff\xfe\x00",), "JSON"),
    "a list of samples alone": ((json.dumps(GOOD),), "inputs"),
    "a number alone": (("3",), "inputs"),
    "no key": (("{}",), "inputs"),
    "another key": ((json.dumps({"samples": GOOD}),), "inputs"),
    "TensorFlow's key": ((json.dumps({"instances": GOOD}),), "inputs"),
    "a data frame as JSON": ((json.dumps({"dataframe_split": {"data": [FLAT]}}),), "inputs"),
    "a key for chats": ((json.dumps({"messages": []}),), "not numbers"),
    "params that are none": ((inputs(GOOD, params=[1]),), "must be a dictionary"),
    "a mode that is none": ((inputs(GOOD, params={"mode": "dream"}),), "expected encode, decode"),
    "a mode that is a number": ((inputs(GOOD, params={"mode": 3}),), "mode"),
    "no samples to draw": ((inputs([], params={"mode": "sample", "samples": 0}),), "1 to 10000"),
    "samples without end": (
        (inputs([], params={"mode": "sample", "samples": 10**9}),), "1 to 10000",
    ),
    "a seed beyond its type": ((inputs([], params={"mode": "sample", "seed": 10**30}),), "seed"),
    "codes of another size": ((inputs([[1, 2, 3]], params={"mode": "decode"}),), "codes (n, 2)"),
    "one end of a way": ((inputs(GOOD[:1], params={"mode": "interpolate"}),), "two are needed"),
    "text as text/csv": (("a,b\nx,y\n", "text/csv"), "Failed to parse input"),
    "no column in text/csv": (("", "text/csv"), "CSV"),
    "a file that is no parquet": ((b"PAR1", "application/vnd.apache.parquet"), "Parquet"),
    "a content type for text": ((inputs(GOOD), "text/plain"), "content types"),
    "another encoding": ((inputs(GOOD), f"{JSON}; charset=latin-1"), "UTF-8"),
    "another method": (("", JSON, "PUT"), "Method Not Allowed"),
    "another place": ((inputs(GOOD), JSON, "POST", "/predict"), "Not Found"),
}  # fmt: skip
# What `mlflow models serve` has no answer for: it says 500, or takes whatever comes.
LEFT_OPEN = {
    "no content type": ((inputs(GOOD), None), "no Content-Type", 500),
    "nested too deeply": (('{"inputs": ' + "[" * 100_000 + "]" * 100_000 + "}",), "nested", 500),
    "a number of 5,000 digits": ((f'{{"inputs": [[{"7" * 5000}]]}}',), "can't be read", 500),
    "larger than allowed": ((inputs(ROWS.tolist() * 16),), "larger than 1 MiB", 200),
}


def test_there_are_more_than_fifty_malformed_requests():
    assert len(MALFORMED) >= 50


def test_each_malformed_request_is_refused_in_words_and_the_server_goes_on(server):
    wrong = {
        name: (status, text[:300])
        for name, (request, message) in MALFORMED.items()
        for status, text in [server.ask(*request)]
        if not 400 <= status < 500 or message not in text.replace('\\"', '"')
    }
    assert wrong == {}
    assert server.predict(GOOD)["codes"].shape == (2, 2)


@pytest.mark.parametrize("name", LEFT_OPEN)
def test_what_mlflows_server_leaves_open_ours_closes(server, name):
    request, message, without = LEFT_OPEN[name]
    status, text = server.ask(*request)
    if server.name == "mlflow":  # once this fails, MLflow has an answer and serve.py can go
        assert status == without
    else:
        assert 400 <= status < 500
        assert message in text
    assert server.predict(GOOD)["codes"].shape == (2, 2)


def mutations(count: int):
    """Give valid requests with a few bytes changed, left out or doubled."""
    chance = random.Random(0)  # noqa: S311
    for _ in range(count):
        body = bytearray(inputs(GOOD, params={"mode": "encode"}).encode())
        for _ in range(chance.randrange(1, 4)):
            place = chance.randrange(len(body))
            match chance.randrange(3):
                case 0:
                    body[place] = chance.randrange(256)
                case 1:
                    del body[place : place + chance.randrange(1, 9)]
                case _:
                    body[place:place] = body[place : place + chance.randrange(1, 9)]
        yield bytes(body)


def test_mutated_requests_are_answered_or_refused_and_never_break_the_server(server):
    answers = [server.ask(body)[0] for body in mutations(100)]
    assert {status for status in answers if status >= 500} == set()
    assert sum(400 <= status < 500 for status in answers) > 30, "else these were no mutations"
    assert server.predict(GOOD)["codes"].shape == (2, 2)


def test_a_refusal_does_not_repeat_what_the_client_has_sent(server):
    status, text = server.ask(inputs((ROWS * 100).tolist()))
    assert status == 400
    assert len(text) < 400
    assert json.loads(text)["error_code"] == "INVALID_PARAMETER_VALUE"


def test_a_server_listens_on_loopback_alone(server):
    """Port and address as the kernel lists them: 0100007F is 127.0.0.1."""
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    own = [line.split()[1] for line in lines if line.split()[3] == "0A"]
    assert [each for each in own if each.endswith(f":{server.port:04X}")] == [
        f"0100007F:{server.port:04X}"
    ]
