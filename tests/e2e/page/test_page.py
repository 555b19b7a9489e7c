"""The page of examples/report in Chromium: what it shows is what SQL says."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from sandbox import Fault, Sandbox
from tests.dbt.project import PROGRAMS, Project
from tests.e2e.page.conftest import (
    HOSTILE,
    LISTS,
    LONG_NAME,
    NAMES,
    SECRET,
    Built,
    build,
    load,
    page_of,
    scan,
    world_of,
    write_page,
)
from tests.e2e.postgres import Postgres
from tests.harness import DAY, Run, run
from tests.harness import settings as settings_of
from tests.warehouse import Warehouse

EMPTY: dict[str, tuple[dict[str, list[str]], int, tuple[str, ...]]] = {
    "first run": (
        {"ann": ["ben"], "ben": ["ann"]},
        1,
        ("2 follows in the first run", "No change is known yet", "1 pair follow"),
    ),
    "no changes": (
        {"ann": ["ben"], "ben": ["x"]},
        2,
        ("0 new follows", "Nothing changed", "0 pairs follow each"),
    ),
    "all private": ({}, 1, ("0 follows in the first run", "8 private", "No list was")),
}
"""By case: the lists, how often they are scanned, and what the page says."""

SINCE = {
    "last run": """
        SELECT max(coalesce(read_until, scanned_at)) FROM (
            SELECT scanned_at, read_until, row_number() OVER (
                PARTITION BY provider, follower_username ORDER BY scanned_at DESC
            ) AS place FROM stg_tiktok__scans
        ) WHERE place = 2
    """,
    "7 days": "SELECT max(read_until) - INTERVAL '7 days' FROM stg_tiktok__scans",
    "30 days": "SELECT max(read_until) - INTERVAL '30 days' FROM stg_tiktok__scans",
}


@contextmanager
def opened(browser: Browser, path: Path, width: int = 1400, **more: Any) -> Iterator[Page]:
    """Open a page, which has to make one request, log nothing and raise nothing."""
    context = browser.new_context(viewport={"width": width, "height": 900}, **more)
    page = context.new_page()
    requests: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(path.as_uri())
    yield page
    assert requests == [path.as_uri()]
    assert said == []
    context.close()


@pytest.fixture
def page(browser: Browser, built: Built) -> Iterator[Page]:
    """A page of changes of 30 days."""
    with opened(browser, built.html) as page:
        page.get_by_role("button", name="30 days").click()
        yield page


def rows(page: Page, table: str) -> list[list[str]]:
    """Return the texts of a table's cells, all of its rows shown."""
    while (more := page.locator(f"{table} button.more:visible")).count():
        more.click()
    cells = "rows => rows.map(row => [...row.cells].map(cell => cell.innerText.trim()))"
    return page.locator(f"{table} tbody tr").evaluate_all(cells)  # type: ignore[no-any-return]


def number(text: str) -> int:
    return int(text.split(maxsplit=1)[0].replace(",", ""))


@pytest.mark.parametrize("period", SINCE)
def test_numbers_of_each_period_are_those_of_sql(
    page: Page, built: Built, period: str
) -> None:
    page.get_by_role("button", name=period, exact=True).click()
    kinds = dict(
        built.ask(f"""
            SELECT kind, count(*) FROM follow_changes
            WHERE happened_at_latest > ({SINCE[period]}) GROUP BY kind
        """)  # noqa: S608
    )
    new = kinds.get("followed", 0) + kinds.get("followed again", 0)
    lost = kinds.get("no longer listed", 0)
    assert new > 0
    [[follows, accounts]] = built.ask(
        "SELECT count(*), count(DISTINCT account_id) FROM edges WHERE is_listed"
    )
    tiles = page.locator("#tiles dd").all_inner_texts()
    assert [number(tile) for tile in tiles] == [new, lost, 0, 6, follows, accounts]
    assert f"last scan: {follows} of" in page.locator("#growth-chart").inner_text()
    sentence = page.locator("#sentence").inner_text()
    read = "6 of 9 lists read, 2 could not be, 1 not scanned yet"
    assert f"{new} new follows, {lost} no longer listed; {read}." in sentence
    if period == "last run":
        printed = built.printed.splitlines()[-2:]
        assert printed == [sentence, f"The page is {built.html}."]
    chips = page.locator("#kinds button").all_inner_texts()
    assert chips[0].split() == ["all", str(sum(kinds.values()))]
    assert sum(number(chip.split()[-1]) for chip in chips[1:]) == sum(kinds.values())
    assert len(rows(page, "#changes-table")) == sum(kinds.values())


