"""Runs in dbt's own environment: dbt, and SQL on the databases it builds in.

One process for many runs, since importing dbt takes time. A request is a line of JSON on
stdin, and so is its answer on stdout; everything else that is printed goes to stderr.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import sys
from pathlib import Path
from typing import Any

import duckdb
import psycopg2
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner
from dbt.contracts.graph.manifest import Manifest
from dbt.parser.manifest import extended_mashumaro_encoder, extended_mashumuro_decoder


def run_dbt(
    command: list[str], options: list[str], environment: dict[str, str], parsed: str
) -> dict[str, Any]:
    """Run a dbt command; the outcomes of its nodes by name, and what went wrong."""
    os.environ.update(environment)
    manifest = None if command == ["parse"] else parse(Path(parsed), options)
    answer = dbtRunner(manifest).invoke([*command, *options])
    DuckDBConnectionManager.close_all_connections()  # or other processes find the file locked
    results = getattr(answer.result, "results", None) or []
    return {
        "success": answer.success,
        "error": str(answer.exception or ""),
        "nodes": {
            getattr(result.node, "name", ""): {
                "status": str(getattr(result.status, "value", result.status)),
                "message": str(result.message or ""),
            }
            for result in results
        },
    }


def parse(path: Path, options: list[str]) -> Manifest | None:
    """What dbt makes of the package, parsed by the first that asks; None if it can't be."""
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            manifest = dbtRunner().invoke(["parse", *options]).result
            if not isinstance(manifest, Manifest):
                return None
            path.write_bytes(manifest.to_msgpack(extended_mashumaro_encoder))
    return Manifest.from_msgpack(path.read_bytes(), decoder=extended_mashumuro_decoder)


def ask(database: str, sql: str, rows: list[list[Any]] | None = None) -> list[dict[str, Any]]:
    """Run a statement, once for each of these rows of values if given; its answer."""
    if database.endswith(".duckdb"):
        with duckdb.connect(database) as connection:
            return _run(connection, sql, rows)
    with contextlib.closing(psycopg2.connect(database)) as connection:
        connection.autocommit = True
        return _run(connection.cursor(), sql.replace("?", "%s"), rows)


def _run(cursor: Any, sql: str, rows: list[list[Any]] | None) -> list[dict[str, Any]]:
    if rows is not None:
        if rows:
            cursor.executemany(sql, rows)
        return []
    cursor.execute(sql)
    if not cursor.description:
        return []
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def main() -> None:
    """Answer requests until stdin ends."""
    calls: dict[str, Any] = {"dbt": run_dbt, "ask": ask}
    out = sys.stdout
    for line in sys.stdin:
        request = json.loads(line)
        with contextlib.redirect_stdout(sys.stderr):
            try:
                answer: Any = calls[request["call"]](*request["arguments"])
            except Exception as error:  # noqa: BLE001 - whatever it is, the test shows it
                answer = {"raised": f"{type(error).__name__}: {error}"}
        out.write(json.dumps(answer, default=str) + "\n")
        out.flush()


if __name__ == "__main__":
    main()
