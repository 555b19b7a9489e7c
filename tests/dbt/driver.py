"""Runs dbt in its own environment: one process for many runs, since importing dbt takes time.

A request is a line of JSON on stdin, and so is its answer on stdout; everything else that is
printed goes to stderr.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import sys
from pathlib import Path
from typing import Any

from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner
from dbt.contracts.graph.manifest import Manifest
from dbt.parser.manifest import extended_mashumaro_encoder, extended_mashumuro_decoder


def run_dbt(
    command: list[str], options: list[str], environment: dict[str, str], parsed: str
) -> dict[str, Any]:
    """Run a dbt command, and return the outcomes of its nodes by name, and what went wrong."""
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
    """Return the parsed package, which the first process that needs it writes to a file."""
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            manifest = dbtRunner().invoke(["parse", *options]).result
            if not isinstance(manifest, Manifest):
                return None
            path.write_bytes(manifest.to_msgpack(extended_mashumaro_encoder))
    return Manifest.from_msgpack(path.read_bytes(), decoder=extended_mashumuro_decoder)


if __name__ == "__main__":
    out = sys.stdout
    for line in sys.stdin:
        with contextlib.redirect_stdout(sys.stderr):
            answer = run_dbt(*json.loads(line))
        out.write(json.dumps(answer, default=str) + "\n")
        out.flush()
