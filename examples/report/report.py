"""A page of who followed and unfollowed: one HTML file to open, mail, print or keep.

    python examples/report/report.py output/prod.duckdb               # DuckDB
    python examples/report/report.py postgresql://user@host/database  # PostgreSQL
    python examples/report/report.py --dbt dbt                        # any other warehouse

writes page.html. It asks the dbt models, so run it after `dbt build`; with `--dbt`, run it
where dbt finds its project. The page needs no server and fetches nothing. Times are in UTC.
The script needs duckdb or psycopg, and neither with `--dbt`.
"""

from __future__ import annotations

import argparse
import base64
import codecs
import csv
import hashlib
import io
import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from importlib import metadata
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent

PACKAGE = "tiktok_following__"
MODELS = {
    "accounts": f"{PACKAGE}accounts",
    "account_names": "int_tiktok__account_names",
    "coverage": f"{PACKAGE}coverage",
    "edges": f"{PACKAGE}edges",
    "follow_changes": f"{PACKAGE}follow_changes",
    "mutual_follows": f"{PACKAGE}mutual_follows",
    "scans": "stg_tiktok__scans",
}
"""The models that queries.sql names, by the names that `ref` knows."""

MOST = {
    "changes": 5_000,
    "unread": 1_000,
    "lost_lists": 200,
    "without_full_scan": 200,
    "several": 50,
    "most_followed": 50,
}
"""Maximum number of rows on the page. No count is taken from them: SQL counts all rows."""

HISTORIES = 10_000
"""Maximum number of usernames whose history is on the page."""

NODES, NODES_IF_MANY, MANY = 80, 40, 150
"""Maximum number of accounts in the network; fewer if there are many, to keep it legible."""

PAUSE = timedelta(hours=6)
"""Between two runs that each read a part of the lists; a run never pauses that long."""

POINTS, POINTS_OF_ONE = 72, 24
"""Number of times at which follows are counted: those of all lists, and those of one list."""

SETTINGS = (
    *("start_date", "lookback_days", "full_scan_after_days", "full_scan_on_loss"),
    *("rescan_after_hours", "retry_unavailable_after_days", "shard", "page_size"),
    *("research_max_requests", "rapidapi_max_requests"),
)
"""The settings of the tap that decide what is read. None of them is secret."""

NAMES = {"research": "Research API", "rapidapi": "RapidAPI"}

GROUPS = range(2, 9)
"""Numbers of different values with which a column can color the network."""

Row = dict[str, Any]


class Failed(Exception):  # noqa: N818 - the message says what happened and what to do
    """The page can't be written."""


def main() -> int:
    """Write the page that the command line asks for, and return the exit code."""
    options = _options()
    try:
        settings = _settings(options.settings)
        listed = _listed(options.usernames, settings)
        content = gather(Models(options), listed, settings, options.color_by)
        write(content, options.output)
    except Failed as failed:
        print(failed, file=sys.stderr)
        return 1
    print(*figures(content), f"The page is {options.output}.", sep="\n")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("source", nargs="?", help="DuckDB file or PostgreSQL URL")
    parser.add_argument("--dbt", help="command that runs dbt, for any other warehouse")
    parser.add_argument("--schema", help="schema of the dbt models")
    parser.add_argument("--output", type=Path, default=Path("page.html"), help="(page.html)")
    usernames = "the tap's file of usernames, to show those that were never scanned"
    parser.add_argument("--usernames", type=Path, help=usernames)
    color = "column of that file that colors the network (the first with 2 to 8 values)"
    parser.add_argument("--color-by", help=color)
    settings = (
        "the tap's settings, as `meltano config print` writes them; they name the usernames"
    )
    parser.add_argument("--settings", type=Path, help=settings)
    options = parser.parse_args()
    if bool(options.source) == bool(options.dbt):
        parser.error("name a DuckDB file, a PostgreSQL URL or --dbt")
    return options


