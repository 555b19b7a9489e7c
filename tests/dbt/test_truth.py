"""Whatever happens between the runs of the tap, no answer of the models is wrong."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from sandbox import Fault, Sandbox, Scenario
from tap_tiktok_following.text import in_utc
from tests.dbt.history import FOREVER, OTHERS, History, seconds
from tests.harness import DAY
from tests.warehouse import Row, Warehouse, gather, schemas


def test_lost_warehouse_makes_no_news(
    sandbox: Sandbox, models_sql: Path, warehouse: Warehouse
) -> None:
    """The state was kept: of the whole list after it, only what is new for sure is news."""
    history = History(sandbox)
    history.scan()
    history.lose_the_warehouse()
    sandbox.clock.advance(DAY)
    new = ("gus", "hal", "ivo")
    for name in new:
        history.follow("ada", name)
    sandbox.clock.advance(10 * DAY)
    history.scan(whole=True)
    build(warehouse, history, models_sql)
    assert {row["username"] for row in warehouse.model("edges")} == {*OTHERS, *new}
    assert {row["username"] for row in warehouse.model("follow_events")} <= {*new}
    check(history, warehouse)


def test_follow_made_again_is_so_even_if_it_is_shown_late(
    sandbox: Sandbox, models_sql: Path, warehouse: Warehouse
) -> None:
    """The scan in between does not send the account, because it was on the list before."""
    history = History(sandbox)
    for name in ("gus", "hal", "ivo", "jan"):
        sandbox.clock.advance(60)
        history.follow("ada", name)
    history.scan()
    sandbox.clock.advance(60)
    history.unfollow("ada", "gus")
    for name in ("gus", "kim", "lee"):
        sandbox.clock.advance(60)
        history.follow("ada", name)
    history.scan()
    sandbox.clock.advance(2 * DAY)
    history.scan(whole=True)
    build(warehouse, history, models_sql)
    again = [("gus", "followed again"), ("gus", "no longer listed")]
    assert changes(warehouse) == [*again, ("kim", "followed"), ("lee", "followed")]
    check(history, warehouse)


@pytest.mark.parametrize(
    ("empty", "new"),
    [((1,), ("gus",)), ((2, 3), ("gus", "hal", "ivo")), ((), ("gus", "hal", "ivo"))],
    ids=["newest page is empty", "other pages are empty", "start_date is later"],
)
def test_follow_that_a_scan_left_out_is_not_older(
    sandbox: Sandbox,
    models_sql: Path,
    warehouse: Warehouse,
    empty: tuple[int, ...],
    new: tuple[str, ...],
) -> None:
    history = History(sandbox)
    sandbox.clock.advance(DAY)
    history.scan()
    sandbox.clock.advance(DAY)
    for name in new:
        sandbox.clock.advance(60)
        history.follow("ada", name)
    sandbox.clock.advance(DAY)
    if empty:
        faults = [Fault("empty_page", username="ada", page=page) for page in empty]
        sandbox.scenario = Scenario(faults=faults)
        history.scan()
        sandbox.scenario = Scenario()
    else:
        start_date = in_utc(int(sandbox.clock.now()))
        history.scan(start_date=start_date)
        sandbox.clock.advance(DAY)
        history.scan(start_date=start_date)
    sandbox.clock.advance(DAY)
    history.scan(whole=True)
    build(warehouse, history, models_sql)
    assert changes(warehouse) == [(name, "followed") for name in new]
    check(history, warehouse)


@settings(
    max_examples=8,
    deadline=None,
    phases=[Phase.generate],  # an example of a broken rule is short enough
    suppress_health_check=list(HealthCheck),
)
@given(random=st.randoms(use_true_random=False), steps=st.integers(5, 30))
def test_no_answer_is_wrong(
    sandbox: Sandbox, models_sql: Path, warehouse: Warehouse, random: Random, steps: int
) -> None:
    history = History(sandbox)
    history.live(random, steps)
    build(warehouse, history, models_sql)
    check(history, warehouse)


def build(warehouse: Warehouse, history: History, models_sql: Path) -> None:
    warehouse.load(gather([*schemas(), *history.messages]))
    warehouse.build(models_sql)


def changes(warehouse: Warehouse) -> list[tuple[str, str]]:
    """Return username and kind of each change, in order."""
    return sorted((row["username"], row["kind"]) for row in warehouse.model("follow_changes"))


def check(history: History, warehouse: Warehouse) -> None:
    for row in warehouse.model("follow_spells"):
        check_spell(history, row)
    for row in warehouse.model("follow_events"):
        check_window(history, row, row["event"])
    for row in warehouse.model("follow_changes"):
        check_window(history, row, row["kind"])


def check_spell(history: History, row: Row) -> None:
    who = (row["follower_username"], row["account_id"])
    made, listed = history.made(*who), history.listed(row["provider"], *who)
    earliest = seconds(row["followed_at_earliest"], 0)
    latest = seconds(row["followed_at_latest"], FOREVER)
    assert any(earliest <= at <= latest for at in made), (row, made)
    assert row["spell"] <= len(listed), (row, listed)
    if row["gone_at_latest"] is not None:
        start, end = seconds(row["last_seen"], 0), seconds(row["gone_at_latest"], 0)
        assert any(start <= stay.end <= end for stay in listed), (row, listed)


def check_window(history: History, row: Row, kind: str) -> None:
    """Whoever is `followed` was followed then, or shown only then: the window may not tell."""
    start, end = (seconds(row[f"happened_at_{name}"], 0) for name in ("earliest", "latest"))
    who = (row["follower_username"], row["account_id"])
    listed = history.listed(row["provider"], *who)
    if kind in {"disappeared", "no longer listed"}:
        times = [stay.end for stay in listed]
    elif row.get("is_older") is False:
        times = history.made(*who)
    else:
        times = [stay.start for stay in listed]
        if kind in {"followed", "followed again"}:
            times += history.made(*who)
    assert any(start <= at <= end for at in times), (row, listed)
