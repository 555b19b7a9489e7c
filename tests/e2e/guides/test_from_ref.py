"""From an empty Meltano project to rows and a state, as the README tells, and then further."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from sandbox import World
from tap_tiktok_following.text import DAY
from tests.documents import runs
from tests.e2e.processes import needs_shell
from tests.e2e.reader import STAND_INS, Reader
from tests.e2e.targets import ROOT
from tests.e2e.warehouses import JSONL
from tests.harness import NOW, bookmark, follows_of

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox import Sandbox
    from tests.documents import Section

pytestmark = needs_shell

TAP = "tap-tiktok-following"

TARGET = "target-jsonl"

LENGTHS = {"charlidamelio": 250, "khaby.lame": 1}


@pytest.fixture
def reader(sandbox: Sandbox, tmp_path: Path, wheel: Path) -> Reader:
    """A reader who has the definitions of tap and target in files."""
    key = sandbox.env["TAP_TIKTOK_FOLLOWING_RAPIDAPI_KEY"]
    [url] = [written for written in STAND_INS if written.endswith(f"{TAP}.yml")]
    stand_ins = {
        url: _save(tmp_path, tap_definition(wheel)),
        f"meltano add {TARGET}": (
            f"meltano add {TARGET} --from-ref {_save(tmp_path, target_definition())}"
        ),
        "YOUR_KEY": key,
    }
    sandbox_url = {"TAP_TIKTOK_FOLLOWING_RAPIDAPI_API_URL": sandbox.url}
    (tmp_path / "project").mkdir()
    return Reader(tmp_path / "project", sandbox_url, stand_ins)


def tap_definition(wheel: Path) -> dict[str, Any]:
    """The definition file, but what it installs is built from this source."""
    text = (ROOT / f"{TAP}.yml").read_text(encoding="utf-8")
    return yaml.safe_load(text) | {"pip_url": str(wheel)}  # type: ignore[no-any-return]


def target_definition() -> dict[str, Any]:
    """A target's definition from meltano.yml."""
    loaders = yaml.safe_load((ROOT / "meltano.yml").read_text("utf-8"))["plugins"]["loaders"]
    [definition] = [loader for loader in loaders if loader["name"] == TARGET]
    return definition | {"variant": "test"}  # type: ignore[no-any-return]


def _save(folder: Path, definition: dict[str, Any]) -> Path:
    path = folder / f"{definition['name']}.yml"
    path.write_text(yaml.safe_dump(definition), encoding="utf-8")
    return path


@runs("README.md", "tap-tiktok-following", "shown")
@runs("README.md", "With Meltano")
def test_an_empty_project(
    section: Section, shown: Section, sandbox: Sandbox, reader: Reader
) -> None:
    sandbox.world = World.of({name: follows_of(name, n) for name, n in LENGTHS.items()})
    add, configure, run = section
    reader.type("meltano", "init", ".")
    reader.follow([add, configure])
    sandbox.requests.clear()
    reader.follow([run])
    page, *read = requests(sandbox)
    assert page == ("rapidapi", "charlidamelio")
    assert Counter(read) == {("rapidapi", "charlidamelio"): 3, ("rapidapi", "khaby.lame"): 1}
    check_rows(reader, sandbox, scans=1, without_bio=set())
    assert "Plugin configuration is valid" in reader.type("meltano", "config", "test", TAP)

    sandbox.clock.advance(DAY)
    reader.environment["TAP_TIKTOK_FOLLOWING_RESCAN_AFTER_HOURS"] = "0"  # as a day later
    sandbox.world.follow("khaby.lame", "new", at=NOW + DAY // 2)
    sandbox.requests.clear()
    reader.type("meltano", "select", TAP, "rapidapi_*", "*")
    reader.type("meltano", "select", TAP, "--exclude", "rapidapi_following", "bio")
    reader.follow(shown)
    assert Counter(requests(sandbox)) == {("rapidapi", name): 1 for name in LENGTHS}
    check_rows(reader, sandbox, scans=2, without_bio={"new"})
    check_state(reader)


def requests(sandbox: Sandbox) -> list[tuple[str, str | None]]:
    """Whose lists were asked for, in the order of the requests."""
    return [(request.provider, request.username) for request in sandbox.requests]


def check_rows(reader: Reader, sandbox: Sandbox, *, scans: int, without_bio: set[str]) -> None:
    """Every follow once, the expected scans of each list, and nothing else."""
    output = JSONL(reader.folder / "output")
    rows = output.rows("rapidapi_following")
    assert Counter((row["follower_username"], row["username"]) for row in rows) == Counter(
        (name, follow.username) for name in LENGTHS for follow in sandbox.world.truth(name)
    )
    assert {row["username"] for row in rows if "bio" not in row} == without_bio
    visits = output.rows("rapidapi_scans")
    assert Counter(row["follower_username"] for row in visits) == dict.fromkeys(LENGTHS, scans)
    assert {row["outcome"] for row in visits} <= {"complete", "unchanged"}
    assert not list(output.folder.glob("research_*"))


def check_state(reader: Reader) -> None:
    """Each bookmark is the time of the last scan."""
    state = reader.state(f"dev:{TAP}-to-{TARGET}")
    assert state["bookmarks"].keys() == {"rapidapi_following", "rapidapi_scans"}
    visits = JSONL(reader.folder / "output").rows("rapidapi_scans")
    for name in LENGTHS:
        last = bookmark(state, "rapidapi", name)
        assert last is not None
        assert datetime.fromisoformat(last) == max(
            row["scanned_at"] for row in visits if row["follower_username"] == name
        )
