"""The tap and a target in a pipe, installed and run as the README tells."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sandbox import World
from tests.documents import runs
from tests.e2e.lists import DAY
from tests.e2e.reader import STAND_INS, Reader
from tests.e2e.warehouses import JSONL
from tests.harness import NOW, bookmark, follows_of, truth

if TYPE_CHECKING:
    from sandbox import Sandbox
    from tests.documents import Section

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the shell is POSIX's")

LENGTHS = {"charlidamelio": 250, "khaby.lame": 1}


@pytest.fixture
def reader(sandbox: Sandbox, tmp_path: Path, wheel: Path) -> Reader:
    [repository] = [written for written in STAND_INS if written.startswith("git+")]
    return Reader(
        tmp_path, {}, {repository: wheel, "YOUR_KEY": sandbox.config["rapidapi_key"]}
    )


def add_url(path: Path, sandbox: Sandbox) -> None:
    """Have a config lead to the sandbox."""
    config = json.loads(path.read_text(encoding="utf-8"))
    config["rapidapi_api_url"] = sandbox.url
    path.write_text(json.dumps(config), encoding="utf-8")


@runs("README.md", "In a plain pipe")
def test_twice(section: Section, sandbox: Sandbox, reader: Reader, tmp_path: Path) -> None:
    sandbox.world = World.of({name: follows_of(name, n) for name, n in LENGTHS.items()})
    warehouse = JSONL(tmp_path)
    install, config, first, later = section

    reader.follow([install, config])
    tap = Path(reader.type("sh", "-c", "command -v tap-tiktok-following").rstrip())
    assert tap.resolve().is_relative_to(Path(reader.environment["PIPX_HOME"]).resolve())
    add_url(tmp_path / "config.json", sandbox)
    reader.follow([first])
    assert len(warehouse.rows("rapidapi_following")) == 251
    assert len(warehouse.rows("rapidapi_scans")) == 2

    sandbox.clock.advance(DAY)
    sandbox.world.follow("khaby.lame", "new", at=NOW + DAY // 2)
    sandbox.requests.clear()
    reader.follow([later])
    rows = warehouse.rows("rapidapi_following")
    assert len(rows) == 252
    assert {(row["follower_username"], row["username"]) for row in rows} == truth(
        sandbox, *LENGTHS
    )
    visits = warehouse.rows("rapidapi_scans")
    assert len(visits) == 4
    assert len(sandbox.requests) == 2
    state = json.loads((tmp_path / "state.json").read_text(encoding="utf-8"))
    for visit in visits[-2:]:
        kept = bookmark(state, "rapidapi", visit["follower_username"])
        assert datetime.fromisoformat(kept or "") == max(row["scanned_at"] for row in visits)
