"""Loading the tap's messages into DuckDB: types and keys as target-duckdb makes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import duckdb

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path


class Warehouse:
    """A DuckDB, in memory or in a file, with a schema `tiktok` that upserts by key."""

    def __init__(self, path: Path | str = ":memory:") -> None:
        self.connection = duckdb.connect(path)
        self.connection.execute(
            "SET TimeZone = 'Asia/Tokyo'; CREATE SCHEMA tiktok; USE tiktok"
        )
        self._columns: dict[str, list[str]] = {}

    def load(self, messages: Iterable[Mapping[str, Any]]) -> None:
        """Load the messages of one run."""
        for message in messages:
            if message["type"] == "SCHEMA":
                self._create(message)
            elif message["type"] == "RECORD":
                self._upsert(message["stream"], message["record"])

    def ask(self, statement: str) -> list[tuple[Any, ...]]:
        """The rows that a statement answers with."""
        return self.connection.execute(statement).fetchall()

    def _create(self, message: Mapping[str, Any]) -> None:
        properties = message["schema"]["properties"]
        self._columns[message["stream"]] = sorted(properties)
        columns = ", ".join(f"{name} {_type(properties[name])}" for name in sorted(properties))
        keys = ", ".join(message["key_properties"])
        self.connection.execute(
            f"CREATE TABLE IF NOT EXISTS {message['stream']} ({columns}, PRIMARY KEY ({keys}))"
        )

    def _upsert(self, stream: str, record: Mapping[str, Any]) -> None:
        values = [record.get(name) for name in self._columns[stream]]
        row = f"({', '.join('?' for _ in values)})"
        self.connection.execute(f"INSERT OR REPLACE INTO {stream} VALUES {row}", values)  # noqa: S608


def _type(schema: Mapping[str, Any]) -> str:
    if schema.get("format") == "date-time":
        return "TIMESTAMP"
    types = {"integer": "HUGEINT", "boolean": "BOOLEAN", "string": "VARCHAR"}
    return types[next(name for name in schema["type"] if name != "null")]
