"""What a person reads about a run, to the letter."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from sandbox import Fault, Sandbox, World
from tap_tiktok_following.text import HOUR
from tests.harness import FIXTURES, Run, follows_of, many, run, settings
from tests.lives import each_row

VOLATILE = (
    (r"(log_id|request_id) [0-9a-f-]+", r"\1 *"),
    (r"(\n(?:rapidapi|research).*  )\d+ s(?=\n|$)", r"\1* s"),
    (r" {2,}", "  "),
)
"""The sandbox's IDs, how long a run took, and the width of the column that says so."""


def lines_of(ended: Run) -> list[str]:
    """Return the log of the tap without the lines of the SDK; the table is one line."""
    theirs = ("METRIC", "Skipping parse", "Beginning", "Starting")
    found = []
    for entry in re.split(r"\n(?=\d{4}-)", ended.stderr.strip()):
        _, level, _, line = entry.split(" | ", 3)
        for pattern, replacement in VOLATILE:
            line = re.sub(pattern, replacement, line)
        if not line.startswith(theirs):
            found.append(line if level.strip() == "INFO" else f"{level.strip()} {line}")
    return found


def test_run_with_everything_that_there_is_to_say(sandbox: Sandbox, tmp_path: Path) -> None:
    """The committed log has an empty line between two entries."""
    names = ["ann", "ben", "cat", "dan", "eve", "old"]
    lists = {name: follows_of(name, 5) for name in names}
    sandbox.world = World.of(lists, private={"cat", "dan"})
    state = run(settings(sandbox, ["old"], "rapidapi")).state
    sandbox.scenario.faults = [
        Fault("error", username="eve", value=[418, "teapot", "No list of @eve."]),
        Fault("key_missing", username="ann", page=1),
        Fault("wrong_type", username="ben"),
    ]
    path = tmp_path / "usernames.txt"
    path.write_text("a b\n", encoding="utf-8")
    config = settings(sandbox, names, usernames_path=str(path), rescan_after_hours=5)
    ended = run({**config, "concurrency": 1}, state)
    expected = (FIXTURES / "log.txt").read_text(encoding="utf-8").rstrip()
    assert lines_of(ended) == expected.split("\n\n")


