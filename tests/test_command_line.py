import json
import subprocess
import sys
from pathlib import Path

import pytest

from aepipe import __main__ as command_line
from aepipe.command import stage_names
from aepipe.errors import AepipeError, DivergedError, StorageError
from aepipe.params.schema import params_schema

ROOT = Path(__file__).parents[1]
PRETRAIN = ["stage", "pretrain", "--name", "first", "--input", "absent", "--layer", "layer"]


def aepipe(*words: str, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run the real command line, as the pipeline does."""
    command = [sys.executable, "-m", "aepipe", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture
def failing(monkeypatch):
    """Make the `summary` command raise."""

    def make(error):
        def raise_it(parsed):
            raise error

        monkeypatch.setitem(command_line.COMMANDS, "summary", (raise_it, "text"))

    return make


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (AepipeError("what came"), 2, "aepipe summary: what came\n"),
        (StorageError("disk full"), 2, "aepipe summary: disk full\n"),
        (DivergedError("loss is nan"), 4, "aepipe summary: loss is nan\n"),
        (KeyboardInterrupt(), 130, "aepipe summary: interrupted; "),
    ],
)
def test_a_mistake_is_one_line_and_an_exit_code(error, code, said, failing, capsys):
    failing(error)
    assert command_line.main(["summary"]) == code
    captured = capsys.readouterr()
    assert captured.err.startswith(said)
    assert captured.err.count("\n") == 1
    assert captured.out == ""


def test_a_bug_keeps_its_traceback(failing):
    failing(ZeroDivisionError("a bug"))
    with pytest.raises(ZeroDivisionError):
        command_line.main(["summary"])


@pytest.mark.parametrize("words", [[], *([name] for name in command_line.COMMANDS)])
def test_help_explains_every_command(words, capsys):
    with pytest.raises(SystemExit) as stopped:
        command_line.main([*words, "--help"])
    assert stopped.value.code == 0
    said = capsys.readouterr().out
    expected = [command_line.COMMANDS[words[0]][1]] if words else list(command_line.COMMANDS)
    flat = " ".join(said.split())
    assert all(text in flat for text in expected)


@pytest.mark.parametrize("name", stage_names())
def test_help_of_a_stage_says_what_it_does_and_lists_its_paths(name, capsys):
    with pytest.raises(SystemExit) as stopped:
        command_line.main(["stage", name, "--help"])
    assert stopped.value.code == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "path that is read" in said or name == "ingest", "all others read what a stage wrote"
    assert "path that is written" in said


def test_a_wrong_word_is_answered_with_what_there_is(capsys):
    with pytest.raises(SystemExit) as stopped:
        command_line.main(["pretrain"])
    assert stopped.value.code == 2
    assert "stage" in capsys.readouterr().err


def test_schema_goes_to_standard_output_or_into_a_file(tmp_path, capsys):
    assert command_line.main(["schema"]) == 0
    assert json.loads(capsys.readouterr().out) == params_schema()
    assert command_line.main(["schema", "--output", str(tmp_path / "schema.json")]) == 0
    assert json.loads((tmp_path / "schema.json").read_text()) == params_schema()
    assert capsys.readouterr().out == ""


def test_wrong_params_end_a_stage_before_it_has_done_anything(tmp_path):
    """Through the real command line: every mistake, no traceback, nothing written."""
    text = (ROOT / "params.yaml").read_text()
    (tmp_path / "params.yaml").write_text(
        text.replace("seed:", "sed:", 1).replace("kl_weight:", "kl_wait:", 1)
    )
    params = str(tmp_path / "params.yaml")
    layer = str(tmp_path / "layer")
    done = aepipe("stage", "--params", params, *PRETRAIN[1:-1], layer)
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        f"aepipe stage pretrain: {params}: 4 problems",
        "  seed: missing",
        "  vae.kl_weight: missing",
        "  vae.kl_wait: unknown key, did you mean 'kl_weight'?",
        "  sed: unknown key, did you mean 'seed'?",
    ]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["params.yaml"]


def test_no_params_at_all_say_where_to_stand(tmp_path):
    params = str(tmp_path / "params.yaml")
    done = aepipe("stage", "--params", params, *PRETRAIN[1:])
    assert done.returncode == 2
    assert done.stderr == (
        f"aepipe stage pretrain: {params}: no such file; "
        "run from the repository's top folder or pass --params\n"
    )


# What a stage must not load, since it takes longer than many a stage's work.
TORCH_FREE = ["ingest", "pca", "compare", "report", "register"]


def test_stages_that_need_no_torch_import_neither_it_nor_mlflow():
    ask = (
        "import sys; from aepipe.command import load_stage\n"
        f"for name in {TORCH_FREE!r}:\n"
        "    load_stage(name); print(name, {'torch', 'mlflow'} & sys.modules.keys() or 'neither')"
    )
    done = subprocess.run(
        [sys.executable, "-c", ask], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == [f"{name} neither" for name in TORCH_FREE]


def test_asking_for_help_loads_nothing_heavy():
    ask = (
        "import sys; from aepipe.__main__ import parser; parser(['--help']); "
        "print(sorted({'torch', 'sklearn', 'mlflow', 'dvc', 'pandas'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", ask], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
