"""The tap and a target in a pipe, as the README and docs/targets.md say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sandbox import Scenario, World
from tests.documents import section_of
from tests.e2e.processes import needs_shell
from tests.e2e.reader import Reader
from tests.e2e.warehouses import JSONL
from tests.harness import DAY, NOW, follows_of, truth

if TYPE_CHECKING:
    from sandbox import Sandbox

pytestmark = needs_shell

REPOSITORY = "git+https://github.com/tap-tiktok-following/tap-tiktok-following.git@v0.2.0"
LENGTHS = {"charlidamelio": 250, "khaby.lame": 250}
STEPS = section_of("README.md", "In a plain pipe")
SCRIPT, RUN = section_of("docs/targets.md", "In a plain pipe")
_, *TARGET = section_of("docs/targets.md", "JSON Lines")


@pytest.fixture
def reader(sandbox: Sandbox, tmp_path: Path, wheel: Path) -> Reader:
    sandbox.world = World.of(
        {name: follows_of(name, n, every=3600) for name, n in LENGTHS.items()}
    )
    key = sandbox.config["rapidapi_key"]
    stand_ins = {REPOSITORY: wheel, "YOUR_KEY": key, "target-duckdb": "target-jsonl"}
    return Reader(tmp_path, {}, stand_ins)


@pytest.fixture
def installed(sandbox: Sandbox, reader: Reader) -> Reader:
    """Return a reader who has done everything but run it."""
    reader.follow([*STEPS, *TARGET, SCRIPT])
    configure(reader.folder, rapidapi_api_url=sandbox.url)
    return reader


def configure(folder: Path, **settings: object) -> None:
    """Change the config of the reader."""
    path = folder / "config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**config, **settings}), encoding="utf-8")


def pairs(warehouse: JSONL) -> list[tuple[str, str]]:
    rows = warehouse.rows("rapidapi_following")
    return sorted((row["follower_username"], row["username"]) for row in rows)


def test_second_run_adds_only_new_follows(
    sandbox: Sandbox, installed: Reader, tmp_path: Path
) -> None:
    warehouse = JSONL(tmp_path / "follows")
    tap = Path(installed.type("sh", "-c", "command -v tap-tiktok-following").rstrip())
    assert tap.resolve().is_relative_to(Path(installed.environment["PIPX_HOME"]).resolve())
    installed.follow([RUN])
    assert pairs(warehouse) == sorted(truth(sandbox, *LENGTHS))

    sandbox.clock.advance(DAY)
    configure(tmp_path, rescan_after_hours=0)  # as a day later
    sandbox.world.follow("khaby.lame", "new", at=NOW + DAY // 2)
    sandbox.take_requests()
    installed.follow([RUN])
    assert pairs(warehouse) == sorted(truth(sandbox, *LENGTHS))
    assert len(warehouse.rows("rapidapi_scans")) == 4
    assert len(sandbox.requests) == 2


def test_exit_code_is_the_taps_and_the_state_is_saved(
    sandbox: Sandbox, installed: Reader, tmp_path: Path
) -> None:
    sandbox.scenario = Scenario(quota=2, boundary="skip")
    sandbox.clock.advance(300 * DAY)  # to a day whose quota no other test has used
    installed.type("bash", "run.sh", "target-jsonl", code=75)
    assert len(pairs(JSONL(tmp_path / "follows"))) == 200
    sandbox.scenario = Scenario(boundary="skip")
    sandbox.take_requests()
    installed.type("bash", "run.sh", "target-jsonl")
    assert pairs(JSONL(tmp_path / "follows")) == sorted(truth(sandbox, *LENGTHS))
    assert len(sandbox.requests) == 4


def test_target_that_dies_leaves_the_last_state(
    sandbox: Sandbox, installed: Reader, tmp_path: Path
) -> None:
    installed.type("bash", "run.sh", "target-jsonl")
    before = (tmp_path / "state.json").read_text(encoding="utf-8")
    sandbox.clock.advance(DAY)
    configure(tmp_path, rescan_after_hours=0)  # as a day later
    target = Path(installed.environment["PIPX_BIN_DIR"], "target-jsonl")
    target.unlink()
    target.write_text("#!/bin/sh\nhead -c 100 >/dev/null\necho '{\"bookm'\nexit 3\n")
    target.chmod(0o755)
    installed.type("bash", "run.sh", "target-jsonl", code=3)
    assert (tmp_path / "state.json").read_text(encoding="utf-8") == before