def test_stored_responses_are_in_the_plan_and_in_the_table(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    sandbox.world = World.of({"ann": follows_of("ann", 3), "ben": follows_of("ben", 3)})
    more = {"responses_path": str(tmp_path / "responses.db"), "shard": "1/1"}
    run(settings(sandbox, ["ann"], "rapidapi", **more))
    plan, cost, table, *_ = lines_of(
        run(settings(sandbox, ["ann", "ben"], "rapidapi", **more))
    )
    assert plan == (
        "rapidapi_following: 2 usernames of shard 1/1: 1 new, 0 known, 0 unfinished, "
        "1 with stored responses, 0 not due"
    )
    assert cost == "This run takes 1 to 99 requests (0 s)."
    assert table == (
        "Summary:\n"
        "provider  usernames  complete  accounts  sent  stored responses  requests  time\n"
        "rapidapi 1/1  2  2  6  6  1  1  * s"
    )


def test_run_that_is_cut_short_says_what_is_left(sandbox: Sandbox) -> None:
    sandbox.world = World.of({name: follows_of(name, 9) for name in ("ann", "ben", "cat")})
    config = settings(sandbox, ["ann", "ben", "cat"], "rapidapi", page_size=4, concurrency=1)
    first = run({**config, "rapidapi_max_requests": 4})
    *lines, _, last = lines_of(first)
    assert lines == [
        "rapidapi_following: 3 usernames: 3 new, 0 known, 0 unfinished, 0 not due",
        "This run takes 3 to 4 requests (0 s).",
        "rapidapi_following: 1 interrupted (`rapidapi_max_requests` (4) is reached): ben",
        (
            "Summary:\n"
            "provider  usernames  complete  left over  accounts  sent  requests  time\n"
            "rapidapi  3  1  2  13  13  4  * s"
        ),
    ]
    assert last == (
        "WARNING rapidapi_following: `rapidapi_max_requests` (4) is reached: run again; "
        "unfinished lists are read first."
    )
    second = run(config, first.state)
    assert lines_of(second)[:2] == [
        "rapidapi_following: 3 usernames: 1 new, 1 known, 1 unfinished, 0 not due",
        "This run takes 3 to 2,501 requests (0 s to 3 s).",
    ]


def test_failures_are_grouped_by_reason_the_largest_group_first(sandbox: Sandbox) -> None:
    reasons = [*(f"reason {n}" for n in range(6)), *["often"] * 6]
    names = many(len(reasons))
    sandbox.scenario.faults = [
        Fault("error", username=name, value=[418, None, f"{reason} of {name}"])
        for name, reason in zip(names, reasons, strict=True)
    ]
    sandbox.world = World.of({"ann": []})
    order = [*names[:9], "ann", *names[9:]]  # no ten in a row fail
    ended = run(settings(sandbox, order, "research", concurrency=1))
    told = "\n".join(line for line in lines_of(ended) if "failed (" in line or "other" in line)
    assert re.sub(r"research_following: |HTTP 418[^:]*: | \(log_id \*\)", "", told) == (
        "6 failed (often of <username>): user06, user07, user08, user09, user10 and 1 more\n"
        "1 failed (reason 0 of <username>): user00\n"
        "1 failed (reason 1 of <username>): user01\n"
        "1 failed (reason 2 of <username>): user02\n"
        "1 failed (reason 3 of <username>): user03\n"
        "and 2 other reasons, see the scans stream"
    )


ON_LOSS = {"full_scan_on_loss": True}
LOWER, CUT = Fault("total", value=149), Fault("early_end", page=1)
BOTH = "2 lists that lost accounts were read in full"
ONE = "1 list that lost accounts was read in full"
WRONG = (
    "the provider's total of 2 lists was wrong and is ignored until a full scan finds it right"
)

LOSSES = [
    ("two lists", ["ann", "ben"], [(ON_LOSS, None)], BOTH),
    ("one list", ["ann"], [(ON_LOSS, None)], ONE),
    ("only new follows are looked for", ["ann"], [({}, None)], None),
    ("found in the scan before", ["ann"], [({}, None), (ON_LOSS, None)], ONE),
    ("found in the scan before, and doubted", ["ann"], [({}, None), (ON_LOSS, CUT)], None),
    ("totals are wrong", [], [({}, LOWER), (ON_LOSS, LOWER)], WRONG),
    ("totals were wrong", [], [(ON_LOSS, LOWER), ({"full_scan_after_days": 0}, LOWER)], None),
]


@each_row(LOSSES, "lost", "runs", "says")
def test_lists_that_were_read_in_full_because_of_a_loss_are_counted(
    sandbox: Sandbox,
    lost: list[str],
    runs: list[tuple[dict[str, Any], Fault | None]],
    says: str | None,
) -> None:
    names = ["ann", "ben"]
    sandbox.world = World.of({name: follows_of(name, 150, every=HOUR) for name in names})
    config = settings(sandbox, names, "rapidapi")
    ended = run(config)
    for name in lost:
        sandbox.world.unfollow(name, f"{name}.3")
    for more, fault in runs:
        sandbox.clock.advance(HOUR)
        sandbox.scenario.faults = [fault] if fault else []
        ended = run({**config, **more}, ended.state)
    _plan, *lines = lines_of(ended)
    told = [line for line in lines if line.startswith("rapidapi_following: ")]
    assert told == ([f"rapidapi_following: {says}"] if says else [])


@pytest.mark.parametrize(
    ("setting", "value", "says"),
    [
        ("full_scan_on_loss", True, "lists that lost accounts are read in full."),
        ("full_scan_after_days", 0, "every scan reads the whole list."),
        ("full_scan_after_days", 1, "each list is read in full every day."),
        ("full_scan_after_days", 7, "each list is read in full every 7 days."),
    ],
)
def test_end_of_the_run_says_how_unfollows_are_looked_for(
    sandbox: Sandbox, setting: str, value: object, says: str
) -> None:
    sandbox.world = World.of({"ann": []})
    ended = run(settings(sandbox, ["ann"], "research", **{setting: value}))
    assert f"Unfollows are looked for: {says}" in ended.text()
