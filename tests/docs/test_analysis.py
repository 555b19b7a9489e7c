"""Every SQL statement of the documentation, and what it answers to a story of nine days.

ada, bob, cara, dora, jan and eve are read on days 0, 5 and 8, the third time whole. dora is
private on day 0; eve does not exist; jan can't be read any more after day 0; iris is banned
until day 8. On day 2 ada follows finn; on day 3 bob follows lee anew; on day 8 ada no longer
follows gil, and hal has another name. Day 8 was an hour ago.
"""

from __future__ import annotations

import re
import time
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import pytest

from sandbox import Clock, Fault, Follow, Scenario, World
from tap_tiktok_following.text import DAY
from tests import harness
from tests.dbt.project import schemas
from tests.documents import blocks
from tests.warehouse import Warehouse

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from sandbox import Sandbox
    from tests.documents import Block

START = int(time.time()) - 8 * DAY - 60 * 60
USERNAMES = ("ada", "bob", "cara", "dora", "eve", "jan")
HAL = World().accounts["hal"].user_id
LEE = World().accounts["lee"].user_id
TEAPOT = [418, "teapot", "I am a teapot"]
NO_JAN = "HTTP 418, teapot: I am a teapot"
NO_EVE = {
    "research": (
        "HTTP 400, invalid_params: Username <username> is invalid: cannot find the user"
    ),
    "rapidapi": "HTTP 404, NOT_FOUND: The requested resource was not found.",
}
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


# Times are days of the story; a log_id or request_id is cut off.
ANSWERS: dict[str, list[list[Row]]] = {
    "Changes this week": [
        [
            ("followed", "ada", "finn", 0, 5),
            ("followed again", "bob", "lee", -10, 5),
            ("no longer listed", "bob", "lee", 0, 5),
            ("no longer listed", "ada", "gil", 0, 8),
            ("listed again", "ada", "iris", 0, 8),
        ]
    ],
    "No longer listed": [[("ada", "gil", 0, 8)]],
    "Mutual follows": [
        [
            ("ada", "bob", "mutual"),
            ("ada", "cara", "one way"),
            ("ada", "dora", "mutual"),
            ("ada", "eve", "unknown"),
            ("ada", "jan", "one way"),
        ]
    ],
    "Followed again": [both(("bob", LEE, 1, 0, 0, 5), ("bob", LEE, 2, 5, 8, None))],
    "Renamed accounts": [[(HAL, "hal"), (HAL, "hal.now")]],
    "Private usernames that came back": [both(("dora", 0, 5))],
    "Who has not been read lately": [
        [
            ("rapidapi", "eve", None, "not_found", NO_EVE["rapidapi"]),
            ("rapidapi", "jan", 0, "failed", NO_JAN),
            ("research", "eve", None, "not_found", NO_EVE["research"]),
            ("research", "jan", 0, "failed", NO_JAN),
        ]
    ],
    "Troubleshooting": [
        [
            (8, "eve", "not_found", NO_EVE["research"]),
            (8, "jan", "failed", NO_JAN),
            (5, "eve", "not_found", NO_EVE["research"]),
            (5, "jan", "failed", NO_JAN),
            (0, "dora", "private", "HTTP 400, invalid_params: Username <username> is private"),
            (0, "eve", "not_found", NO_EVE["research"]),
        ]
    ],
}
"""What the statements under a heading answer, in their order, those that answer anything."""


@dataclass
class Story:
    """The warehouse and the state after the story; the sandbox stands where it ended."""

    sandbox: Sandbox
    models_sql: Path
    warehouse: Warehouse = field(default_factory=Warehouse)
    state: dict[str, Any] = field(default_factory=dict)

    def build(self) -> None:
        """Make the models, as those without dbt do."""
        self.warehouse.ask(self.models_sql.read_text(encoding="utf-8"))

    def scan(self, usernames: Sequence[str] = USERNAMES, **more: Any) -> harness.Run:
        config = harness.settings(
            self.sandbox, usernames, page_size=2, on_username_failure="continue", **more
        )
        run = harness.run(config, self.state)
        assert run.exit_code == 0
        self.warehouse.load([*schemas(), *(m for m in run.messages if m["type"] == "RECORD")])
        self.state = run.state
        return run


@pytest.fixture
def story(sandbox: Sandbox, models_sql: Path) -> Story:
    sandbox.clock = Clock(START)
    sandbox.world = world = World.of(
        {
            name: [Follow(followed, START - days * DAY) for followed, days in made.items()]
            for name, made in MADE_DAYS_BEFORE.items()
        },
        private={"dora"},
    )
    world.hide("iris")
    story = Story(sandbox, models_sql)
    story.scan()

    world.private.clear()
    world.follow("ada", "finn", at=START + 2 * DAY)
    world.unfollow("bob", "lee")
    world.follow("bob", "lee", at=START + 3 * DAY)
    sandbox.scenario = Scenario(faults=[Fault("error", username="jan", value=TEAPOT)])
    sandbox.clock.advance(5 * DAY)
    story.scan()

    world.show("iris")
    world.unfollow("ada", "gil")
    world.rename("hal", "hal.now")
    sandbox.clock.advance(3 * DAY)
    story.scan(full_scan_after_days=1)
    return story


def statements() -> Iterator[tuple[Block, str]]:
    """The SQL statements of the documentation."""
    for block in blocks("sql"):
        for statement in block.text.split(";"):
            if statement.strip():
                yield block, statement.strip()


def readable(value: object) -> object:
    if isinstance(value, datetime):
        seconds = value.replace(tzinfo=timezone.utc).timestamp()
        return round((seconds - START) / DAY, 2)
    return (
        re.sub(r" \((log|request)_id \S+\)$", "", value) if isinstance(value, str) else value
    )


def test_statements_answer(story: Story) -> None:
    answers: defaultdict[str, list[list[Row]]] = defaultdict(list)
    story.build()
    for block, statement in statements():
        in_tiktok = block.heading == "Troubleshooting"
        story.warehouse.ask(
            f"SET search_path = '{'tiktok' if in_tiktok else 'tiktok_following'}'"
        )
        rows = story.warehouse.ask(statement)
        if statement.startswith(("SELECT", "WITH")):
            answers[block.heading].append([tuple(map(readable, row)) for row in rows])
    assert answers == ANSWERS
