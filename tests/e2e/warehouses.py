"""What the targets have loaded: the rows of their tables."""

from __future__ import annotations

import csv
import json
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import duckdb

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tests.e2e.postgres import Postgres

Row = dict[str, Any]

ELSEWHERE = "Asia/Kolkata"
"""The time zone that pipelines and servers run in: no row may show it."""

TIMES = {
    *("scanned_at", "previous_scanned_at", "followed_at_earliest", "followed_at_latest"),
    *("read_until", "read_down_to"),
}


class Warehouse:
    """Tables that a target has loaded."""

    def rows(self, stream: str) -> list[Row]:
        """Return all rows of a table; times are in UTC."""
        return [in_utc(row) for row in self.read(stream)]

    def read(self, stream: str) -> Iterable[Row]:
        """Return all rows of a table."""
        raise NotImplementedError

    def keep(self, row: Row) -> Row:
        """Return a row as the target stores it."""
        return row


class DuckDB(Warehouse):
    """A file in which an empty text is null."""

    def __init__(self, path: Path, schema: str = "tiktok") -> None:
        self.path, self.schema = path, schema

    def read(self, stream: str) -> Iterable[Row]:
        with duckdb.connect(self.path, read_only=True) as connection:
            table = connection.table(f"{self.schema}.{stream}")
            return [dict(zip(table.columns, row, strict=True)) for row in table.fetchall()]

    def keep(self, row: Row) -> Row:
        return {name: None if value == "" else value for name, value in row.items()}


class JSONLines(Warehouse):
    """Files to which every run adds."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def read(self, stream: str) -> Iterable[Row]:
        for path in self.folder.glob(f"{stream}-*.jsonl"):
            yield from map(json.loads, path.read_text("utf-8").splitlines())


class CSV(Warehouse):
    """Files in which everything is text, and null is an empty one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def read(self, stream: str) -> Iterable[Row]:
        for path in self.folder.glob(f"{stream}-*.csv"):
            with path.open(encoding="utf-8", newline="") as file:
                yield from csv.DictReader(file)

    def keep(self, row: Row) -> Row:
        kept = {name: "" if value is None else str(value) for name, value in row.items()}
        return kept | {name: row[name] or "" for name in row.keys() & TIMES}


class PostgreSQL(Warehouse):
    """A database, with columns besides those of the tap."""

    def __init__(self, server: Postgres, schema: str = "tiktok") -> None:
        self.server, self.schema = server, schema

    def read(self, stream: str) -> Iterable[Row]:
        for row in self.server.rows(f"{self.schema}.{stream}"):
            yield {k: v for k, v in row.items() if not k.startswith("_sdc_")}


def loaded(title: str, folder: Path, server: Postgres) -> Warehouse:
    """Return what a target of docs/targets.md loads into a folder, or else a server."""
    if title == "PostgreSQL":
        return PostgreSQL(server)
    if title == "DuckDB":
        return DuckDB(folder / "follows.duckdb")
    return {"CSV": CSV, "JSON Lines": JSONLines}[title](folder / "follows")


def in_utc(row: Row) -> Row:
    """Return a row with times parsed; those without a zone are in UTC."""
    return row | {name: _moment(row[name]) for name in row.keys() & TIMES if row[name]}


def _moment(time: str | datetime) -> datetime:
    moment = datetime.fromisoformat(time) if isinstance(time, str) else time
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
