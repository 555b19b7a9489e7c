"""`python build.py WAREHOUSE FOLDER MODEL ...`: build the package; runs in .warehouses.

The folder has the tap's tables in tables.json. In a folder of the warehouse's name in it, the
rows of the models are written to rows.json.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timezone
from decimal import Decimal
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any, ClassVar

import duckdb
import fakesnow
import snowflake.connector
import sqlglot
from dbt.cli.main import dbtRunner
from pyspark.sql import SparkSession

HERE = Path(__file__).parent
PACKAGE = HERE.parents[1] / "dbt"
MODELS = "main_tiktok_following"
SEED = "tiktok_usernames_example"
KINDS = ("text", "integer", "boolean", "time")

Row = dict[str, Any]


class DuckDB:
    """A DuckDB file: what all others are compared with."""

    types = ("VARCHAR", "BIGINT", "BOOLEAN", "TIMESTAMP")

    def __init__(self) -> None:
        self.connection = duckdb.connect("warehouse.duckdb")
        self.connection.execute("SET TimeZone = 'UTC'")
        self.connection.execute("CREATE SCHEMA tiktok")

    def load(self, table: str, columns: dict[str, str], rows: list[list[Any]]) -> None:
        """Make a table of the tap."""
        typed = ", ".join(f'"{name}" {type_}' for name, type_ in columns.items())
        self.connection.execute(f"CREATE TABLE tiktok.{table} ({typed})")
        marks = ", ".join("?" for _ in columns)
        self.connection.executemany(f"INSERT INTO tiktok.{table} VALUES ({marks})", rows)  # noqa: S608

    def build(self) -> None:
        """Make the models, and test them."""
        self.connection.close()
        run_dbt("build", "duckdb")
        self.connection = duckdb.connect("warehouse.duckdb")

    def rows(self, model: str) -> list[Row]:
        """The rows of a model."""
        answer = self.connection.execute(f"FROM {MODELS}.{model}")
        return named([column[0] for column in answer.description], answer.fetchall())


class Transpiled(DuckDB):
    """The SQL that dbt makes for a warehouse, translated by sqlglot and run in DuckDB."""

    def __init__(self, dialect: str) -> None:
        super().__init__()
        self.dialect = dialect

    def build(self) -> None:
        """Compile without a connection; models and tests are kept in statements.json."""
        run_dbt("compile", self.dialect, "--no-introspect", "--no-populate-cache")
        nodes = json.loads(Path("target/manifest.json").read_text("utf-8"))["nodes"]
        models = {key: node for key, node in nodes.items() if key.startswith("model.")}
        reads = {key: models.keys() & n["depends_on"]["nodes"] for key, n in models.items()}
        ordered = [models[key] for key in TopologicalSorter(reads).static_order()]
        self.connection.execute(f"CREATE SCHEMA {MODELS}")
        seed = "read_csv(?, header = true, all_varchar = true, delim = ',')"
        path = str(PACKAGE / "seeds" / f"{SEED}.csv")
        self.connection.execute(f"CREATE TABLE {MODELS}.{SEED} AS FROM {seed}", [path])
        for model in ordered:
            kind, name = model["config"]["materialized"], model["alias"]
            [sql] = sqlglot.transpile(model["compiled_code"], self.dialect, "duckdb")
            self.connection.execute(f"CREATE {kind} {MODELS}.{name} AS {sql}")
        tests = [node for key, node in nodes.items() if key.startswith("test.")]
        statements = [
            {"table": f"warehouse.{MODELS}.{node['alias']}", "sql": node["compiled_code"]}
            for node in [*ordered, *tests]
        ]
        Path("statements.json").write_text(json.dumps(statements), "utf-8")


class Spark:
    """Spark in this process, its session in another time zone."""

    types = ("string", "bigint", "boolean", "timestamp")
    settings: ClassVar = {
        "spark.master": "local[2]",
        "spark.sql.catalogImplementation": "in-memory",
        "spark.sql.session.timeZone": "America/New_York",
        "spark.sql.shuffle.partitions": "1",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
    }

    def __init__(self) -> None:
        place = {"spark.sql.warehouse.dir": str(Path("spark").absolute())}
        settings = self.settings | place
        self.session = SparkSession.builder.config(map=settings).getOrCreate()
        self.session.sql("CREATE SCHEMA tiktok")

    def load(self, table: str, columns: dict[str, str], rows: list[list[Any]]) -> None:
        """Make a table of the tap."""
        typed = ", ".join(f"`{name}` {type_}" for name, type_ in columns.items())
        self.session.createDataFrame(rows, typed).write.saveAsTable(f"tiktok.{table}")

    def build(self) -> None:
        """Make the models, and test them."""
        run_dbt("build", "spark")

    def rows(self, model: str) -> list[Row]:
        """The rows of a model; Spark gives times in the time zone of this process."""
        rows = [row.asDict() for row in self.session.table(f"{MODELS}.{model}").collect()]
        return [
            {
                name: value.astimezone(timezone.utc) if isinstance(value, datetime) else value
                for name, value in row.items()
            }
            for row in rows
        ]


class Snowflake:
    """The emulator fakesnow: its server, which dbt connects to."""

    types = ("TEXT", "INT", "BOOLEAN", "TIMESTAMP_NTZ")

    def __init__(self, cursor: Any) -> None:
        self.cursor = cursor
        self.cursor.execute("CREATE DATABASE warehouse")
        self.cursor.execute("CREATE SCHEMA warehouse.tiktok")

    def load(self, table: str, columns: dict[str, str], rows: list[list[Any]]) -> None:
        """Make a table of the tap, its columns in upper case as all that is not quoted."""
        typed = ", ".join(f'"{name.upper()}" {type_}' for name, type_ in columns.items())
        self.cursor.execute(f"CREATE TABLE warehouse.tiktok.{table} ({typed})")
        marks = ", ".join("%s" for _ in columns)
        insert = f"INSERT INTO warehouse.tiktok.{table} VALUES ({marks})"  # noqa: S608
        self.cursor.executemany(insert, [[plain(value) for value in row] for row in rows])

    def build(self) -> None:
        """Make the models, and test them; fakesnow has no temporary tables for unit tests."""
        run_dbt("build", "snowflake", "--exclude-resource-type", "unit_test")

    def rows(self, model: str) -> list[Row]:
        """The rows of a model, as text: fakesnow gives 1970 for a time that is null."""
        table = f"warehouse.{MODELS}.{model}"
        self.cursor.execute(f"SELECT * FROM {table} LIMIT 0")  # noqa: S608
        columns = [
            f"TO_CHAR({column.name}) AS {column.name}"
            if column.type_code == TIME
            else column.name
            for column in self.cursor.description
        ]
        self.cursor.execute(f"SELECT {', '.join(columns)} FROM {table}")  # noqa: S608
        names = [column.name.lower() for column in self.cursor.description]
        return named(names, self.cursor.fetchall())


TIME = 8
"""Snowflake's number for TIMESTAMP_NTZ."""


