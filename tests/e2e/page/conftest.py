"""One browser, and warehouses with what the tap made of small worlds."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from sandbox import Clock, Follow, Sandbox, World
from tap_tiktok_following.text import DAY
from tests import harness
from tests.dbt.project import schemas
from tests.documents import ROOT
from tests.e2e.page.browser import chromium
from tests.harness import NOW
from tests.warehouse import Warehouse

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from playwright.sync_api import Browser

REPORT = ROOT / "examples" / "report" / "report.py"

HOSTILE = (
    "</script><script>document.title='!'</script>",
    "\u202egnp.exe",
    "W" * 24,
    "🦊" * 8,
    "{{script}}",
    '"><img src=x>',
    "=cmd|' /C calc'!A0",
)
"""Profile names."""

LONG_NAME = "m" * 24

LISTS = {
    "ann": ["ben", "cat", "hal", *(f"ann.{n}" for n in range(130))],
    "ben": ["ann", "cat", "hal"],
    "cat": ["ann", "ben", "hal", LONG_NAME],
    "dan": ["ann", "hal"],
    LONG_NAME: ["cat"],
    "eve": ["hal"],
}
NAMES = (*LISTS, "pam", "nobody")
"""`pam` is private, and `nobody` does not exist."""

USERNAMES_CSV = """\
username,party
@Ann,green
ben,green
https://www.tiktok.com/@cat,red
dan,red
mmmmmmmmmmmmmmmmmmmmmmmm,
eve,
pam,red
nobody,
never.scanned,green
"""


@dataclass
class Built:
    """A page, and what it was made of.

    Attributes:
        html: The page.
        warehouse: The DuckDB file with the models.
        printed: What the script printed.
    """

    html: Path
    warehouse: Path
    printed: str

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query on the models."""
        with duckdb.connect(self.warehouse, read_only=True) as connection:
            connection.execute("SET schema = 'tiktok_following'")
            return connection.execute(query).fetchall()


@dataclass
class Builder:
    """Makes warehouses and pages in a folder.

    Attributes:
        folder: The folder.
        models: The dbt models as plain SQL.
    """

    folder: Path
    models: Path
    built: int = field(default=0, init=False)

    def warehouse(self, *runs: harness.Run) -> Path:
        """Load runs into a new DuckDB file and build the models."""
        self.built += 1
        path = self.folder / f"{self.built}.duckdb"
        warehouse = Warehouse(path)
        warehouse.load(schemas())
        for run in runs:
            warehouse.load(run.messages)
        warehouse.connection.execute(self.models.read_text("utf-8"))
        warehouse.connection.close()
        return path

    def page(self, warehouse: Path, *options: str) -> Built:
        """Write the page of a warehouse."""
        html = warehouse.with_suffix(".html")
        schema = ("--schema", "tiktok_following")
        printed = write_page(str(warehouse), *schema, "--output", str(html), *options)
        return Built(html, warehouse, printed)


def write_page(
    *arguments: str, code: int = 0, variables: Mapping[str, str] | None = None
) -> str:
    """Run the script, which has to end with this code, and return what it printed."""
    ended = subprocess.run(
        [sys.executable, str(REPORT), *arguments],
        check=False,
        capture_output=True,
        encoding="utf-8",
        env=harness.environment(TZ="Asia/Kolkata", **(variables or {})),
    )
    assert ended.returncode == code, ended.stderr
    return ended.stderr if code else ended.stdout


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
def builder(tmp_path_factory: pytest.TempPathFactory, models_sql: Path) -> Builder:
    return Builder(tmp_path_factory.mktemp("pages"), models_sql)


@pytest.fixture(scope="session")
def runs() -> list[harness.Run]:
    """Three runs, 20 and 3 days apart, with changes of every kind between them."""
    world = World.of(
        {
            name: [
                Follow(followed, NOW - (30 + n) * DAY) for n, followed in enumerate(follows)
            ]
            for name, follows in LISTS.items()
        },
        private={"pam"},
    )
    for number, name in enumerate(HOSTILE):
        username = f"ann.{number}"
        world.accounts[username] = replace(world.accounts[username], display_name=name)
    world.accounts["ann"] = replace(world.accounts["ann"], display_name=HOSTILE[0])
    with Sandbox(world, clock=Clock(NOW)) as sandbox:
        runs = [scan(sandbox)]
        sandbox.clock.advance(20 * DAY)
        world.unfollow("ann", "ann.0")
        world.unfollow("ben", "hal")
        world.follow("dan", "new", at=NOW + 18 * DAY)
        runs.append(scan(sandbox, runs[-1].state))
        sandbox.clock.advance(3 * DAY)
        world.follow("ben", "hal", at=NOW + 22 * DAY)
        for name in ("ann", "ben", "eve"):
            world.follow(name, "hit", at=NOW + 22 * DAY + 60)
        for number in range(20):
            world.follow("eve", f"eve.{number}", at=NOW + 22 * DAY + 100 + number)
        for number in range(1, 4):
            world.unfollow("ann", f"ann.{number}")
        runs.append(scan(sandbox, runs[-1].state))
    return runs


def scan(
    sandbox: Sandbox,
    state: Mapping[str, Any] | None = None,
    provider: str | None = None,
    **settings: Any,
) -> harness.Run:
    """Read all lists in full."""
    config = harness.settings(sandbox, NAMES, provider, full_scan_after_days=0, **settings)
    run = harness.run(config, state)
    assert run.exit_code == 0, run.stderr
    return run


@pytest.fixture(scope="session")
def built(builder: Builder, runs: list[harness.Run], tmp_path_factory: Any) -> Built:
    usernames = tmp_path_factory.mktemp("usernames") / "usernames.csv"
    usernames.write_text(USERNAMES_CSV, "utf-8")
    return builder.page(builder.warehouse(*runs), "--usernames", str(usernames))
