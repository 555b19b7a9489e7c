"""The wheel, installed into an empty environment, gives a working command."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

from tests.documents import ROOT
from tests.e2e.targets import uv


def test_wheel_holds_the_tap_and_nothing_else_and_is_a_command(
    wheel: Path, tmp_path: Path
) -> None:
    _, version, *_ = wheel.name.split("-")
    with zipfile.ZipFile(wheel) as archive:
        metadata = f"tap_tiktok_following-{version}.dist-info/"
        there = {name for name in archive.namelist() if not name.startswith(metadata)}
        assert f"{metadata}licenses/LICENSE" in archive.namelist()
    paths = (ROOT / "tap_tiktok_following").rglob("*.py")
    source = {path.relative_to(ROOT).as_posix() for path in paths}
    assert there == source | {"tap_tiktok_following/py.typed"}

    uv("venv", "--python", sys.executable, tmp_path)
    uv("pip", "install", "--python", tmp_path, wheel)
    command = str(tmp_path / "bin" / "tap-tiktok-following")
    about = json.loads(subprocess.check_output([command, "--about", "--format=json"]))
    assert (about["name"], about["version"]) == ("tap-tiktok-following", version)
