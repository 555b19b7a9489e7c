"""`python -m tests.dbt.plain_sql`: write docs/analysis.sql, the models without dbt."""

from __future__ import annotations

import json
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tests.dbt.project import Database, Driver, Project, gather, schemas
from tests.documents import ROOT

if TYPE_CHECKING:
    from typing import Any

PATH = ROOT / "docs" / "analysis.sql"

HEAD = """\
-- The models of the dbt package in dbt/ as plain SQL, for DuckDB and PostgreSQL: generated
-- from them, and held to them by a test. Run it again after each load. The tap's tables are
-- in the schema tiktok, those of both providers with all columns; the models are made in the
-- schema tiktok_following. For anything else, compile the package (see analysis.md).

CREATE SCHEMA IF NOT EXISTS tiktok_following;

"""


def generate(project: Project) -> str:
    """The statements of all models, in their order, for tables of both providers."""
    project.load(gather(schemas()))
    answer = project.dbt("compile", "--write-json")
    assert answer["success"], answer
    manifest = json.loads((project.folder / "target" / "manifest.json").read_text("utf-8"))
    models = [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]
    statements = [_statement(model) for model in _in_order(models)]
    drops = [
        f"DROP {_kind(model)} IF EXISTS tiktok_following.{model['alias']} CASCADE;\n"
        for model in _in_order(models)
    ]
    return HEAD + "".join([*drops, "\n", *statements]).rstrip("\n") + "\n"


def _in_order(models: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each after those it depends on; by name where that leaves a choice."""
    left = {model["unique_id"]: model for model in sorted(models, key=lambda m: m["name"])}
    ordered: list[dict[str, Any]] = []
    while left:
        ready = next(
            model
            for model in left.values()
            if not left.keys() & set(model["depends_on"]["nodes"])
        )
        ordered.append(left.pop(ready["unique_id"]))
    return ordered


def _kind(model: dict[str, Any]) -> str:
    return str(model["config"]["materialized"]).upper()


def _statement(model: dict[str, Any]) -> str:
    code = re.sub(r'"[^".]+"\."(?:main_)?(\w+)"\."(\w+)"', r"\1.\2", model["compiled_code"])
    lines = [line.rstrip() for line in code.strip().splitlines()]
    body = re.sub(r"\n{2,}", "\n\n", "\n".join(lines))
    return f"CREATE {_kind(model)} tiktok_following.{model['alias']} AS\n{body};\n\n\n"


def main() -> None:
    """Write the file."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        driver = Driver(folder, folder)
        database = Database.duckdb(folder / "warehouse.duckdb")
        try:
            PATH.write_text(generate(Project(driver, database, folder)), encoding="utf-8")
        finally:
            driver.stop()


if __name__ == "__main__":
    main()
