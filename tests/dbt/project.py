"""dbt over the tables of one database."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from psycopg.conninfo import conninfo_to_dict

from tests.documents import ROOT
from tests.scripts import run_script
from tests.warehouse import ELSEWHERE, Warehouse

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
    "DBT_USE_COLORS": "false",
    "DBT_WRITE_JSON": "false",
}
"""What dbt need not do in tests; writing takes it a second each time."""


class Project:
    """The package over one warehouse; what dbt compiles is written into a folder.

    Attributes:
        variables: The environment in which any dbt command is one for this package.
    """

    def __init__(self, warehouse: Warehouse, folder: Path) -> None:
        skip_without_dbt()
        if warehouse.is_postgres:
            to = conninfo_to_dict(warehouse.address)
            place = {"HOST": str(to["host"]), "DATABASE": str(to["dbname"])}
            target = {f"TARGET_POSTGRES_{name}": value for name, value in place.items()}
        else:
            target = {"TARGET_DUCKDB_PATH": warehouse.address}
        self.variables = {
            **QUIET,
            **target,
            "DBT_PROJECT_DIR": str(PACKAGE),
            "DBT_PROFILES_DIR": str(PACKAGE),
            "DBT_TARGET": "postgres" if warehouse.is_postgres else "duckdb",
            "DBT_TARGET_PATH": str(folder / "target"),
            "DBT_LOG_PATH": str(folder / "logs"),
            "TZ": ELSEWHERE,
        }

    def dbt(self, *arguments: str, code: int = 0, **variables: Any) -> str:
        """Run dbt, which has to end with this exit code, and return what it printed."""
        words = [*arguments, "--vars", json.dumps(variables)]
        dbt, python = PROGRAMS / "dbt", PROGRAMS / "python"
        return run_script(dbt, *words, code=code, python=python, variables=self.variables)


def plain_sql(*providers: str) -> str:
    """Return what `make sql` prints for these providers, when it sets up dbt too."""
    skip_without_dbt()
    set_up = ("MELTANO=true", "--what-if=meltano.yml")
    make = ("/usr/bin/make", "--silent", f"PROVIDERS={' '.join(providers)}", *set_up, "sql")
    alone = {"MAKEFLAGS": "", "MAKELEVEL": "0"}  # this may run in `make test`
    return run_script(*make, python="/usr/bin/env", variables=QUIET | alone)


def skip_without_dbt() -> None:
    """Skip a test if dbt is not installed."""
    if not PROGRAMS.exists():
        pytest.skip(f"{PROGRAMS} is missing: `make plugins` installs it")