class Models:
    """The dbt models, asked with the queries of queries.sql.

    Args:
        options: Where they are: `source` and `schema`, or `dbt`.
    """

    def __init__(self, options: argparse.Namespace) -> None:
        text = (HERE / "queries.sql").read_text("utf-8")
        parts = re.split(r"^-- name: (\w+)\n", text, flags=re.MULTILINE)
        self._queries = dict(zip(parts[1::2], parts[2::2], strict=True))
        if options.dbt:
            self._names = {name: f"{{{{ ref('{model}') }}}}" for name, model in MODELS.items()}
            self._run = _dbt(options.dbt)
            return
        is_postgres = options.source.startswith(("postgres:", "postgresql:"))
        schema = options.schema or f"{'public' if is_postgres else 'main'}_tiktok_following"
        tables = {name: model.removeprefix(PACKAGE) for name, model in MODELS.items()}
        tables["account_names"] = "account_names"  # an alias
        self._names = {name: f"{schema}.{table}" for name, table in tables.items()}
        self._run = (_postgres if is_postgres else _duckdb)(options.source)

    def rows(self, name: str, **values: datetime | int | str) -> list[Row]:
        """Return the rows of a query, with these values in it."""
        if name in MOST:
            values["most"] = MOST[name]
        sql = {k: _sql(v) if isinstance(v, datetime) else v for k, v in values.items()}
        latest = f"({self._queries['latest'].format(**self._names)})"
        query = self._queries[name].format(**self._names, latest=latest, **sql)
        rows = self._run(query)
        return [{k.lower(): _plain_number(v) for k, v in row.items()} for row in rows]

    def row(self, name: str, **values: datetime | int | str) -> Row:
        """Return the only row of a query."""
        [row] = self.rows(name, **values)
        return row


def _duckdb(path: str) -> Callable[[str], list[Row]]:
    import duckdb  # noqa: PLC0415 - each source needs one library

    if not Path(path).exists():
        message = f"{path} does not exist: load it with the tap and target-duckdb first."
        raise Failed(message)
    return _cursor(duckdb.connect(path, read_only=True), duckdb.Error)


def _postgres(url: str) -> Callable[[str], list[Row]]:
    import psycopg  # noqa: PLC0415

    try:
        connection = psycopg.connect(url, options="-c timezone=UTC")
    except psycopg.Error as error:
        message = f"Cannot connect to PostgreSQL: {str(error).splitlines()[0]}"
        raise Failed(message) from None
    return _cursor(connection.cursor(), psycopg.Error)


def _cursor(cursor: Any, error: type[Exception]) -> Callable[[str], list[Row]]:
    def run(query: str) -> list[Row]:
        try:
            cursor.execute(query)
        except error as raised:
            reason = str(raised).splitlines()[0]
            message = f"The dbt models cannot be read ({reason}): run `dbt build` first."
            raise Failed(message) from None
        columns = [column[0] for column in cursor.description]
        return [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]

    return run


def _dbt(command: str) -> Callable[[str], list[Row]]:
    program = shlex.split(command)[0]
    if not shutil.which(program):
        message = (
            f"{program}, given by --dbt, is not a program: give the command that runs dbt."
        )
        raise Failed(message)

    def run(query: str) -> list[Row]:
        show = ["show", "--quiet", "--output", "json", "--limit", "-1", "--inline", query]
        ended = subprocess.run(
            [*shlex.split(command), *show],
            check=False,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )
        if ended.returncode:
            message = f"`{command} show` failed: {ended.stdout.strip()[-500:]}"
            raise Failed(message)
        return json.loads(ended.stdout)["show"]  # type: ignore[no-any-return]

    return run


def read_usernames(path: Path) -> dict[str, Row]:
    """Return the usernames of a file that the tap reads, each with its other columns."""
    try:
        content = path.read_bytes()
        is_utf_16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        text = content.decode("utf-16" if is_utf_16 else "utf-8-sig")
    except (OSError, UnicodeDecodeError):
        message = f"{path} cannot be read: name the file of usernames that the tap reads."
        raise Failed(message) from None
    lines = io.StringIO(text, newline="")
    header = next((line for line in lines if line.partition("#")[0].strip()), "")
    delimiter = max(",;\t", key=header.count)
    columns = [
        cell.strip() for row in csv.reader([header], delimiter=delimiter) for cell in row
    ]
    key = next((column for column in columns if column.lower() == "username"), None)
    if key is None:
        names = (_username(line.partition("#")[0]) for line in text.splitlines())
        return {name: {} for name in names if name}
    rows = csv.DictReader(lines, columns, delimiter=delimiter, restval="")
    listed = {
        _username(row[key]): {k: v.strip() for k, v in row.items() if k and k != key}
        for row in rows
    }
    listed.pop("", None)
    return listed


