"""The package in other warehouses: every table is that of DuckDB, row by row.

Spark is the real one. Snowflake is the emulator fakesnow. What dbt makes for BigQuery and
Redshift is translated for DuckDB, and Google's analyzer reads what it makes for BigQuery.
`make test-warehouses` sets up what this needs.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from sandbox import Sandbox, World
from tests.dbt.project import MODELS, QUIET
from tests.documents import ROOT
from tests.harness import environment
from tests.warehouses.rows import tables

if TYPE_CHECKING:
    from pathlib import Path

HERE = ROOT / "tests" / "warehouses"
PROGRAMS = ROOT / ".warehouses"
WITHIN = 600
ZETASQL = {
    "text": "TYPE_STRING",
    "integer": "TYPE_INT64",
    "boolean": "TYPE_BOOL",
    "time": "TYPE_TIMESTAMP",
}

Rows = dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tap's tables, in a folder in which warehouses are built."""
    if not PROGRAMS.exists():
        pytest.skip(f"{PROGRAMS} is missing: `make test-warehouses` installs it")
    folder = tmp_path_factory.mktemp("warehouses")
    with Sandbox(World.of({})) as sandbox:
        content = json.dumps(tables(sandbox))
    (folder / "tables.json").write_text(content, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def expected(folder: Path) -> Rows:
    """The rows of all models in DuckDB."""
    rows = build("duckdb", folder)
    assert all(rows.values())
    return rows


def build(warehouse: str, folder: Path) -> Rows:
    """The rows of all models, in an order that does not depend on the warehouse."""
    command = [str(PROGRAMS / "bin" / "python"), str(HERE / "build.py"), warehouse]
    with (folder / f"{warehouse}.log").open("w+", encoding="utf-8") as log:
        ended = subprocess.run(
            [*command, str(folder), *MODELS],
            check=False,
            cwd=folder,
            env=environment(TZ="Asia/Kolkata", **QUIET | {"DBT_WRITE_JSON": "true"}),
            stdout=log,
            stderr=log,
            timeout=WITHIN,
        )
        log.seek(0)
        assert ended.returncode == 0, log.read()
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
    sources = json.loads((folder / "tables.json").read_text(encoding="utf-8"))
    seed = {
        "warehouse.main_tiktok_following.tiktok_usernames_example": {"username": "TYPE_STRING"}
    }
    request = {
        "tables": seed
        | {
            f"warehouse.tiktok.{name}": {
                c: ZETASQL[type_] for c, type_ in table["types"].items()
            }
            for name, table in sources.items()
        },
        "statements": json.loads(
            (folder / "bigquery" / "statements.json").read_text(encoding="utf-8")
        ),
    }
    answer = subprocess.run(
        [shutil.which("node") or "node", str(PROGRAMS / "zetasql" / "analyze.js")],
        check=False,
        input=json.dumps(request),
        capture_output=True,
        encoding="utf-8",
        timeout=WITHIN,
    )
    assert answer.returncode == 0, answer.stderr
    analyzed = json.loads(answer.stdout.splitlines()[-1])
    for model in MODELS:
        assert (
            "TYPE_UNKNOWN" not in analyzed[f"warehouse.main_tiktok_following.{model}"].values()
        )
