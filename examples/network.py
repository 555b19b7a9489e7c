"""The network of follows as files for Gephi, R or Python.

    python examples/network.py output/prod.duckdb               # the dbt models in DuckDB
    python examples/network.py postgresql://user@host/database  # the dbt models in PostgreSQL
    python examples/network.py output --models models.sql       # the files of target-jsonl

writes nodes.csv, edges.csv, network.graphml and network.gexf. A node is an account. An edge
says that one account follows another, or did. Nodes on the list of usernames are marked; with
`--usernames usernames.csv` they have the other columns of that file too. All times are UTC. In
the GEXF file each edge has spells, for the timeline of Gephi: a spell starts at the latest
time at which the follow can have been made, and ends at the latest time at which it can have
ended. The script needs duckdb, networkx and psycopg.
"""

from __future__ import annotations

import argparse
import csv
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import duckdb
import networkx as nx
import psycopg
from report.report import Failed, read_usernames

NODE = (
    *("label", "user_id", "display_name", "followers", "following"),
    *("verified", "is_private", "is_on_list"),
)
ACCOUNTS = """
    SELECT account_id, username, user_id, display_name, followers, following_total, verified,
        is_private, account_id IN (
            SELECT account_names.account_id
            FROM coverage JOIN account_names ON account_names.username = coverage.username
        ) AS is_on_list
    FROM accounts
"""

EDGE = (
    *("is_listed", "followed_at_earliest", "followed_at_latest", "first_seen", "last_seen"),
    "gone_at_latest",
)
SPELLS = """
    WITH by_account AS (
        SELECT edges.*, account_names.account_id AS follower_id, row_number() OVER (
            PARTITION BY account_names.account_id, edges.account_id ORDER BY known_at DESC
        ) AS place
        FROM edges JOIN account_names ON account_names.username = edges.follower_username
    )
    SELECT follower_id, account_id,
        coalesce(spells.followed_at_latest, spells.first_seen), spells.gone_at_latest,
        is_listed, edges.followed_at_earliest, edges.followed_at_latest,
        edges.first_seen, edges.last_seen, edges.gone_at_latest
    FROM by_account AS edges
    JOIN follow_spells AS spells USING (provider, follower_username, account_id)
    WHERE place = 1
    ORDER BY spells.spell
"""
"""A row for each spell, as the provider tells it that read the list last."""

COLUMNS = {
    "following": (
        *("follower_username", "scanned_at", "position", "followed_at_earliest"),
        *("followed_at_latest", "user_id", "username", "display_name", "website_url"),
        *("followers", "following", "total_likes", "total_videos", "verified", "is_private"),
        *("bio", "avatar_url", "avatar_thumb_url"),
    ),
    "scans": (
        *("follower_username", "scanned_at", "previous_scanned_at", "outcome", "reason"),
        *("whole_list", "accounts_read", "accounts_sent", "accounts_lost", "read_until"),
        *("read_down_to", "requests", "following_total", "cached"),
    ),
}
"""All of them are read as text, and given their types by the models."""

