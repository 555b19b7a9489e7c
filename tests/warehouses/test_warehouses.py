"""The package in other warehouses: every table is that of DuckDB, row by row.

Spark is the real one. Snowflake is the emulator fakesnow. What dbt makes for BigQuery and
Redshift is translated for DuckDB, and Google's analyzer reads what it makes for BigQuery.
`make test-warehouses` sets up what this needs.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from random import Random
from typing import Any

import pytest

from sandbox import Sandbox
from tests.dbt.history import History
from tests.dbt.project import MODELS, QUIET
from tests.documents import ROOT
from tests.harness import emptied
from tests.scripts import WITHIN, run_script
from tests.warehouse import ELSEWHERE, Tables, gather, type_of

WORLDS = 40
"""In which much happens, beside that of the story."""

KINDS = {"string": "text", "integer": "integer", "boolean": "boolean"}
PROGRAMS = ROOT / ".warehouses"
VARIABLES = {**QUIET, "DBT_WRITE_JSON": "true", "TZ": ELSEWHERE}
ZETASQL = {
    "text": "TYPE_STRING",
    "integer": "TYPE_INT64",
    "boolean": "TYPE_BOOL",
    "time": "TYPE_TIMESTAMP",
}

Rows = dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def folder(server: Sandbox, story: Tables, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tap's tables, in a folder in which warehouses are built."""
    if not PROGRAMS.exists():
        pytest.skip(f"{PROGRAMS} is missing: `make test-warehouses` installs it")
    folder = tmp_path_factory.mktemp("warehouses")
    tables = deepcopy(story)
    for seed in range(WORLDS):
        gather(world(emptied(server), seed), tables)
    content = {stream: plain(*table) for stream, table in tables.items()}
    (folder / "tables.json").write_text(json.dumps(content), encoding="utf-8")
    return folder


def world(sandbox: Sandbox, seed: int) -> Iterator[dict[str, Any]]:
    """What the tap sends of a world whose names no other world has."""
    history, random = History(sandbox), Random(seed)  # noqa: S311
    history.live(random, random.randint(5, 30))
    for message in history.messages:
        record = message["record"]
        for name in ("follower_username", "username", "user_id"):
            if record.get(name):
                record[name] += f"{seed:03}"
        yield message


def plain(message: dict[str, Any], rows: dict[Any, dict[str, Any]]) -> dict[str, Any]:
    """Return the types of a table's columns, and its rows."""
    types = {
        name: "time" if schema.get("format") else KINDS[type_of(schema)]
        for name, schema in message["schema"]["properties"].items()
    }
    return {
        "types": types,
        "rows": [[row.get(name) for name in types] for row in rows.values()],
    }


@pytest.fixture(scope="module")
def expected(folder: Path) -> Rows:
    """The rows of all models in DuckDB."""
    rows = build("duckdb", folder)
    assert all(rows.values())
    return rows


def build(warehouse: str, folder: Path) -> Rows:
    """Return the rows of all models, in an order that does not depend on the warehouse."""
    script, python = "tests/warehouses/build.py", PROGRAMS / "bin" / "python"
    where = (warehouse, str(folder))
    run_script(script, *where, *MODELS, folder=folder, python=python, variables=VARIABLES)
    rows = json.loads((folder / warehouse / "rows.json").read_text(encoding="utf-8"))
    return {model: sorted(rows[model], key=json.dumps) for model in MODELS}


@pytest.mark.parametrize("warehouse", ["spark", "snowflake", "bigquery", "redshift"])
def test_tables_are_equal(warehouse: str, folder: Path, expected: Rows) -> None:
    built = build(warehouse, folder)
    for model in MODELS:
        assert built[model] == expected[model], model
    if warehouse == "bigquery":
        check_by_zetasql(folder)


def check_by_zetasql(folder: Path) -> None:
    """Google's analyzer takes the models and tests, and every column has a type."""
    models = "warehouse.main_tiktok_following"
    known = {f"{models}.tiktok_usernames_example": {"username": "TYPE_STRING"}}
    for name, table in json.loads((folder / "tables.json").read_text("utf-8")).items():
        types = {column: ZETASQL[kind] for column, kind in table["types"].items()}
        known[f"warehouse.tiktok.{name}"] = types
    statements = json.loads((folder / "bigquery" / "statements.json").read_text("utf-8"))
    analyzer = subprocess.run(
        [shutil.which("node") or "node", str(PROGRAMS / "zetasql" / "analyze.js")],
        check=False,
        input=json.dumps({"tables": known, "statements": statements}),
        capture_output=True,
        encoding="utf-8",
        timeout=WITHIN,
    )
    assert analyzer.returncode == 0, analyzer.stderr
    analyzed = json.loads(analyzer.stdout.splitlines()[-1])
    for model in MODELS:
        assert "TYPE_UNKNOWN" not in analyzed[f"{models}.{model}"].values()
