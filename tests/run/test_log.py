"""What a person reads about a run, to the letter."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sandbox import Fault, Scenario, World
from tests.harness import NOW, follows_of, many, run, settings

if TYPE_CHECKING:
    from sandbox import Sandbox
    from tests.harness import Run

VOLATILE = (
    (re.compile(r"(log_id|request_id) [0-9a-f-]+"), r"\1 *"),
    (re.compile(r"(\n(?:rapidapi|research).*  )\d+ s(?=\n|$)"), r"\1* s"),
    (re.compile(r" {2,}"), "  "),
)
"""The sandbox's IDs, how long a run took, and the width of the column that says so."""

EVERYTHING = Path(__file__).parents[1] / "fixtures" / "log.txt"
"""The log of a run with everything that there is to say, entries apart."""

NOT_LOOKED_FOR = (
    "Unfollows are not looked for: set `full_scan_after_days` to read whole lists again after "
    "a number of days."
)
ALL_READ = "All lists that were due were read: run again for new follows."


def lines_of(ended: Run) -> list[str]:
    """Return the log of the tap without the lines of the SDK; the table is one line."""
    theirs = ("METRIC", "Skipping parse", "Beginning", "Starting")
    found = []
    for entry in re.split(r"\n(?=\d{4}-)", ended.stderr.strip()):
        _, level, _, line = entry.split(" | ", 3)
        for pattern, replacement in VOLATILE:
            line = pattern.sub(replacement, line)
        if not line.startswith(theirs):
            found.append(line if level.strip() == "INFO" else f"{level.strip()} {line}")
    return found


def test_run_with_everything_that_there_is_to_say(sandbox: Sandbox, tmp_path: Path) -> None:
    names = ["ann", "ben", "cat", "dan", "eve", "old"]
    lists = {name: follows_of(name, 5) for name in names}
    sandbox.world = World.of(lists, private={"cat", "dan"})
    state = run(settings(sandbox, ["old"], "rapidapi")).state
    sandbox.scenario = Scenario(
        faults=[
            Fault("error", username="eve", value=[418, "teapot", "No list of @eve."]),
            Fault("key_missing", username="ann", page=1),
            Fault("wrong_type", username="ben"),
        ]
    )
    path = tmp_path / "usernames.txt"
    path.write_text("a b\n", encoding="utf-8")
    more: dict[str, Any] = {
        "usernames_path": str(path),
        "rescan_after_hours": 5,
        "concurrency": 1,
    }
    ended = run(settings(sandbox, names, **more), state)
    assert lines_of(ended) == EVERYTHING.read_text(encoding="utf-8").rstrip().split("\n\n")
    check_sums(ended)


def check_sums(ended: Run) -> None:
    """The figures of usernames in the table add up to the first one."""
    [table] = [line for line in lines_of(ended) if line.startswith("Summary:")]
    _, header, *rows = [re.split(" {2,}", line) for line in table.splitlines()]
    for row in rows:
        first, *others = map(int, row[1 : header.index("accounts")])
        assert first == sum(others)


def test_run_of_one_of_each_is_in_the_singular(sandbox: Sandbox) -> None:
    sandbox.world = World.of({"ann": follows_of("ann", 1)})
    config = settings(sandbox, ["ann"], "rapidapi")
    first = run({**config, "rapidapi_max_requests": 1})
    assert lines_of(first) == [
        "rapidapi_following: 1 username: 1 new, 0 known, 0 unfinished, 0 not due",
        "This run takes 1 request (0 s to 0 s).",
        (
            "Summary:\n"
            "provider  usernames  complete  accounts  sent  requests  time\n"
            "rapidapi  1  1  1  1  1  * s"
        ),
        NOT_LOOKED_FOR,
        ALL_READ,
    ]


def test_run_in_which_nothing_is_due_says_when_the_next_list_is(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "time", lambda: float(NOW))
    sandbox.world = World.of({"ann": follows_of("ann", 1)})
    config = settings(sandbox, ["ann"], "rapidapi", rescan_after_hours=2)
    assert lines_of(run(config, run(config).state)) == [
        "rapidapi_following: 1 username: 0 new, 0 known, 0 unfinished, 1 not due",
        "This run takes 0 requests (0 s to 0 s).",
        "rapidapi_following: no list is due; the next one is at 2023-11-16 04:00 UTC",
        (
            "Summary:\n"
            "provider  usernames  not due  accounts  requests  time\n"
            "rapidapi  1  1  0  0  * s"
        ),
        NOT_LOOKED_FOR,
        ALL_READ,
    ]