NOT_IN_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def main() -> None:
    """Read the follows that the command line names, and write them as files."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("source", help="DuckDB file, PostgreSQL URL or folder of JSONL files")
    parser.add_argument("--schema", help="schema of the dbt models")
    parser.add_argument("--into", type=Path, default=Path("network"), help="folder (network)")
    sql = "the dbt models as plain SQL, for a folder (models.sql)"
    parser.add_argument("--models", type=Path, default=Path("models.sql"), help=sql)
    columns = "the tap's CSV file of usernames, whose other columns the nodes get"
    parser.add_argument("--usernames", type=Path, help=columns)
    options = parser.parse_args()
    try:
        graph = network(*read(options.source, options.schema, options.models))
        more = mark(graph, options.usernames) if options.usernames else []
    except Failed as failed:
        sys.exit(str(failed))
    except (OSError, duckdb.Error, psycopg.Error) as error:
        why = str(error).splitlines()[0]
        sys.exit(f"The follows cannot be read ({why}): run the tap and `dbt build` first.")
    options.into.mkdir(parents=True, exist_ok=True)
    write(graph, options.into, more)
    print(f"{len(graph):,} accounts and {graph.size():,} follows are in {options.into}")


def read(source: str, schema: str | None, models: Path) -> tuple[list[Any], list[Any]]:
    """Return the rows of accounts, and those of spells."""
    if source.startswith(("postgres:", "postgresql:")):
        settings = f"-c timezone=UTC -c search_path={schema or 'public_tiktok_following'}"
        with psycopg.connect(source, options=settings) as postgres:
            return postgres.execute(ACCOUNTS).fetchall(), postgres.execute(SPELLS).fetchall()
    folder = Path(source)
    is_folder = folder.is_dir()
    with (
        models_of(folder, models)
        if is_folder
        else duckdb.connect(source, read_only=True) as db
    ):
        own = "tiktok_following" if is_folder else "main_tiktok_following"
        db.execute(f"SET schema = '{schema or own}'")
        return db.execute(ACCOUNTS).fetchall(), db.execute(SPELLS).fetchall()


def models_of(folder: Path, models: Path) -> duckdb.DuckDBPyConnection:
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
    db.execute(models.read_text("utf-8"))
    return db


def network(accounts: Iterable[Any], spells: Iterable[Any]) -> nx.DiGraph:
    """Return a graph with one edge for each pair, its spells among the edge's attributes."""
    graph = nx.DiGraph()
    for account_id, *values in accounts:
        graph.add_node(account_id, **known(NODE, values))
    for follower, followed, start, end, *values in spells:
        if not graph.has_edge(follower, followed):
            graph.add_edge(follower, followed, **known(EDGE, values), spells=[])
        graph.edges[follower, followed]["spells"].append((plain(start), plain(end)))
    return graph


def mark(graph: nx.DiGraph, usernames: Path) -> list[str]:
    """Give nodes the columns that the file has for their usernames; return the new columns."""
    listed = read_usernames(usernames)
    columns = dict.fromkeys(column for row in listed.values() for column in row)
    new = [column for column in columns if column not in NODE]
    for attributes in graph.nodes.values():
        row = listed.get(attributes.get("label", ""), {})
        attributes.update({column: plain(row[column]) for column in new if row.get(column)})
    return new


def known(names: Sequence[str], values: Sequence[Any]) -> dict[str, Any]:
    """Return attributes without nulls, which no format of graphs has."""
    pairs = zip(names, values, strict=True)
    return {name: plain(value) for name, value in pairs if value is not None}


def plain(value: Any) -> Any:
    """Return a value as XML and Gephi take it."""
    if isinstance(value, datetime):
        in_utc = value.astimezone(timezone.utc) if value.tzinfo else value
        return in_utc.strftime("%Y-%m-%dT%H:%M:%SZ")
    return NOT_IN_XML.sub("", value) if isinstance(value, str) else value


def write(graph: nx.DiGraph, folder: Path, more: Sequence[str] = ()) -> None:
    """Write the four files. The graph loses its spells, which only GEXF can hold.

    Args:
        graph: The network.
        folder: Where to write.
        more: Attributes that nodes have in addition to `NODE`.
    """
    nx.write_gexf(graph, folder / "network.gexf", prettyprint=False)
    for _, _, attributes in graph.edges.data():
        del attributes["spells"]
    nx.write_graphml(graph, folder / "network.graphml", prettyprint=False)
    nodes = ({"id": name, **attributes} for name, attributes in graph.nodes.data())
    edges = ({"source": a, "target": b, **more} for a, b, more in graph.edges.data())
    write_csv(folder / "nodes.csv", ("id", *NODE, *more), nodes)
    write_csv(folder / "edges.csv", ("source", "target", *EDGE), edges)


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """Write rows under a header; what is missing is left empty."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
