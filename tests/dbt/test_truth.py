"""Whatever happens between the runs of the tap, no answer of the models is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from sandbox import Clock
from tap_tiktok_following.text import DAY
from tests.dbt.history import FOREVER, History, seconds
from tests.dbt.project import schemas
from tests.harness import NOW, PROVIDERS
from tests.warehouse import Warehouse

if TYPE_CHECKING:
    from pathlib import Path
    from random import Random

    from sandbox import Sandbox
    from tests.dbt.history import Stay

READ = ("ada", "bob")
OTHERS = ("cleo", "dan", "eli", "fay")

Row = dict[str, Any]


def test_lost_warehouse_makes_no_news(sandbox: Sandbox, models_sql: Path) -> None:
    """The state was kept: of the whole list after it, only what is new for sure is news."""
    history = History(sandbox, READ)
    for name in OTHERS:
        history.follow("ada", name)
        sandbox.clock.advance(DAY)
    history.scan()
    history.lose_the_warehouse()
    sandbox.clock.advance(DAY)
    history.follow("ada", "gus")
    history.follow("ada", "hal")
    history.follow("ada", "ivo")
    sandbox.clock.advance(10 * DAY)
    history.scan(whole=True)
    warehouse = build(history, models_sql)
    found = {row["username"] for row in rows(warehouse, "edges")}
    assert found == {*OTHERS, "gus", "hal", "ivo"}
    news = rows(warehouse, "follow_events")
    assert {row["username"] for row in news} <= {"gus", "hal", "ivo"}
    for row in news:
        check_event(history, row)


def happen(history: History, random: Random, steps: int) -> None:
    """Let a number of things happen, some time apart."""
    for number in range(steps):
        history.sandbox.clock.advance(random.choice((1, 3600, DAY, 3 * DAY)))
        follower = random.choice(READ)
        others = [*history.sandbox.world.accounts]
        other = random.choice([name for name in others if name != follower])
        match random.randrange(12):
            case 0 | 1 | 2:
                history.follow(follower, other)
            case 3 | 4:
                history.unfollow(follower, other)
            case 5:
                if other not in READ:
                    history.hide(other)
            case 6:
                if other not in READ:
                    history.rename(other, f"new{number}")
            case 7:
                history.sandbox.world.private ^= {follower}
            case 8 if random.randrange(4) == 0:
                history.scan()  # so that no scan is half lost
                history.lose_the_warehouse()
            case _:
                provider = random.choice((*PROVIDERS, None, None))
                budget = random.choice((None, None, 1, 2, 3))
                history.scan(provider, whole=random.random() < 0.5, budget=budget)


@settings(
    max_examples=8,
    deadline=None,
    phases=[Phase.generate],  # an example of a broken rule is short enough
    suppress_health_check=list(HealthCheck),
)
@given(random=st.randoms(use_true_random=False), steps=st.integers(5, 30))
def test_no_answer_is_wrong(
    sandbox: Sandbox, models_sql: Path, random: Random, steps: int
) -> None:
    sandbox.clock = Clock(NOW)
    history = History(sandbox, READ)
    for name in OTHERS:
        history.follow("ada", name)
        sandbox.clock.advance(DAY)
    happen(history, random, steps)
    check(history, build(history, models_sql))


def check(history: History, warehouse: Warehouse) -> None:
    for row in rows(warehouse, "follow_spells"):
        check_spell(history, row)
    for row in rows(warehouse, "follow_events"):
        check_event(history, row)
    for row in rows(warehouse, "follow_changes"):
        check_change(history, row)


def build(history: History, models_sql: Path) -> Warehouse:
    warehouse = Warehouse()
    warehouse.load([*schemas(), *history.messages])
    warehouse.ask(models_sql.read_text(encoding="utf-8"))
    return warehouse


def rows(warehouse: Warehouse, model: str) -> list[Row]:
    relation = warehouse.connection.table(f"tiktok_following.{model}")
    return [dict(zip(relation.columns, row, strict=True)) for row in relation.fetchall()]


def check_spell(history: History, row: Row) -> None:
    made = history.made(row["follower_username"], row["account_id"])
    listed = listed_in(history, row)
    earliest = seconds(row["followed_at_earliest"], 0)
    latest = seconds(row["followed_at_latest"], FOREVER)
    assert any(earliest <= at <= latest for at in made), (row, made)
    assert row["spell"] <= len(listed), (row, listed)
    if row["gone_at_latest"] is not None:
        start, end = seconds(row["last_seen"], 0), seconds(row["gone_at_latest"], 0)
        assert any(start <= stay.end <= end for stay in listed), (row, listed)


def check_event(history: History, row: Row) -> None:
    start, end = seconds(row["happened_at_earliest"], 0), seconds(row["happened_at_latest"], 0)
    listed = listed_in(history, row)
    if row["event"] == "disappeared":
        times = [stay.end for stay in listed]
    elif row["is_older"] is False:
        times = history.made(row["follower_username"], row["account_id"])
    else:
        times = [stay.start for stay in listed]
    assert any(start <= at <= end for at in times), (row, listed)


def check_change(history: History, row: Row) -> None:
    """Whoever is `followed` was followed then, or shown only then: the window may not tell."""
    start, end = (seconds(row[f"happened_at_{name}"], 0) for name in ("earliest", "latest"))
    listed = listed_in(history, row)
    times = [stay.end if row["kind"] == "no longer listed" else stay.start for stay in listed]
    if row["kind"] in {"followed", "followed again"}:
        times += history.made(row["follower_username"], row["account_id"])
    assert any(start <= at <= end for at in times), (row, listed)


def listed_in(history: History, row: Row) -> list[Stay]:
    return history.listed(row["provider"], row["follower_username"], row["account_id"])
