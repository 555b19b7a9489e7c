"""dbt over the tables of one database: loading, building and reading."""

from __future__ import annotations

import hashlib
import json
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from tap_tiktok_following.tap import TapTikTokFollowing
from tests.documents import ROOT
from tests.e2e.warehouses import ELSEWHERE
from tests.harness import environment

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from tests.e2e.postgres import Postgres

PACKAGE = ROOT / "dbt"
PROGRAMS = ROOT / ".meltano" / "utilities" / "dbt-duckdb" / "venv" / "bin"
MODELS = [
    *("account_names", "follow_spells", "accounts", "follows", "edges", "follow_events"),
    *("follow_changes", "mutual_follows", "coverage", "whom_to_read_next"),
]
"""The tables, by the names that they have in the warehouse."""

QUIET = {
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    "DBT_LOG_LEVEL_FILE": "none",
    "DBT_WRITE_JSON": "false",
}
"""What dbt need not do in tests; writing takes it a second each time."""

Row = dict[str, Any]
Tables = dict[str, tuple[dict[str, Any], dict[tuple[Any, ...], Row]]]
"""By stream: its schema message, and its rows by key."""


class Driver:
    """A process in dbt's environment (see driver.py).

    Args:
        folder: Where it logs.
        shared: Where processes share what they have parsed.
    """

    def __init__(self, folder: Path, shared: Path) -> None:
        self.shared = shared
        if not PROGRAMS.exists():
            pytest.skip(f"{PROGRAMS} is missing: `make plugins` installs it")
        self._folder = folder
        with (folder / "driver.log").open("w") as log:
            self._process = subprocess.Popen(
                [PROGRAMS / "python", ROOT / "tests" / "dbt" / "driver.py"],
                cwd=folder,
                env=environment(TZ=ELSEWHERE, **QUIET),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                encoding="utf-8",
            )

    def call(self, name: str, *arguments: Any) -> Any:
        """The answer to a call."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        request = json.dumps({"call": name, "arguments": arguments}, default=str)
        self._process.stdin.write(request + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline() or "null")
        assert answer is not None, (self._folder / "driver.log").read_text(encoding="utf-8")
        assert "raised" not in answer, answer
        return answer

    def stop(self) -> None:
        """End the process."""
        self._process.communicate("")


@dataclass(frozen=True)
class Database:
    """Where tables and models are.

    Attributes:
        kind: The output of the package's profiles.yml.
        name: Its name in SQL.
        address: What connects to it.
        variables: The environment that the profile reads.
        types: The names of its types, by those of JSON Schema.
    """

    kind: str
    name: str
    address: str
    variables: dict[str, str]
    types: dict[str, str]

    DUCKDB: ClassVar[dict[str, str]] = {"date-time": "TIMESTAMP", "integer": "HUGEINT"}
    POSTGRES: ClassVar[dict[str, str]] = {"date-time": "TIMESTAMP", "integer": "BIGINT"}

    @classmethod
    def duckdb(cls, path: Path) -> Database:
        """A DuckDB file."""
        variables = {"TARGET_DUCKDB_PATH": str(path)}
        return cls("duckdb", path.stem, str(path), variables, dict(cls.DUCKDB))

    @classmethod
    def postgres(cls, server: Postgres, name: str) -> Database:
        """A database of a server."""
        variables = {
            "TARGET_POSTGRES_HOST": str(server.home),
            "TARGET_POSTGRES_DATABASE": name,
        }
        address = f"host={server.home} user=postgres dbname={name}"
        return cls("postgres", name, address, variables, dict(cls.POSTGRES))


@dataclass
class Project:
    """The package over one database.

    Attributes:
        driver: What runs dbt.
        database: Where it builds.
        folder: Where dbt writes what it compiles.
        variables: The package's variables.
    """

    driver: Driver
    database: Database
    folder: Path
    variables: dict[str, Any] = field(default_factory=dict)

    def dbt(self, *arguments: str, **variables: Any) -> Any:
        """Run a dbt command on the package, and return what came of it."""
        places = {
            "--project-dir": PACKAGE,
            "--profiles-dir": PACKAGE,
            "--target": self.database.kind,
            "--target-path": self.folder / "target",
            "--log-path": self.folder / "logs",
            "--vars": json.dumps(self.variables | variables),
        }
        options = [str(part) for option in places.items() for part in option]
        parts = (self.database.kind, self.database.name, self.variables | variables)
        digest = hashlib.blake2b(repr(parts).encode(), digest_size=8).hexdigest()
        parsed = self.driver.shared / f"{digest}.msgpack"
        return self.driver.call("dbt", arguments, options, self.database.variables, parsed)

    def build(self, *arguments: str, **variables: Any) -> dict[str, str]:
        """Build and test, which has to succeed; the status of each node."""
        return self._succeed("build", *arguments, **variables)

    def run(self, *arguments: str, **variables: Any) -> dict[str, str]:
        """Build without tests, which has to succeed; the status of each model."""
        return self._succeed("run", *arguments, **variables)

    def _succeed(self, *arguments: str, **variables: Any) -> dict[str, str]:
        answer = self.dbt(*arguments, **variables)
        bad = {
            name: node["message"]
            for name, node in answer["nodes"].items()
            if node["status"] not in {"success", "pass", "no-op"}
        }
        assert answer["success"], (bad, answer["error"])
        return {name: node["status"] for name, node in answer["nodes"].items()}

    def ask(self, sql: str) -> list[Row]:
        """The rows that a statement answers with."""
        return self.driver.call("ask", self.database.address, sql)  # type: ignore[no-any-return]

    def model(self, name: str) -> list[Row]:
        """The rows of a model."""
        schema = {"duckdb": "main", "postgres": "public"}[self.database.kind]
        return self.ask(f"SELECT * FROM {schema}_tiktok_following.{name}")  # noqa: S608

    def load(self, tables: Tables, *, schema: str = "tiktok", copies: int = 1) -> None:
        """Make the tables as a target does; without their keys and with copies if told."""
        self.ask(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
        self.ask(f"CREATE SCHEMA {schema}")
        for stream, (message, rows) in tables.items():
            properties = message["schema"]["properties"]
            columns = ", ".join(f'"{n}" {self._type(p)}' for n, p in properties.items())
            self.ask(f"CREATE TABLE {schema}.{stream} ({columns})")
            values = [[row.get(name) for name in properties] for row in rows.values()]
            marks = ", ".join("?" for _ in properties)
            insert = f"INSERT INTO {schema}.{stream} VALUES ({marks})"  # noqa: S608
            self.driver.call("ask", self.database.address, insert, values * copies)

    def _type(self, schema: Mapping[str, Any]) -> str:
        name = schema.get("format") or next(t for t in schema["type"] if t != "null")
        plain = {"boolean": "BOOLEAN", "string": "VARCHAR"}
        return (self.database.types | plain)[name]


def plain_sql(*providers: str) -> str:
    """What `make sql` prints for the tables of these providers."""
    command = [str(PROGRAMS / "python"), str(PACKAGE / "plain_sql.py"), *providers]
    variables = environment(**QUIET)
    return subprocess.run(
        command, check=True, env=variables, stdout=subprocess.PIPE, encoding="utf-8"
    ).stdout


def schemas(provider: str | None = None) -> Iterator[dict[str, Any]]:
    """The schema messages of the streams of one provider, or of all."""
    config = {"usernames": ["ada"], "research_access_token": "clt.1", "rapidapi_key": "key.1"}
    for name, stream in TapTikTokFollowing(config=config).streams.items():
        if provider and not name.startswith(provider):
            continue
        yield {
            "type": "SCHEMA",
            "stream": name,
            "schema": {"properties": dict(stream.schema["properties"])},
            "key_properties": list(stream.primary_keys),
        }


def gather(messages: Iterable[Mapping[str, Any]], tables: Tables | None = None) -> Tables:
    """The tables that an upserting target makes of messages, in addition to those given."""
    tables = {} if tables is None else tables
    for message in messages:
        if message["type"] == "SCHEMA":
            tables.setdefault(message["stream"], (dict(message), {}))
        elif message["type"] == "RECORD":
            schema, rows = tables[message["stream"]]
            record = message["record"]
            rows[tuple(record[name] for name in schema["key_properties"])] = record
    return tables