def _username(text: str) -> str:
    """Return the username in `name`, `@name` or the URL of a profile, in lower case."""
    name = _printable(text).strip().lower().replace("%40", "@")
    return re.sub(r"^.*@|[#/?].*", "", name)


def _listed(path: Path | None, settings: Row) -> dict[str, Row]:
    """Return the usernames of the file, or else those that the settings name."""
    if path:
        return read_usernames(path)
    named: dict[str, Row] = {_username(name): {} for name in settings.get("usernames", ())}
    local = Path(settings.get("usernames_path", ""))
    return {**named, **(read_usernames(local) if local.is_file() else {})}


def _settings(path: Path | None) -> Row:
    return json.loads(path.read_text("utf-8")) if path and path.exists() else {}


def _version() -> str:
    """Return the version of the tap if it is installed here, or if this is its repository."""
    project = HERE.parents[1] / "pyproject.toml"
    if project.exists():
        return re.findall(r'^version = "(.+)"', project.read_text("utf-8"), re.MULTILINE)[0]  # type: ignore[no-any-return]
    try:
        return metadata.version("tap-tiktok-following")
    except metadata.PackageNotFoundError:
        return ""


def gather(
    models: Models, listed: Mapping[str, Row], settings: Row, color_by: str | None = None
) -> Row:
    """Return everything that is on the page, as JSON.

    Args:
        models: The dbt models.
        listed: What `read_usernames` returned.
        settings: The tap's settings.
        color_by: The column of `listed` that colors the network.
    """
    runs = models.row("runs")
    if runs["as_of"] is None:
        message = "No list was scanned yet: run the tap first."
        raise Failed(message)
    as_of = _time(runs["as_of"])
    run_before = _run_before(models, as_of, runs["run_before"])
    lists = _coverage(models, listed)
    totals = models.row("totals")
    times = _starts(as_of, run_before)
    earliest = min(since for _, since in times)
    periods = [_period(models, lists, name, since, earliest) for name, since in times]
    is_first = run_before is None and not any(period["kinds"] for period in periods)
    for period, (_, since) in zip(periods, times, strict=True):
        period["sentence"] = (
            _first_sentence(period, totals) if is_first else _sentence(period, since, as_of)
        )
    oldest = min(_time(totals["oldest"] or as_of), as_of - timedelta(days=1))
    return {
        "as_of": _seconds(as_of),
        "version": _version(),
        "follows": totals["follows"],
        "accounts": totals["accounts"],
        "periods": periods,
        "changes": [_change(row) for row in models.rows("changes", since=earliest)],
        "lists": lists,
        "lost": _lost(models),
        "full_scans": _full_scans(models, as_of, settings.get("full_scan_after_days")),
        "most_followed": _most_followed(models, [since for _, since in times]),
        "growth": _growth(models, oldest, as_of),
        "usernames": _usernames(models, oldest, as_of, earliest),
        "network": _network(models, listed, color_by),
        "methods": list(_methods(models, lists, totals)),
        "settings": {k: settings[k] for k in SETTINGS if settings.get(k) is not None},
    }


def _run_before(models: Models, as_of: datetime, least: Any) -> datetime | None:
    """Return when the run before the last one ended, which is `least` or later."""
    earliest = None if least is None else _time(least)
    began = as_of
    while earliest is None or began > earliest:
        pause = models.row("pause", since=began - PAUSE, until=began)
        first = _time(pause["first_after"])
        if first == began:
            before = pause["last_before"]
            return earliest if before is None else _time(before)
        began = first
    return earliest


def _starts(as_of: datetime, run_before: datetime | None) -> list[tuple[str, datetime]]:
    """Return the name of each period that can be chosen, and when it starts."""
    starts = [(f"{days} days", as_of - timedelta(days=days)) for days in (7, 30)]
    return [("last run", run_before), *starts] if run_before is not None else starts


