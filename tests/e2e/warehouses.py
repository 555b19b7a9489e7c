"""What the targets of docs/targets.md have loaded: the rows of their tables."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

from tests.e2e.postgres import Postgres
from tests.warehouse import Row, Warehouse

TIMES = {
    *("scanned_at", "previous_scanned_at", "followed_at_earliest", "followed_at_latest"),
    *("read_until", "read_down_to"),
}


class Loaded:
    """The tables that a target has loaded.

    Args:
        title: The target's heading in docs/targets.md.
        folder: Where its file or folder is, if it has one.
        server: Where PostgreSQL's target loads to.
    """

    def __init__(self, title: str, folder: Path, server: Postgres | None = None) -> None:
        self._title = title
        self._files = folder / "follows"
        self._database = Warehouse(str(folder / "follows.duckdb"))
        if title == "PostgreSQL" and server:
            self._database = server.database("warehouse")

    def rows(self, stream: str) -> list[Row]:
        """Return all rows of a table; times are in UTC."""
        return [in_utc(row) for row in self._read(stream)]

    def _read(self, stream: str) -> Iterator[Row]:
        if self._title in {"DuckDB", "PostgreSQL"}:
            for row in self._database.rows(f"tiktok.{stream}"):
                yield {k: v for k, v in row.items() if not k.startswith("_sdc_")}
            return
        suffix = "csv" if self._title == "CSV" else "jsonl"
        for path in self._files.glob(f"{stream}-*.{suffix}"):
            with path.open(encoding="utf-8", newline="") as file:
                yield from csv.DictReader(file) if suffix == "csv" else map(json.loads, file)

    def keep(self, row: Row) -> Row:
        """Return a row as the target stores it."""
        if self._title == "DuckDB":  # in which an empty string is null
            return {name: None if value == "" else value for name, value in row.items()}
        if self._title == "CSV":  # in which everything is a string, and null an empty one
            kept = {name: "" if value is None else str(value) for name, value in row.items()}
            return kept | {name: row[name] or "" for name in row.keys() & TIMES}
        return row


def in_utc(row: Row) -> Row:
    """Return a row with times parsed; those without a zone are in UTC."""
    return row | {name: _moment(row[name]) for name in row.keys() & TIMES if row[name]}


def _moment(time: str | datetime) -> datetime:
    moment = datetime.fromisoformat(time) if isinstance(time, str) else time
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