def test_changes_can_be_searched_filtered_sorted_and_shown(page: Page, built: Built) -> None:
    assert page.locator("#changes-table tbody tr").count() == 15
    all_changes = built.ask("""
        SELECT follower_username, kind, username, happened_at_earliest, happened_at_latest
        FROM follow_changes ORDER BY happened_at_latest DESC, follower_username, username
    """)
    whom = sorted(row[2] for row in all_changes)
    shown = rows(page, "#changes-table")
    assert sorted(row[2].split()[0] for row in shown) == whom
    assert [row[3:5] for row in shown] == [[*map(text, row[3:])] for row in all_changes]

    page.locator("#kinds button", has_text="no longer listed").click()
    lost = [row for row in all_changes if row[1] == "no longer listed"]
    assert len(rows(page, "#changes-table")) == len(lost)
    page.get_by_label("Search a name").fill("ANN.2")
    [found] = rows(page, "#changes-table")
    assert found[1:3] == ["no longer listed", f"ann.2 {HOSTILE[2]}"]
    page.get_by_label("Search a name").fill("nobody of this name")
    assert page.get_by_text("No change matches.").is_visible()
    page.get_by_label("Search a name").fill("")
    page.locator("#kinds button", has_text="all").click()

    for expected in (whom, whom[::-1]):
        page.locator("#changes-table th button", has_text="Whom").click()
        assert [row[2].split()[0] for row in rows(page, "#changes-table")] == expected


def text(time: datetime) -> str:
    """Return a time as the page writes it."""
    return f"{time.day} {time:%b, %H:%M:%S}"


def test_download_holds_the_changes_that_match(page: Page, built: Built) -> None:
    page.locator("#kinds button", has_text="no longer listed").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download CSV").click()
    assert download.value.suggested_filename == "follow_changes.csv"
    with download.value.path().open(encoding="utf-8-sig", newline="") as file:
        read = [tuple(row.values()) for row in csv.DictReader(file)]
    expected = built.ask("""
        SELECT follower_username, follower_display_name, kind, username, display_name,
            strftime(happened_at_earliest, '%Y-%m-%dT%H:%M:%SZ'),
            strftime(happened_at_latest, '%Y-%m-%dT%H:%M:%SZ')
        FROM follow_changes WHERE kind = 'no longer listed'
    """)
    assert HOSTILE[6] in {row[4] for row in expected}  # which a spreadsheet would run
    safe = {None: "", HOSTILE[6]: f"'{HOSTILE[6]}"}
    assert sorted(read) == sorted(tuple(safe.get(v, v) for v in row) for row in expected)


def test_unread_lists_are_named_with_reason(page: Page) -> None:
    unread = {row[0]: row[1] for row in rows(page, "#unread-table")}
    assert set(unread) == {"pam", "nobody", "never.scanned"}
    assert unread["never.scanned"] == "never scanned"
    assert unread["pam"].startswith("private\n")
    assert "_id" not in unread["pam"]
    keys = page.locator("#outcomes li").all_inner_texts()
    assert keys == ["6 read", "1 not found", "1 private", "1 never scanned"]


def test_most_followed_and_newly_followed_are_those_of_sql(page: Page, built: Built) -> None:
    page.get_by_role("button", name="7 days").click()
    top = built.ask(f"""
        SELECT username, count(DISTINCT follower_username) AS followers,
            coalesce(any_value(gain), 0)
        FROM edges LEFT JOIN (
            SELECT account_id,
                sum(CASE WHEN kind = 'no longer listed' THEN -1 ELSE 1 END) AS gain
            FROM follow_changes WHERE happened_at_latest > ({SINCE["7 days"]})
            GROUP BY account_id
        ) USING (account_id)
        WHERE is_listed GROUP BY username ORDER BY followers DESC, username LIMIT 50
    """)  # noqa: S608
    shown = [[name, number(n), gain] for name, _, n, gain in rows(page, "#most-table")]
    assert shown == [
        [name, n, f"{gain:+}" if gain else "\N{EN DASH}"] for name, n, gain in top
    ]
    members = sum(row[0] in LISTS for row in top)
    assert page.locator("#most-table .bar.member").count() == members
    assert rows(page, "#several-table") == [["hit", "3", "ann, ben, eve"]]


