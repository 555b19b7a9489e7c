"""Ask the warehouse what the tap loaded: an example of how to use its tables."""

from pathlib import Path

import duckdb

STREAMS = ("research_following", "rapidapi_following", "research_scans", "rapidapi_scans")

BOTH_PROVIDERS = """
    USE tiktok;
    CREATE TEMP VIEW following AS
        SELECT 'research' AS provider, * FROM research_following
        UNION ALL BY NAME
        SELECT 'rapidapi' AS provider, * FROM rapidapi_following;
    CREATE TEMP VIEW scans AS
        SELECT 'research' AS provider, * FROM research_scans
        UNION ALL BY NAME
        SELECT 'rapidapi' AS provider, * FROM rapidapi_scans;
"""

WINDOWS = """
    SELECT DISTINCT ON (follower_username)
        provider, follower_username AS follower, username AS follows,
        followed_at_earliest AS "between (UTC)", followed_at_latest AS "and (UTC)"
    FROM following
    WHERE followed_at_earliest IS NOT NULL
    ORDER BY followed_at_latest - followed_at_earliest
    LIMIT 8
"""

NEWS = """
    SELECT provider, follower_username AS follower, username AS follows,
        previous_scanned_at AS "appeared between (UTC)", scanned_at AS "and (UTC)"
    FROM following JOIN scans USING (provider, follower_username, scanned_at)
    WHERE previous_scanned_at IS NOT NULL
    ORDER BY scanned_at DESC, provider DESC
    LIMIT 8
"""

OUTCOMES = """
    SELECT provider, outcome, count(*) AS scans, sum(requests) AS requests,
        sum(accounts_read) AS accounts_read, sum(accounts_sent) AS accounts_sent
    FROM scans
    GROUP BY ALL
    ORDER BY provider DESC, scans DESC, outcome
"""


def count_rows(path: Path) -> dict[str, int]:
    """Return the rows of each stream's table; none where there is no file or table yet."""
    counts = dict.fromkeys(STREAMS, 0)
    if not path.exists():
        return counts
    with duckdb.connect(path, read_only=True) as connection:
        for (table,) in connection.sql("SELECT table_name FROM duckdb_tables()").fetchall():
            counts[table] = len(connection.table(f"tiktok.{table}"))
    return counts


def show(path: Path, counts: list[dict[str, int]]) -> None:
    """Print how the tables grew over two runs, some follows, and the scans by outcome.

    Args:
        path: The DuckDB file.
        counts: What `count_rows` returned before, between and after the runs.
    """
    print("\nRows in the warehouse:")
    print(f"{'':22}{'before':>10}{'first run':>12}{'second run':>12}{'new':>8}")
    for stream in STREAMS:
        before, first, second = (count[stream] for count in counts)
        print(f"  {stream:20}{before:10,}{first:12,}{second:12,}{second - first:8,}")
    with duckdb.connect(path, read_only=True) as connection:
        connection.sql(BOTH_PROVIDERS)
        print("\nSome follows, each with the time in which it was made:")
        connection.sql(WINDOWS).show()
        print("The latest new follows:")
        connection.sql(NEWS).show()
        print("Scans, one per username and run, by outcome:")
        connection.sql(OUTCOMES).show()
