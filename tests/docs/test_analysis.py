"""Every SQL statement of the documentation, and what it answers to a story of nine days.

ada, bob, cara, dora, eve and jan are read on days 0, 5 and 8, the third time whole. dora is
private on day 0; eve does not exist; jan can't be read any more after day 0; iris is banned
until day 8. On day 2 ada follows finn; on day 3 bob follows lee anew; on day 8 ada no longer
follows gil, and hal has another name. Day 8 was an hour ago.
"""

from __future__ import annotations

import re
import time
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import pytest

from sandbox import Clock, Fault, Follow, World
from tests.dbt.project import schemas
from tests.documents import blocks
from tests.harness import DAY, run, settings
from tests.warehouse import Warehouse

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox import Sandbox

START = int(time.time()) - 8 * DAY - 60 * 60
HAL = World().accounts["hal"].user_id
LEE = World().accounts["lee"].user_id
MADE_DAYS_BEFORE = {
    "ada": {"bob": 10, "cara": 20, "dora": 30, "eve": 35, "gil": 40, "hal": 50, "iris": 60},
    "bob": {"ada": 10, "kim": 100, "lee": 110, "mia": 120},
    "cara": {},
    "dora": {"ada": 1},
    "jan": {"ada": 1},
}

Row = tuple[Any, ...]


def both(*rows: Row) -> list[Row]:
    """The same rows for both providers."""
    return [(provider, *row) for provider in ("rapidapi", "research") for row in rows]


ANSWERS: dict[str, list[Row]] = {
    "Troubleshooting": [
        (8, "eve", "not_found", "HTTP 400"),
        (8, "jan", "failed", "HTTP 418"),
        (5, "eve", "not_found", "HTTP 400"),
        (5, "jan", "failed", "HTTP 418"),
        (0, "dora", "private", "HTTP 400"),
        (0, "eve", "not_found", "HTTP 400"),
    ],
    "Changes this week": [
        ("followed", "ada", "finn", 0, 5),
        ("followed again", "bob", "lee", -10, 5),
        ("no longer listed", "bob", "lee", 0, 5),
        ("no longer listed", "ada", "gil", 0, 8),
        ("listed again", "ada", "iris", 0, 8),
    ],
    "No longer listed": [("ada", "gil", 0, 8)],
    "Mutual follows": [
        ("ada", "bob", "mutual"),
        ("ada", "cara", "one way"),
        ("ada", "dora", "mutual"),
        ("ada", "eve", "unknown"),
        ("ada", "jan", "one way"),
    ],
    "Followed again": both(("bob", LEE, 1, 0, 0, 5), ("bob", LEE, 2, 5, 8, None)),
    "Renamed accounts": [(HAL, "hal"), (HAL, "hal.now")],
    "Private usernames that came back": both(("dora", 0, 5)),
    "Who has not been read lately": [
        ("rapidapi", "eve", None, "not_found", "HTTP 404"),
        ("rapidapi", "jan", 0, "failed", "HTTP 418"),
        ("research", "eve", None, "not_found", "HTTP 400"),
        ("research", "jan", 0, "failed", "HTTP 418"),
    ],
}
"""What the statement under a heading answers. Times are days of the story."""


@pytest.fixture
def warehouse(sandbox: Sandbox, models_sql: Path) -> Warehouse:
    """The tables and models after the story."""
    warehouse = Warehouse()
    state: dict[str, Any] = {}

    def scan(**more: Any) -> None:
        names = [*MADE_DAYS_BEFORE, "eve"]
        config = settings(sandbox, names, page_size=2, on_username_failure="continue", **more)
        ended = run(config, state)
        assert ended.exit_code == 0
        warehouse.load(m for m in ended.messages if m["type"] == "RECORD")
        state.update(ended.state)

    warehouse.load(schemas())
    sandbox.clock = Clock(START)
    sandbox.world = world = World.of(
        {
            name: [Follow(followed, START - days * DAY) for followed, days in made.items()]
            for name, made in MADE_DAYS_BEFORE.items()
        },
        private={"dora"},
    )
    world.hide("iris")
    scan()

    world.private.clear()
    world.follow("ada", "finn", at=START + 2 * DAY)
    world.unfollow("bob", "lee")
    world.follow("bob", "lee", at=START + 3 * DAY)
    refused = Fault("error", username="jan", value=[418, "teapot", "I am a teapot"])
    sandbox.scenario.faults.append(refused)
    sandbox.clock.advance(5 * DAY)
    scan()

    world.show("iris")
    world.unfollow("ada", "gil")
    world.rename("hal", "hal.now")
    sandbox.clock.advance(3 * DAY)
    scan(full_scan_after_days=1)
    warehouse.ask(models_sql.read_text(encoding="utf-8"))
    return warehouse


def readable(value: object) -> object:
    """A time as a day of the story, a reason without the provider's words."""
    if isinstance(value, datetime):
        seconds = value.replace(tzinfo=timezone.utc).timestamp()
        return round((seconds - START) / DAY, 2)
    return re.sub(r"^(HTTP \d+).*", r"\1", value) if isinstance(value, str) else value


def test_statements_answer(warehouse: Warehouse) -> None:
    answers = {}
    for block in blocks("sql"):
        in_tiktok = block.heading == "Troubleshooting"
        schema = "tiktok" if in_tiktok else "tiktok_following"
        warehouse.ask(f"SET search_path = '{schema}'")
        rows = warehouse.ask(block.text)
        if not block.text.startswith("SET"):
            answers[block.heading] = [tuple(map(readable, row)) for row in rows]
    assert answers == ANSWERS
