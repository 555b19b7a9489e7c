"""The wheel, installed into an empty environment, gives a working command."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]


def _uv(*arguments: str | Path) -> None:
    places = os.pathsep.join([str(PROJECT / ".tools" / "bin"), os.environ["PATH"]])
    uv = shutil.which("uv", path=places)
    assert uv is not None, "uv is needed: `make test` puts it into .tools"
    subprocess.run([uv, "--quiet", *arguments], check=True, cwd=PROJECT)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    _uv("build", "--wheel", "--python", sys.executable, "--out-dir", folder)
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_holds_the_tap_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    package, metadata = "tap_tiktok_following", ".dist-info"
    assert {name.split("/")[0].split("-")[0] for name in names} == {package}
    there = {name for name in names if not name.split("/")[0].endswith(metadata)}
    paths = (PROJECT / package).rglob("*.py")
    source = {path.relative_to(PROJECT).as_posix() for path in paths}
    assert there == source | {f"{package}/py.typed"}
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_the_installed_wheel_is_a_command(wheel: Path, tmp_path: Path) -> None:
    environment = tmp_path / "venv"
    _uv("venv", "--python", sys.executable, environment)
    _uv("pip", "install", "--python", environment, wheel)
    folder = "Scripts" if os.name == "nt" else "bin"
    command = environment / folder / "tap-tiktok-following"
    answer = subprocess.run(
        [command, "--about", "--format=json"], cwd=tmp_path, capture_output=True, check=True
    )
    about = json.loads(answer.stdout)
    assert about["name"] == "tap-tiktok-following"
    assert about["version"] == wheel.name.split("-")[1]
