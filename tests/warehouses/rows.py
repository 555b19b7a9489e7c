"""The tap's tables that every warehouse gets: a story, and worlds in which much happens."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from random import Random
from typing import Any

from sandbox import Sandbox
from tests.dbt.history import History
from tests.harness import emptied
from tests.warehouse import Tables, gather, type_of

WORLDS = 40
KINDS = {"string": "text", "integer": "integer", "boolean": "boolean"}


def tables(sandbox: Sandbox, story: Tables) -> dict[str, Any]:
    """Return by table the types of its columns, and its rows."""
    told = deepcopy(story)
    for seed in range(WORLDS):
        gather(_world(emptied(sandbox), seed), told)
    return dict(_plain(told))


def _world(sandbox: Sandbox, seed: int) -> Iterator[dict[str, Any]]:
    """What the tap sends of a world whose names no other world has."""
    history, random = History(sandbox), Random(seed)  # noqa: S311
    history.live(random, random.randint(5, 30))
    for message in history.messages:
        record = message["record"]
        for name in ("follower_username", "username", "user_id"):
            if record.get(name):
                record[name] += f"{seed:03}"
        yield message


def _plain(told: Tables) -> Iterator[tuple[str, Any]]:
    for stream, (message, rows) in told.items():
        properties = message["schema"]["properties"]
        types = {
            name: "time" if schema.get("format") else KINDS[type_of(schema)]
            for name, schema in properties.items()
        }
        values = [[row.get(name) for name in types] for row in rows.values()]
        yield stream, {"types": types, "rows": values}
