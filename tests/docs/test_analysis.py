"""Every SQL statement of the documentation, and what it answers to the story of nine days."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from sandbox import World
from tests.dbt.story import HAL, PAIRS, days
from tests.documents import blocks
from tests.warehouse import Tables, Warehouse

LEE = World().accounts["lee"].user_id

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
    "Mutual follows": PAIRS,
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


def readable(value: object) -> object:
    """Return a time as a day of the story, and a reason without the provider's words."""
    return days(re.sub(r"^(HTTP \d+).*", r"\1", value) if isinstance(value, str) else value)


def test_statements_answer(story: Tables, models_sql: Path, warehouse: Warehouse) -> None:
    warehouse.load(story)
    warehouse.ask(models_sql.read_text(encoding="utf-8"))
    answers = {}
    for block in blocks("sql"):
        schema = "tiktok" if block.heading == "Troubleshooting" else "tiktok_following"
        found = warehouse.ask(f"SET search_path = '{schema}'; {block.text}")
        if not block.text.startswith("SET"):
            answers[block.heading] = [tuple(map(readable, row)) for row in found]
    assert answers == ANSWERS