def _period(models: Models, lists: Row, name: str, since: datetime, earliest: datetime) -> Row:
    several = models.rows("several", since=since)
    places = groupby(several, lambda row: (row["username"], row["followers"]))
    return {
        "name": name,
        "since": _seconds(since),
        **_read(models, lists, since, earliest),
        "kinds": {row["kind"]: row["changes"] for row in models.rows("kinds", since=since)},
        "several": {
            "accounts": several[0]["accounts"] if several else 0,
            "rows": [
                [*place, [row["follower_username"] for row in rows]] for place, rows in places
            ],
        },
    }


def _read(models: Models, lists: Row, since: datetime, earliest: datetime) -> Row:
    """Return how many of the lists were read in a period, as a number and in words."""
    row = models.row("read", since=since)
    read, earlier = row["lists"], row["earlier"]
    less = [
        f"by {NAMES.get(each['provider'], each['provider'])} {each['lists']:,}"
        for each in models.rows("read_by", since=since, earliest=earliest)
        if each["lists"] < read
    ]
    never = lists["outcomes"].get("never scanned", 0)
    others = {
        "could not be": lists["all"] - read - earlier - never,
        "last read earlier": earlier,
        "not scanned yet": never,
    }
    words = f"{read:,} of {_count(lists['all'], 'list')} read"
    words += f" ({', '.join(less)})" if less else ""
    words += "".join(f", {number:,} {what}" for what, number in others.items() if number)
    return {"read": read, "read_in_words": words}


def _first_sentence(period: Row, totals: Row) -> str:
    follows, read = _count(totals["follows"], "follow"), period["read_in_words"]
    return f"{follows} in the first run; {read}. The next run shows what changed."


def _sentence(period: Row, since: datetime, as_of: datetime) -> str:
    """Return what changed in a period, in one sentence."""
    kinds = period["kinds"]
    start = f"{since:%a} {since.day} {since:%b}"
    start += "" if since.year == as_of.year else f" {since.year}"
    if period["name"] == "last run":
        start = f"the run of {start}, {since:%H:%M} UTC"
    made = kinds.get("followed", 0) + kinds.get("followed again", 0)
    parts = [
        _count(made, "new follow"),
        f"{kinds.get('no longer listed', 0):,} no longer listed",
        *(f"{number:,} listed again" for number in [kinds.get("listed again", 0)] if number),
    ]
    return f"Since {start}: {', '.join(parts)}; {period['read_in_words']}."


def _change(row: Row) -> list[Any]:
    return [
        row["follower_username"],
        row["follower_display_name"],
        row["kind"],
        row["username"],
        row["display_name"],
        _seconds(row["happened_at_earliest"]),
        _seconds(row["happened_at_latest"]),
    ]


def _coverage(models: Models, listed: Mapping[str, Row]) -> Row:
    """Return how the last scan of each list ended, and which lists could not be read."""
    outcomes = {row["outcome"]: row["usernames"] for row in models.rows("outcomes")}
    unread = [
        [
            row["username"],
            row["outcome"],
            re.sub(r" ?\((log|request)_id [^)]*\)", "", row["reason"] or ""),
            _seconds(row["last_read"]),
        ]
        for row in models.rows("unread")
    ]
    known = {row["username"] for row in models.rows("names")}
    if never := sorted(set(listed) - known):
        outcomes["never scanned"] = outcomes.get("never scanned", 0) + len(never)
        unread += [[name, "never scanned", "", None] for name in never]
    return {
        "all": sum(outcomes.values()),
        "read": outcomes.get("read", 0),
        "outcomes": outcomes,
        "unread": unread[: MOST["unread"]],
    }


def _lost(models: Models) -> Row:
    """Return which lists lost accounts that only their next full scan names."""
    rows = [
        [row["username"], row["accounts_lost"], _seconds(row["last_whole_list"])]
        for row in models.rows("lost_lists")
    ]
    return {**models.row("lost"), "rows": rows}


def _full_scans(models: Models, as_of: datetime, after_days: int | None) -> Row:
    """Return which lists had no full scan lately, so that later unfollows are not known."""
    since = as_of - timedelta(days=after_days or 30)
    rows = [
        [row["username"], _seconds(row["last_whole_list"])]
        for row in models.rows("without_full_scan", since=since)
    ]
    return {**models.row("full_scans", since=since), "since": _seconds(since), "rows": rows}


