"""The network of follows as files for Gephi, R or Python.

    python examples/network.py output/prod.duckdb               # the dbt models in DuckDB
    python examples/network.py postgresql://user@host/database  # the dbt models in PostgreSQL
    python examples/network.py output                           # the files of target-jsonl

writes nodes.csv, edges.csv, network.graphml and network.gexf. A node is an account. An edge
says that one account follows another, or did. All times are UTC. In the GEXF file each edge
has spells, for the timeline of Gephi: a spell starts at the latest time at which the follow
can have been made, and ends at the latest time at which it can have ended. Each row is
written as soon as it is read, so the script does not hold the network in memory. It needs
duckdb and psycopg.
"""

from __future__ import annotations

import argparse
import csv
import re
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

import duckdb
import psycopg

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import TextIO

TEXT, COUNT, YES_OR_NO = "string", "long", "boolean"
NODE = {
    "label": TEXT,
    "user_id": TEXT,
    "display_name": TEXT,
    "followers": COUNT,
    "following": COUNT,
    "verified": YES_OR_NO,
    "is_private": YES_OR_NO,
}
ACCOUNTS = """
    SELECT account_id, username, user_id, display_name, followers, following, verified,
        is_private
    FROM accounts
"""

EDGE = {
    "is_listed": YES_OR_NO,
    "followed_at_earliest": TEXT,
    "followed_at_latest": TEXT,
    "first_seen": TEXT,
    "last_seen": TEXT,
    "gone_before": TEXT,
}
EDGES = """
    WITH spells AS (
        SELECT provider, follower_username, account_id,
            array_agg(coalesce(followed_at_latest, first_seen) ORDER BY spell) AS starts,
            array_agg(gone_before ORDER BY spell) AS ends
        FROM follow_spells
        GROUP BY provider, follower_username, account_id
    ),
    by_account AS (
        SELECT edges.*, account_names.account_id AS follower_id, row_number() OVER (
            PARTITION BY account_names.account_id, edges.account_id ORDER BY known_at DESC
        ) AS place
        FROM edges JOIN account_names ON account_names.username = edges.follower_username
    )
    SELECT follower_id, account_id, starts, ends, is_listed, followed_at_earliest,
        followed_at_latest, first_seen, last_seen, gone_before
    FROM by_account JOIN spells USING (provider, follower_username, account_id)
    WHERE place = 1
"""
"""A row for each pair, as the provider tells it that read the list last."""

MODELS = Path(__file__).parents[1] / "docs" / "analysis.sql"
"""The dbt models as plain SQL."""

COLUMNS = {
    "following": (
        *("follower_username", "scanned_at", "position", "followed_at_earliest"),
        *("followed_at_latest", "user_id", "username", "display_name", "website_url"),
        *("followers", "following", "total_likes", "total_videos", "verified", "is_private"),
        *("bio", "avatar_url", "avatar_thumb_url"),
    ),
    "scans": (
        *("follower_username", "scanned_at", "previous_scanned_at", "outcome", "reason"),
        *("whole_list", "accounts_read", "accounts_sent", "accounts_gone", "read_until"),
        *("read_down_to", "requests", "following_total", "cached"),
    ),
}
"""All of them are read as text, and given their types by the models."""

NOT_IN_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
IN_XML = {'"': "&quot;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;"}

GRAPHML = """<?xml version="1.0" encoding="UTF-8"?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns">
{node}
{edge}
<graph edgedefault="directed">
"""
GEXF = """<?xml version="1.0" encoding="UTF-8"?>
<gexf xmlns="http://www.gexf.net/1.2draft" version="1.2">
<graph defaultedgetype="directed" mode="dynamic" timeformat="date">
<attributes class="node">
{node}
</attributes>
<attributes class="edge">
{edge}
</attributes>
<nodes>
"""