def test_one_username_shows_its_list_changes_and_scans(page: Page, built: Built) -> None:
    page.get_by_label("Username").fill("ev")
    page.locator("#matches button").click()
    [[follows, changes]] = built.ask("""
        SELECT (SELECT count(*) FROM edges WHERE is_listed AND follower_username = 'eve'),
            (SELECT count(*) FROM follow_changes WHERE follower_username = 'eve')
    """)
    assert len(rows(page, "#one-changes")) == changes == 21
    assert f"last scan: {follows} of the follows" in page.locator("#one-chart").inner_text()
    assert "Research API: 3 scans" in page.locator("#one-user").inner_text()
    page.locator("#changes-table button.name", has_text="ben").first.click()
    assert page.locator("#one-user h3").inner_text().startswith("ben")


def test_network_has_every_mutual_pair_and_a_color_per_group(page: Page, built: Built) -> None:
    [[mutual, one_way]] = built.ask("""
        SELECT count(*) FILTER (relation = 'mutual'), count(*) FILTER (relation = 'one way')
        FROM mutual_follows
    """)
    pairs = page.locator("#pairs").inner_text()
    assert f"{mutual} pairs follow each other, {one_way} only" in pairs
    assert page.locator("#network-chart .link:not(.one-way)").count() == mutual
    assert page.locator("#legend li").all_inner_texts() == ["party:", "green", "red"]
    friends = {row[0]: number(row[1]) for row in rows(page, "#network-table")}
    assert friends == {"ann": 2, "ben": 2, "cat": 3, LONG_NAME: 1}


def test_hostile_names_are_only_text(page: Page, built: Built) -> None:
    assert page.title() == "Who followed and unfollowed"
    assert page.evaluate("[document.scripts.length, document.images.length]") == [2, 0]
    shown = "\n".join(row[2] for row in rows(page, "#changes-table"))
    for name in HOSTILE[:4]:
        assert name in shown
    assert built.html.read_text("utf-8").count("</script>") == 2


@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (800, "dark"), (1400, "dark")])
def test_nothing_overflows(browser: Browser, built: Built, width: int, scheme: str) -> None:
    with opened(browser, built.html, width, color_scheme=scheme) as page:
        page.get_by_role("button", name="30 days").click()
        for table in ("#changes-table", "#unread-table", "#most-table"):
            rows(page, table)
        check_layout(page)


def check_layout(page: Page) -> None:
    """Nothing is wider than its place, cut off or covered."""
    wide = page.evaluate("""() => [...document.querySelectorAll("body *")]
        .filter((element) => element.getBoundingClientRect().right > innerWidth + 0.5
            || (element.scrollWidth > element.clientWidth + 1 && element.clientWidth > 0
                && !["INPUT"].includes(element.tagName)
                && getComputedStyle(element).display !== "inline"))
        .map((element) => `${element.tagName}: ${element.textContent.slice(0, 60)}`)""")
    assert wide == []
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") == 0
    cut = page.evaluate("""() => [...document.querySelectorAll("#network-chart text")]
        .filter((text) => {
            const boxes = [text, text.ownerSVGElement].map((e) => e.getBoundingClientRect());
            const [one, all] = boxes;
            return one.left < all.left - 2 || one.right > all.right + 2
                || one.top < all.top - 2 || one.bottom > all.bottom + 2;
        }).map((text) => text.textContent)""")
    assert cut == []
    covered = page.evaluate("""() => [...document.querySelectorAll("#growth-chart text")]
        .map((text) => [text.textContent, text.getBoundingClientRect()])
        .filter(([, one], place, all) => all.slice(place + 1).some(([, other]) =>
            one.left < other.right && other.left < one.right
                && one.top < other.bottom && other.top < one.bottom))
        .map(([text]) => text).filter(Boolean)""")
    assert covered == []


