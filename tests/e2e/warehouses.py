"""The targets under test: their settings, and the rows of their tables."""

from __future__ import annotations

import csv
import json
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import duckdb

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.lists import Row
    from tests.e2e.postgres import Postgres

ELSEWHERE = "Asia/Kolkata"
"""The time zone that pipelines and servers run in: no row may show it."""

TIMES = {
    "scanned_at",
    "previous_scanned_at",
    "followed_at_earliest",
    "followed_at_latest",
    "read_until",
    "read_down_to",
}


class Warehouse(Protocol):
    """What is the same for every target.

    Attributes:
        target: Its command.
    """

    target: ClassVar[str]

    def config(self, load: int) -> dict[str, Any]:
        """Return its settings for a load; the first has number 1."""

    def rows(self, stream: str) -> list[Row]:
        """Return all rows of a table; times are in UTC."""

    def keep(self, row: Row) -> Row:
        """Return a row as the target stores it."""


class DuckDB:
    """Upserts; an empty text becomes null."""

    target: ClassVar[str] = "target-duckdb"

    def __init__(self, folder: Path, name: str = "warehouse.duckdb") -> None:
        self.path = folder / name

    def config(self, load: int) -> dict[str, Any]:  # noqa: ARG002
        return {"path": str(self.path), "default_target_schema": "tiktok"}

    def rows(self, stream: str, schema: str = "tiktok") -> list[Row]:
        with duckdb.connect(self.path, read_only=True) as connection:
            table = connection.table(f"{schema}.{stream}")
            rows = [dict(zip(table.columns, row, strict=True)) for row in table.fetchall()]
        return [in_utc(row) for row in rows]

    def keep(self, row: Row) -> Row:
        return {name: None if value == "" else value for name, value in row.items()}


class JSONL:
    """Appends."""

    target: ClassVar[str] = "target-jsonl"

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def config(self, load: int) -> dict[str, Any]:  # noqa: ARG002
        return {"destination_path": str(self.folder), "do_timestamp_file": False}

    def rows(self, stream: str) -> list[Row]:
        paths = self.folder.glob(f"{stream}*.jsonl")
        lines = [line for path in paths for line in path.read_text("utf-8").splitlines()]
        return [in_utc(json.loads(line)) for line in lines]

    def keep(self, row: Row) -> Row:
        return row


class CSV:
    """Writes a file a load; everything is text, and null is an empty one."""

    target: ClassVar[str] = "target-csv"

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def config(self, load: int) -> dict[str, Any]:
        scheme = f"{{stream_name}}.{load}.csv"
        return {"output_path": str(self.folder), "file_naming_scheme": scheme}

    def rows(self, stream: str) -> list[Row]:
        rows: list[Row] = []
        for path in self.folder.glob(f"{stream}[.-]*.csv"):
            with path.open(encoding="utf-8", newline="") as file:
                rows += csv.DictReader(file)
        return [in_utc(row) for row in rows]

    def keep(self, row: Row) -> Row:
        kept = {name: "" if value is None else str(value) for name, value in row.items()}
        return kept | {name: row[name] or "" for name in row.keys() & TIMES}


class PostgreSQL:
    """Upserts; appends where a stream has no keys.

    Args:
        server: The server.
        schema: Where its tables are.
    """

    target: ClassVar[str] = "target-postgres"

    def __init__(self, server: Postgres, schema: str) -> None:
        self.server = server
        self.schema = schema

    def config(self, load: int) -> dict[str, Any]:  # noqa: ARG002
        return {"sqlalchemy_url": self.server.url, "default_target_schema": self.schema}

    def rows(self, stream: str) -> list[Row]:
        rows = self.server.rows(f"{self.schema}.{stream}")
        return [in_utc(without_metadata(row)) for row in rows]

    def keep(self, row: Row) -> Row:
        return row


def without_metadata(row: Row) -> Row:
    """Return a row without the columns that the target adds."""
    return {name: value for name, value in row.items() if not name.startswith("_sdc_")}


def in_utc(row: Row) -> Row:
    """Return a row with times parsed; those without a zone are in UTC."""
    return row | {name: _moment(row[name]) for name in row.keys() & TIMES if row[name]}


def _moment(time: str | datetime) -> datetime:
    moment = datetime.fromisoformat(time) if isinstance(time, str) else time
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