@contextmanager
def open_warehouse(name: str) -> Iterator[Any]:
    """The warehouse of this name, empty."""
    if name == "snowflake":
        with fakesnow.server() as server, snowflake.connector.connect(**server) as connection:
            os.environ["FAKESNOW_PORT"] = str(server["port"])
            yield Snowflake(connection.cursor())
    elif name == "spark":
        yield Spark()
    else:
        yield DuckDB() if name == "duckdb" else Transpiled(name)


def run_dbt(command: str, target: str, *options: str) -> None:
    """Run dbt on the project in this folder, which has to succeed."""
    places = ["--project-dir", ".", "--profiles-dir", ".", "--target", target]
    for arguments in (["deps"], [command, *options]):
        answer = dbtRunner().invoke([*arguments, *places])
        if not answer.success:
            raise SystemExit(str(answer.exception or f"dbt {command} failed on {target}"))


def named(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[Row]:
    """Rows by the names of their columns."""
    return [dict(zip(names, row, strict=True)) for row in rows]


def plain(value: Any) -> Any:
    """A value as every warehouse gives it: whole numbers, and times in UTC without a zone."""
    if isinstance(value, Decimal):
        return int(value)
    if isinstance(value, datetime):
        in_utc = value.astimezone(timezone.utc) if value.tzinfo else value
        return f"{in_utc:%Y-%m-%d %H:%M:%S}"
    return value


def main(name: str, folder: Path, models: Sequence[str]) -> None:
    """Load, build, and write the rows of the models."""
    tables = json.loads((folder / "tables.json").read_text("utf-8"))
    shutil.copytree(HERE / "project", folder / name)
    os.chdir(folder / name)
    Path("packages.yml").write_text(f"packages: [{{local: {PACKAGE}}}]\n", "utf-8")
    with open_warehouse(name) as warehouse:
        types = dict(zip(KINDS, warehouse.types, strict=True))
        for table, content in tables.items():
            columns = {column: types[kind] for column, kind in content["types"].items()}
            times = [kind == "time" for kind in content["types"].values()]
            rows = [
                [
                    datetime.fromisoformat(value) if is_time and value else value
                    for is_time, value in zip(times, row, strict=True)
                ]
                for row in content["rows"]
            ]
            warehouse.load(table, columns, rows)
        warehouse.build()
        found = {model: warehouse.rows(model) for model in models}
    Path("rows.json").write_text(json.dumps(found, default=plain), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3:])
