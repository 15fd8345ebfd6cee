"""From files to files: the same as in memory, whole or absent, and never all of it in memory."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from aepipe.__main__ import main
from aepipe.consume.predictions import classified, described, encoded
from aepipe.consume.trained import open_packed
from aepipe.data.parts import write_parts

COLUMNS = [f"pixel_{i:02}" for i in range(16)]
ROWS = np.random.default_rng(0).integers(0, 17, (2300, 16)).astype(np.uint8)  # not whole batches


def run(command: str, model: Path, given: Path, output: Path, *more: str) -> int:
    places = ["--model", str(model), "--input", str(given), "--output", str(output)]
    return main([command, *places, *more])


def lay_down(folder: Path, kind: str) -> Path:
    """Write ROWS as a file or folder of that kind."""
    frame = pd.DataFrame(ROWS, columns=COLUMNS).assign(name=[f"n{i}" for i in range(len(ROWS))])
    path = folder / f"rows.{kind}"
    match kind:
        case "npy":
            np.save(path, ROWS.reshape(-1, 1, 4, 4))
        case "csv":
            frame.to_csv(path, index=False)
        case "parquet":
            frame.to_parquet(path, index=False, row_group_size=700)
        case "images":
            for i, row in enumerate(ROWS):
                place = path / str(i % 7) / f"{i:05}.png"
                place.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(row.reshape(4, 4)).save(place)
    return path


@pytest.mark.parametrize("suffix", [".npy", ".parquet"])
@pytest.mark.parametrize("kind", ["npy", "csv", "parquet"])
def test_codes_of_a_file_are_those_of_its_rows(packed, tmp_path, kind, suffix):
    folder = packed("encoder", (16,)) if kind != "npy" else packed("encoder")
    output = tmp_path / f"codes{suffix}"
    keep = ["--keep", "name"] if kind != "npy" and suffix == ".parquet" else []
    given = lay_down(tmp_path, kind)
    if kind != "npy" and not keep:  # without --keep, a further column is no feature's
        frame = pd.read_csv(given) if kind == "csv" else pd.read_parquet(given)
        to = frame.drop(columns="name")
        to.to_csv(given, index=False) if kind == "csv" else to.to_parquet(given, index=False)
    assert run("encode", folder, given, output, *keep) == 0
    expected = encoded(open_packed(folder), ROWS).numpy()
    if suffix == ".npy":
        np.testing.assert_allclose(np.load(output), expected, rtol=1e-5, atol=1e-6)
        return
    table = pd.read_parquet(output)
    codes = table[["code_0", "code_1", "code_2"]]
    np.testing.assert_allclose(codes, expected, rtol=1e-5, atol=1e-6)
    if keep:
        assert table["name"].tolist() == [f"n{i}" for i in range(len(ROWS))]


def test_images_of_a_folder_come_in_the_order_of_their_names(packed, tmp_path):
    given, output = lay_down(tmp_path, "images"), tmp_path / "scores.parquet"
    folder = packed("encoder")
    assert run("encode", folder, given, output, "--what", "anomaly_scores") == 0
    table = pd.read_parquet(output)
    rows = ROWS[[int(Path(name).stem) for name in table["file"]]]
    assert table["file"].tolist() == sorted(table["file"])
    expected = described(open_packed(folder), rows)["anomaly_scores"]
    np.testing.assert_allclose(table["anomaly_score"], expected, rtol=1e-4)


def test_a_dataset_of_the_project_keeps_ids_and_splits(packed, tmp_path):
    folder = packed("encoder")
    dataset = tmp_path / "made" / "dataset"
    ids = {"train": [*"abc"], "valid": [*"def"], "test": [*"ghi"]}
    for number, split in enumerate(ids):
        rows = ROWS[3 * number : 3 * number + 3].reshape(3, 1, 4, 4)
        write_parts(dataset / "features" / split, [rows])
    splits = [split for split in ids for _ in range(3)]
    samples = {"id": [*"abcdefghi"], "split": splits, "label": -1}
    pd.DataFrame(samples).to_parquet(dataset / "samples.parquet")
    output = tmp_path / "rebuilt.parquet"
    assert run("encode", folder, dataset, output, "--what", "reconstructions") == 0
    table = pd.read_parquet(output)
    assert table["id"].tolist() == [*"abcdefghi"]
    assert table["split"].tolist() == splits
    expected = described(open_packed(folder), ROWS[:9])["reconstructions"].reshape(9, 16)
    np.testing.assert_allclose(np.stack(table["reconstruction"]), expected, rtol=1e-4, atol=1e-5)


def test_probabilities_go_with_labels_and_names(packed, tmp_path):
    given, folder = lay_down(tmp_path, "npy"), packed("classifier")
    expected = classified(open_packed(folder), ROWS)
    assert run("predict", folder, given, tmp_path / "p.npy") == 0
    assert run("predict", folder, given, tmp_path / "p.parquet") == 0
    np.testing.assert_allclose(np.load(tmp_path / "p.npy"), expected["probabilities"], rtol=1e-5)
    table = pd.read_parquet(tmp_path / "p.parquet")
    assert table["class_name"].tolist() == expected["class_name"].tolist()
    assert table["label"].tolist() == expected["label"].tolist()
    chances = table[["probability_cat", "probability_dog", "probability_hen"]]
    np.testing.assert_allclose(chances, expected["probabilities"], rtol=1e-5)


def test_samples_are_drawn_by_seed_into_a_file(packed, tmp_path):
    words = ["sample", "--model", str(packed("vae")), "--samples", "1100", "--output"]
    for name, seed in (("a", "3"), ("b", "3"), ("c", "4")):
        assert main([*words, str(tmp_path / f"{name}.npy"), "--seed", seed]) == 0
    first, again, other = ((tmp_path / f"{name}.npy").read_bytes() for name in "abc")
    assert np.load(tmp_path / "a.npy").shape == (1100, 1, 4, 4)
    assert first == again != other


WRONG = {
    "no such file": ("none.npy", "codes.npy", "no such file or folder; expected an array"),
    "a pickle": ("pickle.npy", "codes.npy", "not a plain array"),
    "a wrong row": ("wrong.npy", "codes.npy", "samples from 2000: input holds values from 0 to 99"),
    "no rows": ("empty.npy", "codes.npy", "holds no sample"),
    "text in a table": ("text.csv", "codes.npy", "cannot be read after row 0"),
    "too few columns": ("few.csv", "codes.npy", "2 columns; expected 16, one for each feature"),
    "another suffix": ("rows.npy", "codes.txt", "expected .npy or .parquet"),
    "an input that is not known": ("rows.json", "codes.npy", "suffix '.json'; expected an array"),
    "an image of another size": ("images", "codes.npy", "5 x 4 pixels; expected 4 x 4"),
    "a folder of nothing": ("nothing", "codes.npy", "holds no image"),
}


@pytest.fixture
def wrong(tmp_path) -> Path:
    np.save(tmp_path / "pickle.npy", np.array([{}], object), allow_pickle=True)
    rows = ROWS.copy()
    rows[2100, 3] = 99
    np.save(tmp_path / "wrong.npy", rows)
    np.save(tmp_path / "rows.npy", ROWS)
    np.save(tmp_path / "empty.npy", ROWS[:0])
    (tmp_path / "text.csv").write_text(",".join(COLUMNS) + "\n" + ",".join(["x"] * 16) + "\n")
    (tmp_path / "few.csv").write_text("a,b\n1,2\n")
    (tmp_path / "rows.json").write_text("[]")
    (tmp_path / "images").mkdir()
    Image.new("L", (5, 4)).save(tmp_path / "images" / "a.png")
    (tmp_path / "nothing").mkdir()
    return tmp_path


@pytest.mark.parametrize(("given", "output", "message"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_encoded_is_told_and_leaves_no_output(
    packed, wrong, capsys, given, output, message
):
    code = run("encode", packed("encoder"), wrong / given, wrong / output)
    assert code == 2
    assert message in capsys.readouterr().err
    assert not (wrong / output).exists()
    assert [path.name for path in wrong.iterdir() if path.name.endswith(".partial")] == []


def test_columns_to_keep_need_a_table_on_both_sides(packed, tmp_path, capsys):
    folder = packed("encoder", (16,))
    given = lay_down(tmp_path, "csv")
    assert run("encode", folder, given, tmp_path / "codes.npy", "--keep", "name") == 2
    assert "expected .parquet" in capsys.readouterr().err
    assert run("encode", folder, given, tmp_path / "codes.parquet", "--keep", "nme") == 2
    assert "lacks 1 of the columns, nme" in capsys.readouterr().err


BOUNDED = """
import resource, sys
from pathlib import Path
import numpy, pyarrow.parquet, torch  # what is loaded before is not what is measured
import aepipe.consume.streams as streams
from aepipe.consume.trained import open_packed
from aepipe.monitor import Silent
torch.set_num_threads(1)
model = open_packed(Path(sys.argv[1]))
def run(name):
    output = Path(name).with_suffix(".parquet")
    given = streams.open_samples(Path(name), model, [], output)
    streams.encode(model, given, "reconstructions", output, Silent())
run(sys.argv[2])
used = int(Path("/proc/self/statm").read_text().split()[5]) * resource.getpagesize()
# private memory; mapped files are not counted. Both directions of the large file take 320 MB.
resource.setrlimit(resource.RLIMIT_DATA, (used + 160 * 2**20, resource.RLIM_INFINITY))
run(sys.argv[3])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the limit on private memory is Linux's")
def test_memory_does_not_grow_with_the_number_of_samples(packed, tmp_path):
    folder = packed("encoder", (400,))
    large = np.lib.format.open_memmap(  # a file of holes: it takes no room on the disk
        tmp_path / "large.npy", "w+", np.float32, (200_000, 400)
    )
    del large
    np.save(tmp_path / "small.npy", np.zeros((2000, 400), np.float32))
    names = (folder, tmp_path / "small.npy", tmp_path / "large.npy")
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", BOUNDED, *map(str, names)],
        env={**os.environ, "OMP_NUM_THREADS": "1", "ARROW_DEFAULT_MEMORY_POOL": "system"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert pd.read_parquet(tmp_path / "large.parquet").shape == (200_000, 1)