def _most_followed(models: Models, starts: Sequence[datetime]) -> list[list[Any]]:
    """Return the accounts with the most followers, each with its gain in each period."""
    by_period = [models.rows("most_followed", since=since) for since in starts]
    return [
        [row["username"], row["followers"], row["is_on_list"], [same["gain"] for same in rows]]
        for row, *others in zip(*by_period, strict=True)
        for rows in [[row, *others]]
    ]


def _growth(models: Models, oldest: datetime, as_of: datetime) -> Row:
    times = _between(oldest, as_of, POINTS)
    least, most = _band(models.row("growth", sums=_sums(times)), POINTS)
    return {"times": [_seconds(time) for time in times], "least": least, "most": most}


def _usernames(models: Models, oldest: datetime, as_of: datetime, since: datetime) -> Row:
    """Return the history of each username: its scans, and its follows as differences."""
    times = _between(oldest, as_of, POINTS_OF_ONE)
    bands = {
        row["follower_username"]: [_differences(band) for band in _band(row, POINTS_OF_ONE)]
        for row in models.rows("growth_of", sums=_sums(times))
    }
    changes = {
        row["follower_username"]: row["changes"]
        for row in models.rows("changes_of", since=since)
    }
    names = models.rows("names")
    rows = [
        [
            username,
            display_name,
            changes.get(username, 0),
            [_scans(row) for row in group],
            *bands.get(username, ()),
        ]
        for (username, display_name), group in groupby(
            names, lambda row: (row["username"], row["display_name"])
        )
    ]
    return {
        "all": len(rows),
        "times": [_seconds(time) for time in times],
        "rows": rows[:HISTORIES],
    }


def _scans(row: Row) -> list[Any]:
    times = (row["last_scanned_at"], row["last_read"], row["last_whole_list"])
    return [row["provider"], row["scans"], row["last_outcome"], *map(_seconds, times)]


def _between(start: datetime, end: datetime, points: int) -> list[datetime]:
    step = (end - start) / (points - 1)
    return [*((start + step * n).replace(microsecond=0) for n in range(points - 1)), end]


def _sums(times: Sequence[datetime]) -> str:
    """Return SQL that counts the follows made by each time: at least, and at most."""
    tests = {
        "least": "followed_at_latest <= {0}",
        "most": "followed_at_earliest is null or followed_at_earliest <= {0}",
    }
    return ",\n    ".join(
        f"sum(case when {test.format(_sql(time))} then 1 else 0 end) as {name}_{place}"
        for name, test in tests.items()
        for place, time in enumerate(times)
    )


def _band(row: Row, points: int) -> list[list[int]]:
    return [[row[f"{name}_{n}"] or 0 for n in range(points)] for name in ("least", "most")]


def _differences(numbers: Sequence[int]) -> list[int]:
    return [after - before for before, after in pairwise([0, *numbers])]


def _network(models: Models, listed: Mapping[str, Row], color_by: str | None) -> Row:
    """Return who of the list follows whom of it, for those with the most mutual follows."""
    friends = models.rows("friends", most=NODES)
    usernames = friends[0]["usernames"] if friends else 0
    shown = friends[: NODES_IF_MANY if usernames > MANY else NODES]
    names = [row["username"] for row in shown]
    places = {name: place for place, name in enumerate(names)}
    column, groups = _group(names, listed, color_by)
    return {
        "pairs": {row["relation"]: row["pairs"] for row in models.rows("relations")},
        "usernames": usernames,
        "nodes": [[row["username"], row["mutual"]] for row in shown],
        "links": [
            [places[row["a"]], places[row["b"]], int(row["relation"] == "mutual")]
            for row in models.rows("links", most=max(len(shown), 1))
        ],
        "column": column,
        "groups": groups,
    }


