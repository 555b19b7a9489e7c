"""Runs in dbt's own environment: dbt, and SQL on the databases it builds in.

One process for many runs, since importing dbt takes time. A request is a line of JSON on
stdin, and so is its answer on stdout; everything else that is printed goes to stderr.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from typing import Any

import duckdb
import psycopg2
from dbt.cli.main import dbtRunner


def run_dbt(arguments: list[str], environment: dict[str, str]) -> dict[str, Any]:
    """Run a dbt command; the outcomes of its nodes by name, and what went wrong."""
    os.environ.update(environment)
    answer = dbtRunner().invoke(arguments)
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
