"""A story of nine days, told by runs of the tap on days 0, 5 and 8.

ada, bob, cara, dora, jan and eve are read, the third time whole. dora is private on day 0; eve
does not exist; jan can't be read any more after day 0; iris is banned until day 8. kit has a
long list, which a budget cuts in the first run and the second completes. On day 2 ada follows
finn; on day 3 bob follows lee anew; on day 8 ada no longer follows gil, and hal has another
name. Day 8 was an hour ago.
"""

from __future__ import annotations

import time
from datetime import datetime, timezone
from typing import Any

from sandbox import Clock, Fault, Follow, Sandbox, Scenario, World
from tap_tiktok_following.text import DAY
from tests import harness
from tests.warehouse import Tables, gather, schemas

START = int(time.time()) - 8 * DAY - 60 * 60
USERNAMES = ("ada", "bob", "cara", "dora", "eve", "jan", "kit")
HAL = World().accounts["hal"].user_id
MADE_DAYS_BEFORE = {
    "ada": {"bob": 10, "cara": 20, "dora": 30, "eve": 35, "gil": 40, "hal": 50, "iris": 60},
    "bob": {"ada": 10, "kim": 100, "lee": 110, "mia": 120},
    "cara": {},
    "dora": {"ada": 1},
    "jan": {"ada": 1},
    "kit": {f"kit.{number}": 10 * number for number in range(1, 8)},
}

LISTS = sorted(
    [
        ("ada", "finn", True),
        ("ada", "gil", False),
        ("ada", "hal.now", True),
        *(
            (follower, followed, True)
            for follower, made in MADE_DAYS_BEFORE.items()
            for followed in made.keys() - {"gil", "hal"}
        ),
    ],
    key=str,
)
"""Who was followed whenever anybody looked, and whether so at the end."""

PAIRS = [
    ("ada", "bob", "mutual"),
    ("ada", "cara", "one way"),
    ("ada", "dora", "mutual"),
    ("ada", "eve", "unknown"),
    ("ada", "jan", "one way"),
]

READ = [
    ("ada", 8, 8, "complete", 7),
    ("bob", 8, 8, "complete", 4),
    ("cara", 8, 8, "complete", 0),
    ("dora", 8, 8, "complete", 1),
    ("eve", None, None, "not_found", 0),
    ("jan", 0, 0, "failed", 1),
    ("kit", 8, 8, "complete", 7),
]
"""When each list was last read, and in full, how the last scan ended, and who is on it."""

NEXT = ["finn", "hal.now", "iris", "kim", *(f"kit.{n}" for n in range(1, 8)), "lee", "mia"]
"""Who is followed and was not visited."""


def tell(sandbox: Sandbox) -> Tables:
    """Let it happen, and return what a warehouse holds then."""
    sandbox.clock = Clock(START)
    sandbox.world = world = World.of(
        {
            name: [Follow(followed, START - days * DAY) for followed, days in made.items()]
            for name, made in MADE_DAYS_BEFORE.items()
        },
        private={"dora"},
    )
    world.hide("iris")
    tables = gather(schemas())
    budget = {f"{provider}_max_requests": 10 for provider in harness.PROVIDERS}
    state = _scan(sandbox, tables, {}, **budget)
    state = _scan(sandbox, tables, state)

    world.private.clear()
    world.follow("ada", "finn", at=START + 2 * DAY)
    world.unfollow("bob", "lee")
    world.follow("bob", "lee", at=START + 3 * DAY)
    fault = Fault("error", username="jan", value=[418, "teapot", "I am a teapot"])
    sandbox.scenario = Scenario(faults=[fault])
    sandbox.clock.advance(5 * DAY)
    state = _scan(sandbox, tables, state)

    world.show("iris")
    world.unfollow("ada", "gil")
    world.rename("hal", "hal.now")
    sandbox.clock.advance(3 * DAY)
    _scan(sandbox, tables, state, full_scan_after_days=1)
    return tables


def _scan(sandbox: Sandbox, tables: Tables, state: Any, **more: Any) -> Any:
    config = harness.settings(
        sandbox,
        USERNAMES,
        page_size=2,
        concurrency=1,
        on_username_failure="continue",
        **more,
    )
    run = harness.run(config, state)
    assert run.exit_code == 0, run.stderr
    gather(run.messages, tables)
    return run.state


def days(value: Any) -> Any:
    """Return a time of the story as days since it began; anything else as it is."""
    if not isinstance(value, datetime):
        return value
    seconds = value.replace(tzinfo=timezone.utc).timestamp()
    return round((seconds - START) / DAY, 2)