def _group(
    names: Sequence[str], listed: Mapping[str, Row], color_by: str | None
) -> tuple[str | None, list[str]]:
    """Return the column that colors the network, and its value for each name."""
    columns = list(dict.fromkeys(column for row in listed.values() for column in row))
    if color_by and color_by not in columns:
        message = f"The file of usernames has no column {color_by}."
        raise Failed(message)
    for column in [color_by] if color_by else columns:
        values = [listed.get(name, {}).get(column, "") for name in names]
        if color_by or len(set(values) - {""}) in GROUPS:
            return column, values
    return None, []


def _methods(models: Models, lists: Row, totals: Row) -> Iterator[str]:
    """Yield the paragraphs of a text for a methods section."""
    yield (
        f"The following lists of {_count(lists['all'], 'TikTok username')} were read with "
        f"{f'tap-tiktok-following {_version()}'.strip()}. At the last scan, "
        f"{_count(lists['read'], 'list')} could be read."
    )
    for row in models.rows("providers"):
        yield (
            f"{NAMES.get(row['provider'], row['provider'])}: {_count(row['scans'], 'scan')} "
            f"with {_count(row['requests'] or 0, 'request')}, from "
            f"{_moment(row['first_scanned_at'])} to {_moment(row['last_scanned_at'])} UTC."
        )
    yield (
        f"The lists contain {_count(totals['follows'], 'follow')} of "
        f"{_count(totals['accounts'], 'account')}. The providers page the lists by time, so "
        "each follow lies between two known times; none has an exact time. An account counts "
        "as no longer listed only if a later full scan of the list lacks it."
    )


def figures(content: Row) -> Iterator[str]:
    """Yield what a terminal shows of the page; the last line is its first sentence."""
    period = content["periods"][0]
    newest = [change for change in content["changes"] if change[6] > period["since"]][:5]
    for follower, _, kind, username, _, earliest, latest in newest:
        window = f"{_clock(earliest)} to {_clock(latest)} UTC"
        yield f"  {_printable(follower):24} {kind:17} {_printable(username):24} {window}"
    if more := sum(period["kinds"].values()) - len(newest):
        yield f"  and {_count(more, 'more change')}"
    if top := content["most_followed"][:5]:
        named = (f"{_printable(row[0])} ({row[1]:,})" for row in top)
        yield f"Most followed: {', '.join(named)}."
    outcomes = {k: n for k, n in content["lists"]["outcomes"].items() if k != "read"}
    if outcomes:
        parts = (f"{n:,} {k.replace('_', ' ')}" for k, n in outcomes.items())
        yield f"Could not be read: {', '.join(parts)}."
    yield period["sentence"]


def write(content: Row, path: Path) -> None:
    """Write the page, in one step, so that there is never half of it."""
    style, script = ((HERE / f"page.{kind}").read_text("utf-8") for kind in ("css", "js"))
    data = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    parts = {
        "style": style,
        "script": script,
        "style_hash": _hash(style),
        "script_hash": _hash(script),
        "data": data.replace("<", "\\u003c"),  # so that no name ends the element
    }
    page = (HERE / "page.html").read_text("utf-8")
    page = re.sub(r"\{\{(\w+)\}\}", lambda mark: parts[mark[1]], page)
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f"{path.name}.new")
    new.write_text(page, "utf-8", newline="\n")
    new.replace(path)


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _time(value: Any) -> datetime:
    """Return a time, as a database or JSON has it, in UTC and without a zone."""
    time = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    return time.astimezone(timezone.utc).replace(tzinfo=None) if time.tzinfo else time


def _seconds(value: Any) -> int | None:
    if value is None:
        return None
    return int(_time(value).replace(tzinfo=timezone.utc).timestamp())


def _sql(time: datetime) -> str:
    return f"timestamp '{time:%Y-%m-%d %H:%M:%S}'"


def _moment(value: Any) -> str:
    time = _time(value)
    return f"{time.day} {time:%B %Y, %H:%M}"


def _clock(seconds: int) -> str:
    time = datetime.fromtimestamp(seconds, timezone.utc)
    return f"{time.day} {time:%b %H:%M:%S}"


def _plain_number(value: Any) -> Any:
    return int(value) if isinstance(value, (Decimal, float)) else value


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _printable(text: str | None) -> str:
    """Return a text from outside without what a terminal could act on."""
    return "".join(letter for letter in text or "" if letter.isprintable())


if __name__ == "__main__":
    sys.exit(main())
