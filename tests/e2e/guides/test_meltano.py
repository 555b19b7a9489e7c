"""From an empty Meltano project to rows in PostgreSQL and a state, as the README says."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from sandbox import World
from tests.documents import section_of
from tests.e2e.airflow.engine import free_port
from tests.e2e.postgres import serve_or_skip
from tests.e2e.processes import needs_shell
from tests.e2e.reader import Reader
from tests.e2e.targets import ROOT
from tests.e2e.warehouses import in_utc
from tests.harness import DAY, NOW, follows_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sandbox import Sandbox
    from tests.e2e.lists import Row
    from tests.e2e.postgres import Postgres

pytestmark = needs_shell

TAP = "tap-tiktok-following"
LENGTHS = {"charlidamelio": 250, "khaby.lame": 1}
URL = f"https://raw.githubusercontent.com/{TAP}/{TAP}/v0.2.0/{TAP}.yml"
ADD, TARGET, ROLE, CONFIGURE, RUN = section_of("README.md", "With Meltano")


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    """Return a server in another time zone, with the role of the README."""
    for server in serve_or_skip(free_port()):
        server.execute("CREATE DATABASE warehouse")
        server.execute("CREATE ROLE tiktok_loader LOGIN")
        server.execute("GRANT CREATE ON DATABASE warehouse TO tiktok_loader")
        server.execute(ROLE.text)
        yield server


def make_reader(sandbox: Sandbox, postgres: Postgres, wheel: Path, folder: Path) -> Reader:
    """Return a reader with an empty project; the tap comes from this checkout."""
    definition = yaml.safe_load((ROOT / f"{TAP}.yml").read_text(encoding="utf-8"))
    path = folder / f"{TAP}.yml"
    path.write_text(yaml.safe_dump(definition | {"pip_url": str(wheel)}), encoding="utf-8")
    stand_ins = {
        URL: path,
        "YOUR_KEY": sandbox.config["rapidapi_key"],
        "localhost": "127.0.0.1",
        "5432": postgres.port,
    }
    (folder / "project").mkdir()
    url = {"TAP_TIKTOK_FOLLOWING_RAPIDAPI_API_URL": sandbox.url}
    reader = Reader(folder / "project", url, stand_ins)
    reader.type("meltano", "init", ".")
    return reader


def paste_target(reader: Reader) -> None:
    """Add the target to the project, as the README says."""
    path = reader.folder / "meltano.yml"
    project: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    project["plugins"] |= yaml.safe_load(reader.here(TARGET.text))["plugins"]
    path.write_text(yaml.safe_dump(project), encoding="utf-8")


def test_empty_project_has_every_follow_once(
    sandbox: Sandbox, postgres: Postgres, wheel: Path, tmp_path: Path
) -> None:
    reader = make_reader(sandbox, postgres, wheel, tmp_path)
    sandbox.world = World.of(
        {name: follows_of(name, n, every=3600) for name, n in LENGTHS.items()}
    )
    reader.follow([ADD])
    paste_target(reader)
    reader.follow([CONFIGURE, RUN])
    assert Counter(requests(sandbox)) == {
        ("rapidapi", "charlidamelio"): 1 + 3,  # of which one is Meltano's test
        ("rapidapi", "khaby.lame"): 1,
    }
    check_follows(postgres, sandbox)

    sandbox.clock.advance(DAY)
    reader.environment["TAP_TIKTOK_FOLLOWING_RESCAN_AFTER_HOURS"] = "0"  # as a day later
    sandbox.world.follow("khaby.lame", "new", at=NOW + DAY // 2)
    sandbox.take_requests()
    reader.type("meltano", "run", TAP, "target-postgres")
    assert Counter(requests(sandbox)) == {("rapidapi", name): 1 for name in LENGTHS}
    check_follows(postgres, sandbox)
    scans = Counter(
        (row["follower_username"], round((row["scanned_at"].timestamp() - NOW) / DAY, 2))
        for row in rows_of(postgres, "rapidapi_scans")
    )
    assert scans == {(name, day): 1 for name in LENGTHS for day in (0, 1)}


def requests(sandbox: Sandbox) -> list[tuple[str, str | None]]:
    return [(request.provider, request.username) for request in sandbox.requests]


def rows_of(postgres: Postgres, stream: str) -> list[Row]:
    return [in_utc(row) for row in postgres.rows(f"tiktok.{stream}", "warehouse")]


def check_follows(postgres: Postgres, sandbox: Sandbox) -> None:
    """Every follow is there once."""
    rows = rows_of(postgres, "rapidapi_following")
    assert Counter((row["follower_username"], row["username"]) for row in rows) == Counter(
        (name, follow.username) for name in LENGTHS for follow in sandbox.world.truth(name)
    )
