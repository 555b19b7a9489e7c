"""The tap and a target in a pipe, installed and run as the README tells."""

from __future__ import annotations

import json
import re
import shlex
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sandbox import Scenario, World
from tap_tiktok_following.text import DAY
from tests.documents import runs, section_of
from tests.e2e.processes import needs_shell
from tests.e2e.reader import STAND_INS, Reader
from tests.e2e.warehouses import JSONL, DuckDB
from tests.harness import NOW, bookmark, command, follows_of, settings, truth

if TYPE_CHECKING:
    from sandbox import Sandbox
    from tests.documents import Section

pytestmark = needs_shell

LENGTHS = {"charlidamelio": 250, "khaby.lame": 1}


@pytest.fixture
def reader(sandbox: Sandbox, tmp_path: Path, wheel: Path) -> Reader:
    [repository] = [written for written in STAND_INS if written.startswith("git+")]
    return Reader(
        tmp_path, {}, {repository: wheel, "YOUR_KEY": sandbox.config["rapidapi_key"]}
    )


def configure(folder: Path, **settings: object) -> None:
    """Change the reader's config."""
    path = folder / "config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**config, **settings}), encoding="utf-8")


@pytest.fixture
def installed(sandbox: Sandbox, reader: Reader, tmp_path: Path) -> Reader:
    """A reader who has done everything but run it."""
    sandbox.world = World.of({name: follows_of(name, n) for name, n in LENGTHS.items()})
    reader.follow(block for block in SECTION if block.text != "bash run.sh\n")
    configure(tmp_path, rapidapi_api_url=sandbox.url)
    return reader


SECTION = section_of("README.md", "In a plain pipe")


@runs("README.md", "In a plain pipe")
def test_twice(section: Section, sandbox: Sandbox, installed: Reader, tmp_path: Path) -> None:
    *_, run = section
    warehouse = JSONL(tmp_path)
    tap = Path(installed.type("sh", "-c", "command -v tap-tiktok-following").rstrip())
    assert tap.resolve().is_relative_to(Path(installed.environment["PIPX_HOME"]).resolve())
    installed.follow([run])
    assert len(warehouse.rows("rapidapi_following")) == 251
    assert len(warehouse.rows("rapidapi_scans")) == 2

    sandbox.clock.advance(DAY)
    configure(tmp_path, rescan_after_hours=0)  # as a day later
    sandbox.world.follow("khaby.lame", "new", at=NOW + DAY // 2)
    sandbox.requests.clear()
    installed.follow([run])
    rows = warehouse.rows("rapidapi_following")
    assert len(rows) == 252
    assert {(row["follower_username"], row["username"]) for row in rows} == truth(
        sandbox, *LENGTHS
    )
    assert [re.sub(r"\d", "0", path.name) for path in tmp_path.glob("*following-*")] == [
        "rapidapi_following-00000000T000000.jsonl"
    ] * 2
    visits = warehouse.rows("rapidapi_scans")
    assert len(visits) == 4
    assert len(sandbox.requests) == 2
    state = json.loads((tmp_path / "state.json").read_text(encoding="utf-8"))
    for visit in visits[-2:]:
        kept = bookmark(state, "rapidapi", visit["follower_username"])
        assert datetime.fromisoformat(kept or "") == max(row["scanned_at"] for row in visits)


def test_the_exit_code_is_the_tap_s_and_the_state_is_kept(
    sandbox: Sandbox, installed: Reader, tmp_path: Path
) -> None:
    sandbox.scenario = Scenario(quota=2, boundary="skip")
    sandbox.clock.advance(300 * DAY)  # to a day whose quota no other test has spent
    installed.type("bash", "run.sh", code=75)
    assert len(JSONL(tmp_path).rows("rapidapi_following")) == 101
    sandbox.scenario = Scenario(boundary="skip")
    installed.type("bash", "run.sh")
    assert len(JSONL(tmp_path).rows("rapidapi_following")) == 251


def test_a_target_that_dies_leaves_the_last_state(
    sandbox: Sandbox, installed: Reader, tmp_path: Path
) -> None:
    installed.type("bash", "run.sh")
    before = (tmp_path / "state.json").read_text(encoding="utf-8")
    sandbox.clock.advance(DAY)
    configure(tmp_path, rescan_after_hours=0)  # as a day later
    target = Path(installed.environment["PIPX_BIN_DIR"], "target-jsonl")
    target.unlink()
    target.write_text("#!/bin/sh\nhead -c 100 >/dev/null\necho '{\"bookm'\nexit 3\n")
    target.chmod(0o755)
    installed.type("bash", "run.sh", code=3)
    assert (tmp_path / "state.json").read_text(encoding="utf-8") == before


@runs("README.md", "Targets")
def test_target_duckdb_as_it_is_to_be_installed(
    section: Section, sandbox: Sandbox, reader: Reader, tmp_path: Path
) -> None:
    """It loses no row."""
    [install] = section
    sandbox.world = World.of({name: follows_of(name, n) for name, n in LENGTHS.items()})
    reader.follow([install])
    tap = shlex.join(command(tmp_path, settings(sandbox, LENGTHS, "rapidapi")))
    config = {"path": str(tmp_path / "follows.duckdb"), "default_target_schema": "tiktok"}
    (tmp_path / "target.json").write_text(json.dumps(config), encoding="utf-8")
    pipe = f"set -o pipefail; {tap} | target-duckdb --config target.json"
    reader.type("bash", "-c", pipe)
    rows = DuckDB(tmp_path, "follows.duckdb").rows("rapidapi_following")
    assert {(row["follower_username"], row["username"]) for row in rows} == truth(
        sandbox, *LENGTHS
    )
    assert len(rows) == 251
