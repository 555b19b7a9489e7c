"""The wheel, installed into an empty environment, gives a working command."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

PROJECT = Path(__file__).parents[1]


def uv(*arguments: str | Path) -> None:
    places = os.pathsep.join([str(PROJECT / ".tools" / "bin"), os.environ["PATH"]])
    command = shutil.which("uv", path=places)
    assert command is not None, "uv is needed: `make test` puts it into .tools"
    subprocess.run([command, "--quiet", *arguments], check=True, cwd=PROJECT)


def test_wheel_holds_the_tap_and_nothing_else_and_is_a_command(tmp_path: Path) -> None:
    uv("build", "--wheel", "--python", sys.executable, "--out-dir", tmp_path)
    (wheel,) = tmp_path.glob("*.whl")
    _, version, *_ = wheel.name.split("-")
    with zipfile.ZipFile(wheel) as archive:
        metadata = f"tap_tiktok_following-{version}.dist-info/"
        there = {name for name in archive.namelist() if not name.startswith(metadata)}
        assert f"{metadata}licenses/LICENSE" in archive.namelist()
    paths = (PROJECT / "tap_tiktok_following").rglob("*.py")
    source = {path.relative_to(PROJECT).as_posix() for path in paths}
    assert there == source | {"tap_tiktok_following/py.typed"}

    environment = tmp_path / "venv"
    uv("venv", "--python", sys.executable, environment)
    uv("pip", "install", "--python", environment, wheel)
    command = str(environment / "bin" / "tap-tiktok-following")
    about = json.loads(
        subprocess.check_output([command, "--about", "--format=json"], cwd=tmp_path)
    )
    assert (about["name"], about["version"]) == ("tap-tiktok-following", version)
