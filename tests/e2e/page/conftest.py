"""One browser, and pages of what the tap made of small worlds."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from sandbox import Clock, Follow, Sandbox, World
from tests import harness
from tests.e2e.page.browser import chromium
from tests.harness import DAY, NOW
from tests.scripts import run_script
from tests.warehouse import ELSEWHERE, Warehouse, gather, schemas

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
SECRET = "not-for-the-page"

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
    """A page, the models that it was made of, and what the script printed."""

    html: Path
    warehouse: Warehouse
    printed: str

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query on the models."""
        schema = self.warehouse.models_schema
        return self.warehouse.ask(f"SET search_path = '{schema}'; {query}")


def load(warehouse: Warehouse, models: Path, runs: list[harness.Run]) -> None:
    """Load runs into a warehouse, and make the models."""
    messages = (message for run in runs for message in run.messages)
    warehouse.load(gather([*schemas(), *messages]))
    warehouse.build(models)


def build(folder: Path, models: Path, runs: list[harness.Run], *options: str) -> Built:
    """Write the page of runs that are loaded into a new DuckDB file."""
    warehouse = Warehouse(str(folder / "warehouse.duckdb"))
    load(warehouse, models, runs)
    return page_of(warehouse, folder / "page.html", *options)


def page_of(warehouse: Warehouse, html: Path, *options: str) -> Built:
    """Write the page of a warehouse."""
    printed = write_page(warehouse.address, "--output", str(html), *options)
    return Built(html, warehouse, printed)


def write_page(
    *arguments: str, code: int = 0, variables: Mapping[str, str] | None = None
) -> str:
    """Run the script, which has to end with this code, and return what it printed."""
    script, variables = "examples/report/report.py", {"TZ": ELSEWHERE, **(variables or {})}
    return run_script(script, *arguments, code=code, variables=variables)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


def world_of(lists: Mapping[str, list[str]], private: set[str]) -> World:
    follows = {
        name: [
            Follow(followed, NOW - (30 + 16 * n // 5) * DAY)
            for n, followed in enumerate(follows)
        ]
        for name, follows in lists.items()
    }
    return World.of(follows, private=private)


def scan(sandbox: Sandbox, runs: list[harness.Run]) -> list[harness.Run]:
    """Read all lists in full once more, and return the runs."""
    config = harness.settings(sandbox, NAMES, full_scan_after_days=0)
    run = harness.run(config, runs[-1].state if runs else None)
    assert run.exit_code == 0, run.stderr
    return [*runs, run]


@pytest.fixture(scope="session")
def runs() -> list[harness.Run]:
    """Three runs, 20 and 3 days apart, with changes of every kind between them."""
    world = world_of(LISTS, {"pam"})
    for number, name in enumerate(HOSTILE):
        username = f"ann.{number}"
        world.accounts[username] = replace(world.accounts[username], display_name=name)
    world.accounts["ann"] = replace(world.accounts["ann"], display_name=HOSTILE[0])
    with Sandbox(world, clock=Clock(NOW)) as sandbox:
        runs = scan(sandbox, [])
        sandbox.clock.advance(20 * DAY)
        world.unfollow("ann", "ann.0")
        world.unfollow("ben", "hal")
        world.follow("dan", "new", at=NOW + 18 * DAY)
        runs = scan(sandbox, runs)
        sandbox.clock.advance(3 * DAY)
        world.follow("ben", "hal", at=NOW + 22 * DAY)
        for name in ("ann", "ben", "eve"):
            world.follow(name, "hit", at=NOW + 22 * DAY + 60)
        for number in range(20):
            world.follow("eve", f"eve.{number}", at=NOW + 22 * DAY + 100 + number)
        for number in (1, 2, 3, 6):
            world.unfollow("ann", f"ann.{number}")
        return scan(sandbox, runs)


@pytest.fixture(scope="session")
def built(
    runs: list[harness.Run], models_sql: Path, tmp_path_factory: pytest.TempPathFactory
) -> Built:
    folder = tmp_path_factory.mktemp("page")
    usernames, settings = folder / "usernames.csv", folder / "settings.json"
    usernames.write_text(USERNAMES_CSV, "utf-8")
    named = {
        "usernames_path": str(usernames),
        "full_scan_after_days": 7,
        "rapidapi_key": SECRET,
    }
    settings.write_text(json.dumps(named), "utf-8")
    return build(folder, models_sql, runs, "--settings", str(settings))
