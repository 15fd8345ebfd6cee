"""The package as somebody gets it who installs it."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

from aepipe.params.schema import params_schema

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built from a copy: a build leaves folders behind."""
    source = tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    shutil.copytree(ROOT / "aepipe", source / "aepipe", ignore=shutil.ignore_patterns("*.pyc"))
    shutil.copytree(ROOT / "flows", source / "flows", ignore=shutil.ignore_patterns("*.pyc"))
    built = tmp_path_factory.mktemp("built")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"]
    subprocess.run(
        [*command, "--no-build-isolation", "--wheel-dir", str(built), str(source)],
        check=True,
        capture_output=True,
    )
    (path,) = built.glob("*.whl")
    return path


def test_every_file_of_the_package_is_in_the_wheel_and_nothing_else(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    packed = {name for name in names if ".dist-info/" not in name}
    files = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "aepipe").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert len(files) > 30
    assert packed == files


def test_wheel_carries_its_licence_and_its_command(wheel):
    with zipfile.ZipFile(wheel) as archive:
        (folder,) = {n.split("/")[0] for n in archive.namelist() if ".dist-info/" in n}
        metadata = Parser().parsestr(archive.read(f"{folder}/METADATA").decode())
        assert metadata["License-Expression"] == "Apache-2.0"
        assert b"Apache License" in archive.read(f"{folder}/licenses/LICENSE")
        entry_points = archive.read(f"{folder}/entry_points.txt").decode()
        assert "aepipe = aepipe.__main__:main" in entry_points


def test_installed_package_works_without_the_repository(wheel, tmp_path):
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target"]
    subprocess.run([*command, str(tmp_path), str(wheel)], check=True, capture_output=True)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}

    def run(*words: str) -> str:
        return subprocess.run(
            [sys.executable, *words],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    assert Path(run("-c", "import aepipe; print(aepipe.__file__)").strip()).parents[1] == tmp_path
    assert json.loads(run(str(tmp_path / "bin" / "aepipe"), "schema")) == params_schema()