def main() -> None:
    """Read the follows that the command line names, and write them as files."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("source", help="DuckDB file, PostgreSQL URL or folder of JSONL files")
    parser.add_argument("--schema", help="schema of the dbt models")
    parser.add_argument("--into", type=Path, default=Path("network"), help="folder (network)")
    options = parser.parse_args()
    options.into.mkdir(parents=True, exist_ok=True)
    with models_in(options.source, options.schema) as database:
        accounts, follows = write(database, options.into)
    print(f"{accounts:,} accounts and {follows:,} follows are in {options.into}")


def models_in(source: str, schema: str | None) -> Any:
    """Return a connection to the database with the models."""
    if source.startswith(("postgres:", "postgresql:")):
        settings = f"-c search_path={schema or 'public_tiktok_following'}"
        return psycopg.connect(source, options=settings)
    folder = Path(source)
    own = "tiktok_following" if folder.is_dir() else "main_tiktok_following"
    db = models_of(folder) if folder.is_dir() else duckdb.connect(source, read_only=True)
    db.execute(f"SET schema = '{schema or own}'")
    return db


def models_of(folder: Path) -> duckdb.DuckDBPyConnection:
    """Return a database in memory with the models of what target-jsonl wrote to a folder."""
    db = duckdb.connect(":memory:")
    db.execute("CREATE SCHEMA tiktok")
    for stream in ("following", "scans"):
        for table in (f"research_{stream}", f"rapidapi_{stream}"):
            columns = dict.fromkeys(COLUMNS[stream], "VARCHAR")
            db.execute(f"CREATE TABLE tiktok.{table} ({' TEXT, '.join(columns)} TEXT)")
            if files := sorted(map(str, folder.glob(f"{table}*.jsonl"))):
                read = f"read_json(?, format = 'newline_delimited', columns = {columns})"
                db.execute(f"INSERT INTO tiktok.{table} FROM {read}", [files])
    db.execute(MODELS.read_text("utf-8"))
    return db


def write(database: Any, folder: Path) -> tuple[int, int]:
    """Write the four files, and return the numbers of accounts and of follows."""
    with (
        new(folder / "nodes.csv") as nodes,
        new(folder / "edges.csv") as edges,
        new(folder / "network.graphml") as graphml,
        new(folder / "network.gexf") as gexf,
    ):
        graphml.write(
            head(GRAPHML, '<key id="{0}" for="{2}" attr.name="{0}" attr.type="{1}"/>')
        )
        gexf.write(head(GEXF, '<attribute id="{0}" title="{0}" type="{1}"/>'))
        accounts = write_nodes(rows(database, ACCOUNTS), csv.writer(nodes), graphml, gexf)
        gexf.write("</nodes>\n<edges>\n")
        follows = write_edges(rows(database, EDGES), csv.writer(edges), graphml, gexf)
        gexf.write("</edges>\n</graph>\n</gexf>\n")
        graphml.write("</graph>\n</graphml>\n")
    return accounts, follows


def new(path: Path) -> TextIO:
    """Open a file to write it."""
    return path.open("w", encoding="utf-8", newline="")


def head(template: str, attribute: str) -> str:
    """Return the start of a file, which declares the attributes and their types."""
    return template.format(
        node="\n".join(attribute.format(*pair, "node") for pair in NODE.items()),
        edge="\n".join(attribute.format(*pair, "edge") for pair in EDGE.items()),
    )


def rows(database: Any, query: str) -> Iterator[list[Any]]:
    """Yield the rows of a query, of which few are in memory at a time."""
    for row in fetch(database, query):
        yield [plain(value) for value in row]


def fetch(database: Any, query: str) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of a query as the database has them."""
    if isinstance(database, duckdb.DuckDBPyConnection):
        yield from iter(database.execute(query).fetchone, None)
        return
    with database.cursor("rows") as cursor:
        cursor.itersize = 10_000
        yield from cursor.execute(query)


def plain(value: Any) -> Any:
    """Return a value as XML and Gephi take it."""
    if isinstance(value, datetime):
        return f"{value.isoformat()}Z"
    return NOT_IN_XML.sub("", value) if isinstance(value, str) else value


def write_nodes(
    accounts: Iterable[list[Any]], table: Any, graphml: TextIO, gexf: TextIO
) -> int:
    """Write the accounts, and return their number."""
    table.writerow(("id", *NODE))
    number = 0
    for account, *values in accounts:
        number += 1
        table.writerow((account, *values))
        node, known = f'<node id="{xml(account)}"', attributes(NODE, values)
        graphml.write(f"{node}>{data(known)}</node>\n")
        label = known.pop("label", xml(account))
        gexf.write(f'{node} label="{label}">{attvalues(known)}</node>\n')
    return number


def write_edges(
    follows: Iterable[list[Any]], table: Any, graphml: TextIO, gexf: TextIO
) -> int:
    """Write the follows, and return their number."""
    table.writerow(("source", "target", *EDGE))
    number = 0
    for source, target, starts, ends, *values in follows:
        number += 1
        table.writerow((source, target, *values))
        edge = f'<edge source="{xml(source)}" target="{xml(target)}"'
        known = attributes(EDGE, values)
        graphml.write(f"{edge}>{data(known)}</edge>\n")
        spells = "".join(map(spell, starts, ends))
        more = f"<spells>{spells}</spells>{attvalues(known)}"
        gexf.write(f'{edge} id="{number}">{more}</edge>\n')
    return number


def attributes(names: Iterable[str], values: Iterable[Any]) -> dict[str, str]:
    """Return attributes without nulls, which no format of graphs has."""
    pairs = zip(names, values, strict=True)
    return {name: xml(value) for name, value in pairs if value is not None}


def xml(value: Any) -> str:
    """Return a value as it stands in XML."""
    return escape(value, IN_XML) if isinstance(value, str) else str(value).lower()


def data(known: Mapping[str, str]) -> str:
    """Return attributes as GraphML has them."""
    return "".join(f'<data key="{name}">{value}</data>' for name, value in known.items())


def attvalues(known: Mapping[str, str]) -> str:
    """Return attributes as GEXF has them."""
    pairs = known.items()
    values = (f'<attvalue for="{name}" value="{value}"/>' for name, value in pairs)
    return f"<attvalues>{''.join(values)}</attvalues>"


def spell(start: datetime, end: datetime | None) -> str:
    """Return a time for which an edge was there, as GEXF has it."""
    until = f' end="{plain(end)}"' if end else ""
    return f'<spell start="{plain(start)}"{until}/>'


if __name__ == "__main__":
    main()