def test_stored_responses_are_in_the_plan_and_in_the_table(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    sandbox.world = World.of({"ann": follows_of("ann", 3), "ben": follows_of("ben", 3)})
    path = str(tmp_path / "responses.db")
    run(settings(sandbox, ["ann"], "rapidapi", responses_path=path))
    config = settings(sandbox, ["ann", "ben"], "rapidapi", responses_path=path, shard="1/1")
    lines = lines_of(run(config))
    assert lines[0] == (
        "rapidapi_following: 2 usernames of shard 1/1: 1 new, 0 known, 0 unfinished, "
        "1 with stored responses, 0 not due"
    )
    assert lines[2] == (
        "Summary:\n"
        "provider  usernames  complete  accounts  sent  stored responses  requests  time\n"
        "rapidapi 1/1  2  2  6  6  1  1  * s"
    )


def test_run_that_is_cut_short_says_what_is_left(sandbox: Sandbox) -> None:
    sandbox.world = World.of({name: follows_of(name, 9) for name in ("ann", "ben", "cat")})
    config = settings(sandbox, ["ann", "ben", "cat"], "rapidapi", page_size=4, concurrency=1)
    first = run({**config, "rapidapi_max_requests": 4})
    assert lines_of(first) == [
        "rapidapi_following: 3 usernames: 3 new, 0 known, 0 unfinished, 0 not due",
        "This run takes 3 to 4 requests (0 s to 0 s).",
        "rapidapi_following: 1 interrupted (`rapidapi_max_requests` (4) is reached): ben",
        (
            "Summary:\n"
            "provider  usernames  complete  left over  accounts  sent  requests  time\n"
            "rapidapi  3  1  2  13  13  4  * s"
        ),
        NOT_LOOKED_FOR,
        (
            "WARNING rapidapi_following: `rapidapi_max_requests` (4) is reached: run again; "
            "unfinished lists are read first."
        ),
    ]
    check_sums(first)
    second = run(config, first.state)
    assert lines_of(second)[0] == (
        "rapidapi_following: 3 usernames: 1 new, 1 known, 1 unfinished, 0 not due"
    )


def test_failures_are_grouped_by_reason_the_largest_group_first(sandbox: Sandbox) -> None:
    names = many(19)
    reasons = ["first"] * 8 + ["second"] * 5 + [f"reason {n}" for n in range(5)]
    sandbox.scenario = Scenario(
        faults=[
            Fault("error", username=name, value=[418, None, f"{reason} of {name}"])
            for name, reason in zip(names, reasons, strict=False)
        ]
    )
    sandbox.world = World.of({"user18": []})
    # A list that is read is between any ten that fail.
    order = [*names[:9], "user18", *names[9:18]]
    ended = run(settings(sandbox, order, "research", concurrency=1, max_tries=1))
    groups = [line.split(": ", 1)[1] for line in lines_of(ended) if " failed (" in line]
    others = [line for line in lines_of(ended) if "other reason" in line]
    told = [re.sub(r"HTTP 418[^:]*: | \(log_id \*\)", "", group) for group in groups]
    assert told == [
        "8 failed (first of <username>): user00, user01, user02, user03, user04 and 3 more",
        "5 failed (second of <username>): user08, user09, user10, user11, user12",
        *(f"1 failed (reason {n} of <username>): user{13 + n}" for n in range(3)),
    ]
    assert others == ["research_following: and 2 other reasons, see the scans stream"]


def test_lists_that_were_read_again_after_a_loss_are_counted(sandbox: Sandbox) -> None:
    names = ["ann", "ben"]
    sandbox.world = World.of({name: follows_of(name, 150, every=3600) for name in names})
    config = settings(sandbox, names, "rapidapi", full_scan_on_loss=True)
    state = run(config).state
    told = []
    for name, place in (("ann", 140), ("ben", 3), ("ann", 4)):
        sandbox.world.unfollow(name, f"{name}.{place}")
        if place == 3:
            sandbox.world.unfollow("ann", "ann.2")
        sandbox.clock.advance(3600)
        ended = run(config, state)
        state = ended.state
        told += [line for line in lines_of(ended) if "re-read" in line]
    was, were = "list was re-read in full", "lists were re-read in full"
    assert told == [
        f"rapidapi_following: 1 {was} because accounts disappeared",
        f"rapidapi_following: 2 {were} because accounts disappeared",
        f"rapidapi_following: 1 {was} because accounts disappeared",
    ]


@pytest.mark.parametrize(
    ("days", "sentence"),
    [
        (None, NOT_LOOKED_FOR),
        (0, "Unfollows are looked for: every scan reads the whole list."),
        (1, "Unfollows are looked for: each list is read in full every day."),
        (7, "Unfollows are looked for: each list is read in full every 7 days."),
    ],
)
def test_end_of_the_run_says_whether_unfollows_are_looked_for(
    sandbox: Sandbox, days: int | None, sentence: str
) -> None:
    sandbox.world = World.of({"ann": []})
    ended = run(settings(sandbox, ["ann"], "research", full_scan_after_days=days))
    assert lines_of(ended)[-2:] == [sentence, ALL_READ]


def test_run_that_only_skips_warns(sandbox: Sandbox) -> None:
    sandbox.world = World.of({}, private={"ann", "ben"})
    for names, subject in (
        (["ann"], "the only username was"),
        (["ann", "ben"], "all 2 usernames were"),
    ):
        ended = run(settings(sandbox, names, "research"))
        warning = f"WARNING research_following: nothing was read: {subject} skipped; check the"
        assert f"{warning} usernames and the provider's URL" in lines_of(ended)
