"""Print the models as plain SQL for DuckDB and PostgreSQL, for the tables of these providers.

    python dbt/plain_sql.py research rapidapi > models.sql

The tap's tables are in the schema tiktok; the models are made in the schema tiktok_following.
The interpreter is that of an environment with dbt and dbt-duckdb.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

SCHEMA = "CREATE SCHEMA IF NOT EXISTS tiktok_following;"
HERE = Path(__file__).parent
DBT = Path(sys.executable).with_name("dbt")
RELATION = re.compile(r'"[^".]+"\."(?:main_)?(\w+)"\."(\w+)"')


def compile_models(providers: list[str]) -> str:
    """Return the statements that make all models, each after those that it reads."""
    with tempfile.TemporaryDirectory() as folder:
        command = [DBT, "--quiet", "compile", "--no-introspect", "--write-json"]
        command += ["--target", "duckdb", "--target-path", folder, "--log-path", folder]
        command += ["--vars", json.dumps({"tiktok_providers": providers})]
        variables = {**os.environ, "TARGET_DUCKDB_PATH": f"{folder}/empty.duckdb"}
        subprocess.run(command, cwd=HERE, env=variables, check=True, stdout=subprocess.DEVNULL)
        nodes = json.loads(Path(folder, "manifest.json").read_text("utf-8"))["nodes"]
    models = {name: node for name, node in nodes.items() if name.startswith("model.")}
    reads = {
        name: models.keys() & node["depends_on"]["nodes"] for name, node in models.items()
    }
    ordered = [models[name] for name in TopologicalSorter(reads).static_order()]
    drops = [f"DROP {' IF EXISTS '.join(_name(model))} CASCADE;" for model in ordered]
    return "\n".join([SCHEMA, *drops, *map(_statement, ordered)])


def _name(model: dict[str, Any]) -> tuple[str, str]:
    return model["config"]["materialized"].upper(), f"tiktok_following.{model['alias']}"


def _statement(model: dict[str, Any]) -> str:
    kind, table = _name(model)
    query = RELATION.sub(r"\1.\2", model["compiled_code"]).strip()
    return f"\nCREATE {kind} {table} AS\n{query};\n"


if __name__ == "__main__":
    sys.stdout.write(compile_models(sys.argv[1:]))
