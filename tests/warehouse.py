"""The tap's tables in DuckDB or PostgreSQL: types and keys as targets make them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import psycopg

from tap_tiktok_following.tap import TapTikTokFollowing

Row = dict[str, Any]
Tables = dict[str, tuple[dict[str, Any], dict[tuple[Any, ...], Row]]]
"""By stream: its schema message, and its rows by key."""

ELSEWHERE = "Asia/Kolkata"
"""The time zone of sessions, pipelines and servers: no row may show it."""

OLDEST = {"storage_compatibility_version": "v1.2.0"}
"""dbt's DuckDB, which is older than that of the tests, reads the file too."""


def schemas(provider: str = "") -> Iterator[dict[str, Any]]:
    """Yield the schema messages of the streams of one provider, or of all."""
    config = {"usernames": ["ada"], "research_access_token": "clt.1", "rapidapi_key": "key.1"}
    for name, stream in TapTikTokFollowing(config=config).streams.items():
        if name.startswith(provider):
            yield {
                "type": "SCHEMA",
                "stream": name,
                "schema": {"properties": dict(stream.schema["properties"])},
                "key_properties": list(stream.primary_keys),
            }


def type_of(schema: Mapping[str, Any]) -> str:
    """Return the type of a property that may be null."""
    types: list[str] = schema["type"]
    return next(name for name in types if name != "null")


def gather(messages: Iterable[Mapping[str, Any]], tables: Tables | None = None) -> Tables:
    """Return the tables that an upserting target makes of messages, added to those given."""
    tables = {} if tables is None else tables
    for message in messages:
        if message["type"] == "SCHEMA":
            tables.setdefault(message["stream"], (dict(message), {}))
        elif message["type"] == "RECORD":
            schema, rows = tables[message["stream"]]
            record = message["record"]
            rows[tuple(record[name] for name in schema["key_properties"])] = record
    return tables


def pairs(rows: Iterable[Row]) -> list[tuple[str, str]]:
    """Return *follower, followed* of rows, in order."""
    return sorted((row["follower_username"], row["username"]) for row in rows)


@dataclass(frozen=True)
class Warehouse:
    """A database; every statement has a session of its own.

    Attributes:
        address: A DuckDB file, or the URL of a PostgreSQL database.
    """

    address: str

    @property
    def is_postgres(self) -> bool:
        """Whether it is PostgreSQL, not DuckDB."""
        return self.address.startswith("postgresql:")

    @property
    def models_schema(self) -> str:
        """The schema that the package's own dbt profile makes the models in."""
        return f"{'public' if self.is_postgres else 'main'}_tiktok_following"

    def load(
        self,
        tables: Tables,
        *,
        schema: str = "tiktok",
        times: str = "TIMESTAMP",
        copies: int = 1,
    ) -> None:
        """Make the tables in a new schema, with this type of times and copies of each row."""
        integers = "BIGINT" if self.is_postgres else "HUGEINT"
        types = {"integer": integers, "boolean": "BOOLEAN", "string": "VARCHAR"}
        mark = "%s" if self.is_postgres else "?"
        self.ask(f"DROP SCHEMA IF EXISTS {schema} CASCADE; CREATE SCHEMA {schema}")
        with closing(self._connect()) as connection:
            for stream, (message, rows) in tables.items():
                properties = message["schema"]["properties"]
                columns = ", ".join(
                    f'"{name}" {times if "format" in each else types[type_of(each)]}'
                    for name, each in properties.items()
                )
                connection.execute(f"CREATE TABLE {schema}.{stream} ({columns})")
                marks = ", ".join(mark for _ in properties)
                insert = f"INSERT INTO {schema}.{stream} VALUES ({marks})"  # noqa: S608
                values = [[row.get(name) for name in properties] for row in rows.values()]
                if values:
                    connection.cursor().executemany(insert, values * copies)

    def build(self, models: Path) -> None:
        """Make the models with plain SQL, where dbt makes them."""
        sql = models.read_text(encoding="utf-8")
        self.ask(sql.replace("tiktok_following", self.models_schema))

    def ask(self, statement: str) -> list[tuple[Any, ...]]:
        """Run a statement, and return its rows."""
        with closing(self._connect()) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def rows(self, table: str) -> list[Row]:
        """Return the rows of a table by the names of its columns."""
        with closing(self._connect()) as connection:
            cursor = connection.execute(f"SELECT * FROM {table}")  # noqa: S608 - our tables
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def model(self, name: str) -> list[Row]:
        """Return the rows of a model."""
        return self.rows(f"{self.models_schema}.{name}")

    def _connect(self) -> Any:
        if self.is_postgres:
            return psycopg.connect(self.address, autocommit=True)
        connection = duckdb.connect(self.address, config=dict(OLDEST))
        connection.execute(f"SET TimeZone = '{ELSEWHERE}'")
        return connection