def test_counts_are_of_all_changes_where_not_all_fit_on_the_page(
    browser: Browser, built: Built, tmp_path: Path
) -> None:
    path = tmp_path / "many.duckdb"
    path.write_bytes(Path(built.warehouse.address).read_bytes())
    many = Warehouse(str(path))
    many.ask("""
        INSERT INTO main_tiktok_following.follow_changes
        SELECT 'many' || n, 'followed', 'eve', NULL, 'many' || n, NULL, 'many' || n,
            (SELECT max(read_until) FROM main_tiktok_following.stg_tiktok__scans),
            (SELECT max(read_until) FROM main_tiktok_following.stg_tiktok__scans), 'research'
        FROM generate_series(1, 6000) AS s(n);
        INSERT INTO main_tiktok_following.coverage (username, provider, last_outcome)
        SELECT 'many' || n, 'research', 'complete' FROM generate_series(1, 12000) AS s(n);
        INSERT INTO main_tiktok_following.mutual_follows (a, b, relation)
        SELECT 'many' || n, 'many' || n + 1, 'mutual' FROM generate_series(1, 100) AS s(n)
    """)
    page_of_many, since = page_of(many, tmp_path / "many.html"), SINCE["last run"]
    [[changes, latest]] = page_of_many.ask(f"""
        SELECT count(*), count(*) FILTER (happened_at_latest > ({since})) FROM follow_changes
    """)  # noqa: S608
    assert f"{latest - 5:,} more changes" in page_of_many.printed
    drawn = {}
    for width in (360, 1400):
        with opened(browser, page_of_many.html, width) as page:
            check_layout(page)
            drawn[width] = page.locator("#network-chart .node").count()
            note = f"The {drawn[width]} with the most of 105 are drawn."
            assert note in page.locator("#pairs").inner_text()
    assert drawn[360] < drawn[1400] == 80
    with opened(browser, page_of_many.html) as page:
        page.get_by_role("button", name="30 days").click()
        assert page.locator("#kinds button").first.inner_text().split()[-1] == f"{changes:,}"
        note = f"The newest 5,000 of {changes:,} changes are on this page"
        assert page.get_by_text(note).is_visible()


def test_settings_are_shown_without_secrets(page: Page, built: Built) -> None:
    assert page.locator("#settings").inner_text().split() == ["full_scan_after_days", "7"]
    late = page.locator("#late").inner_text()
    assert "A full scan of each list is due every 7 days." in late
    assert SECRET not in built.html.read_text("utf-8")
    assert "[object" not in page.locator("body").inner_text()


def test_unfollows_that_are_not_known_yet_are_counted(
    browser: Browser, sandbox: Sandbox, models_sql: Path, tmp_path: Path
) -> None:
    """No full scan has named the two accounts that anna lost, or read the list of cat."""
    anna = "anna_of_ten"
    lists = {name: [f"{name}.{n}" for n in range(150)] for name in (anna, "ben", "cat")}
    sandbox.world = world_of(lists, set())
    runs = [run(settings_of(sandbox, [anna, "ben"], "rapidapi"))]
    sandbox.clock.advance(20 * DAY)
    for number in (3, 5):
        sandbox.world.unfollow(anna, f"{anna}.{number}")
    sandbox.scenario.faults = [Fault("early_end", username="cat", page=1)]
    runs.append(run(settings_of(sandbox, lists, "rapidapi"), runs[0].state))
    (tmp_path / "settings.json").write_text('{"full_scan_after_days": 7}', "utf-8")
    html = build(
        tmp_path, models_sql, runs, "--settings", str(tmp_path / "settings.json")
    ).html
    with opened(browser, html, 360) as page:
        lost, late = (page.locator(part).inner_text() for part in ("#lost", "#late"))
        assert lost.startswith("1 list lost 2 accounts or more.")
        assert rows(page, "#lost-table")[0][:2] == [anna, "2"]
        lines = "name => name.getClientRects().length"
        assert page.locator("#lost-table td bdi").evaluate(lines) == 1
        assert "1 list had no full scan yet: unfollows are not looked for there." in late
        assert "2 lists had none since " in late
        assert [row[0] for row in rows(page, "#late-table")] == ["cat", anna, "ben"]
        assert "RapidAPI: 2 scans" in page.locator("body").inner_text()


