"""The package in other warehouses: every table is that of DuckDB, row by row.

Spark is the real one. Snowflake is the emulator fakesnow. What dbt makes for BigQuery and
Redshift is translated for DuckDB, and Google's analyzer reads what it makes for BigQuery.
`make test-warehouses` sets up what this needs.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from sandbox import Sandbox
from tests.dbt.project import MODELS, QUIET
from tests.documents import ROOT
from tests.scripts import WITHIN, run_script
from tests.warehouse import ELSEWHERE, Tables
from tests.warehouses.rows import tables

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
    content = json.dumps(tables(server, story))
    (folder / "tables.json").write_text(content, encoding="utf-8")
    return folder


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
