"""Ask the warehouse what the tap loaded and what dbt made of it: an example of its tables."""

from datetime import datetime
from pathlib import Path

import duckdb

STREAMS = ("research_following", "rapidapi_following", "research_scans", "rapidapi_scans")

EVENTS = """
    SELECT follower_username AS follower, username AS "{}",
        happened_at_earliest AS "between (UTC)", happened_at_latest AS "and (UTC)"
    FROM follow_events
    WHERE event = ? AND NOT is_repeat AND happened_at_earliest >= ?
    ORDER BY happened_at_latest - happened_at_earliest, follower_username, username
    LIMIT 5
"""

PAIRS = """
    SELECT relation, count(*) AS pairs FROM mutual_follows GROUP BY ALL ORDER BY pairs DESC
"""

COVERAGE = """
    SELECT provider, last_outcome, count(*) AS usernames, sum(scans)::int AS scans,
        sum(requests)::int AS requests, sum(follows_listed)::int AS follows_listed
    FROM coverage
    GROUP BY ALL
    ORDER BY provider DESC, usernames DESC, last_outcome
"""


def count_rows(path: Path) -> dict[str, int]:
    """Return the rows of each stream's table; none where there is no file or table yet."""
    counts = dict.fromkeys(STREAMS, 0)
    if not path.exists():
        return counts
    with duckdb.connect(path, read_only=True) as connection:
        tables = "SELECT table_name FROM duckdb_tables() WHERE schema_name = 'tiktok'"
        for (table,) in connection.sql(tables).fetchall():
            counts[table] = len(connection.table(f"tiktok.{table}"))
    return counts


def show(path: Path, counts: list[dict[str, int]], since: datetime) -> None:
    """Print how the tables grew over two runs, and what the models say.

    Args:
        path: The DuckDB file.
        counts: What `count_rows` returned before, between and after the runs.
        since: When the first run started: UTC, without a zone.
    """
    print("\nRows in the warehouse:")
    print(f"{'':22}{'before':>10}{'first run':>12}{'second run':>12}{'new':>8}")
    for stream in STREAMS:
        before, first, second = (count[stream] for count in counts)
        print(f"  {stream:20}{before:10,}{first:12,}{second:12,}{second - first:8,}")
    with duckdb.connect(path, read_only=True) as connection:
        connection.sql("SET schema = 'main_tiktok_following'")
        print("\nWho was followed between the two runs:")
        connection.sql(EVENTS.format("now follows"), params=["appeared", since]).show()
        print("Who was unfollowed:")
        connection.sql(
            EVENTS.format("follows no longer"), params=["disappeared", since]
        ).show()
        print("Pairs of accounts that were read, and follow each other or one the other:")
        connection.sql(PAIRS).show()
        print("What was read, by the outcome of the last visit:")
        connection.sql(COVERAGE).show()