def test_only_lists_that_were_read_in_the_period_count_as_read(
    browser: Browser, sandbox: Sandbox, models_sql: Path, tmp_path: Path
) -> None:
    sandbox.world = world_of({"ann": ["ben"], "ben": ["x"], "cat": ["y"]}, {"pam"})
    runs: list[Run] = []
    for names in (["ann"], ["ben", "cat", "pam"], ["ann"]):
        sandbox.clock.advance(DAY)
        runs.append(run(settings_of(sandbox, names), runs[-1].state if runs else None))
    with opened(browser, build(tmp_path, models_sql, runs).html) as page:
        shown = page.locator("header").inner_text()
        assert "1 of 4 lists read, 1 could not be, 2 last read earlier." in shown
        assert page.locator("#tiles dd").nth(3).inner_text() == "1 of 4"
        page.get_by_role("button", name="7 days").click()
        assert "3 of 4 lists read, 1 could not be." in page.locator("header").inner_text()


def test_provider_that_reads_less_than_the_other_is_named(
    browser: Browser, sandbox: Sandbox, models_sql: Path, tmp_path: Path
) -> None:
    names = ["ann", "ben", "cat"]
    sandbox.world = world_of({name: ["x"] for name in names}, set())
    runs = [run(settings_of(sandbox, names))]
    sandbox.clock.advance(DAY)
    sandbox.scenario.faults = [Fault("status", provider="rapidapi", value=500)]
    runs.append(run(settings_of(sandbox, names), runs[0].state))
    with opened(browser, build(tmp_path, models_sql, runs).html) as page:
        shown = page.locator("header")
        assert "; 3 of 3 lists read (by RapidAPI 0)." in shown.inner_text()
        page.get_by_role("button", name="7 days").click()
        assert "; 3 of 3 lists read." in shown.inner_text()


def test_page_prints_without_controls(page: Page) -> None:
    page.emulate_media(media="print")
    assert page.locator("#changes .tools").is_hidden()
    assert page.locator("#periods").is_hidden()
    assert page.locator("#changes-table table").is_visible()
    for part in ("#most-table .bar", "#outcomes .share div", "#legend .dot"):
        style = "part => getComputedStyle(part).printColorAdjust"
        assert page.locator(part).first.evaluate(style) == "exact"


@pytest.mark.parametrize("case", EMPTY)
def test_empty_parts_say_why(
    browser: Browser, sandbox: Sandbox, models_sql: Path, tmp_path: Path, case: str
) -> None:
    lists, scans, texts = EMPTY[case]
    sandbox.world = world_of(lists, set() if lists else set(NAMES))
    runs: list[Run] = []
    for _ in range(scans):
        runs = scan(sandbox, runs)
        sandbox.clock.advance(DAY)
    with opened(browser, build(tmp_path, models_sql, runs).html, 360) as page:
        shown = page.locator("body").inner_text()
        assert [text for text in texts if text not in shown] == []
        assert page.evaluate("document.documentElement.scrollWidth") == 360


def test_nothing_to_show_is_one_sentence(warehouse: Warehouse, models_sql: Path) -> None:
    printed = write_page(warehouse.address, code=1)
    assert printed.endswith("does not exist: load it with the tap and target-duckdb first.\n")
    load(warehouse, models_sql, [])
    printed = write_page(warehouse.address, "--schema", "elsewhere", code=1)
    assert printed.endswith("run `dbt build` first.\n")
    assert printed.count("\n") == 1
    printed = write_page(warehouse.address, code=1)
    assert printed.startswith("No list was scanned yet: run the tap first.")
    printed = write_page("--dbt=missing show", code=1)
    assert printed == (
        "missing, given by --dbt, is not a program: give the command that runs dbt.\n"
    )


@pytest.mark.parametrize("source", ["postgres", "dbt"])
def test_every_source_gives_the_same_page(
    postgres: Postgres,
    built: Built,
    runs: list[Run],
    models_sql: Path,
    tmp_path: Path,
    source: str,
) -> None:
    html = tmp_path / "page.html"
    expected = page_of(built.warehouse, tmp_path / "expected.html").html
    if source == "postgres":
        warehouse = postgres.new_database()
        load(warehouse, models_sql, runs)
        page_of(warehouse, html)
    else:
        options = ("--dbt", str(PROGRAMS / "dbt"), "--output", str(html))
        write_page(*options, variables=Project(built.warehouse, tmp_path).variables)
    assert content(html) == content(expected)


def content(html: Path) -> Any:
    """Return the data in a page."""
    [data] = re.findall('id="data">(.+?)</script>', html.read_text("utf-8"), re.DOTALL)
    return json.loads(data)
