"""ONNX files: onnxruntime gives what torch gives, for any number of samples."""

import numpy as np
import pytest

from aepipe.__main__ import main
from aepipe.consume.predictions import classified, described
from aepipe.consume.trained import open_packed

onnxruntime = pytest.importorskip("onnxruntime", reason="the extra `export` is not installed")
ROWS = np.random.default_rng(0).integers(0, 17, (11, 1, 4, 4)).astype(np.float32)


def export(folder, output) -> int:
    return main(["export", "--format", "onnx", "--model", str(folder), "--output", str(output)])


def run(path, rows):
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [each.name for each in session.get_outputs()]
    return dict(zip(names, session.run(None, {"samples": rows}), strict=True))


@pytest.mark.parametrize("kind", ["encoder", "vae", "classifier", "rbm"])
def test_a_graph_takes_raw_units_and_gives_what_the_model_gives(packed, tmp_path, kind):
    folder, path = packed(kind), tmp_path / "model.onnx"
    assert export(folder, path) == 0
    predict = classified if kind == "classifier" else described
    for count in (1, 11):
        expected = predict(open_packed(folder), ROWS[:count])
        given = run(path, ROWS[:count])
        assert given.keys() <= expected.keys()
        for name, values in given.items():
            np.testing.assert_allclose(values, expected[name], rtol=1e-4, atol=1e-4)


def test_a_file_is_the_same_again_and_names_no_place(packed, tmp_path):
    folder = packed("encoder")
    for name in ("a.onnx", "b.onnx"):
        assert export(folder, tmp_path / name) == 0
    content = (tmp_path / "a.onnx").read_bytes()
    assert content == (tmp_path / "b.onnx").read_bytes()
    assert b".py" not in content


def test_sequences_say_why_they_cannot_be_exported(packed, tmp_path, capsys):
    assert export(packed("lstm", (8, 2)), tmp_path / "model.onnx") == 2
    assert "a LstmAutoencoder can't be exported: how many" in capsys.readouterr().err
    assert not (tmp_path / "model.onnx").exists()
