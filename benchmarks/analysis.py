"""What comes after the load: the dbt models, and the page of changes in a browser."""

from __future__ import annotations

import time
from pathlib import Path

from benchmarks.measure import Run
from benchmarks.programs import (
    DATABASE,
    ONE_REQUEST,
    TO_DUCKDB,
    Work,
    make_project,
    meltano,
    query,
)
from tests.e2e.page.browser import chromium
from tests.harness import environment

HISTORY = Path(__file__).with_name("history.sql")


def dbt_build(work: Work) -> Run:
    """Build and test the models over two scans of each list, which SQL makes."""
    project = make_project(work.folder / "project")
    meltano(project, *TO_DUCKDB, variables=work.environment(**ONE_REQUEST))
    lists = f"SET VARIABLE lists = {len(work.lengths)};"
    rows = query(project / DATABASE, lists + HISTORY.read_text(encoding="utf-8"))
    variables = environment(DBT_DUCKDB_PROVIDERS="research")
    return meltano(project, "dbt-duckdb:build", variables=variables)._replace(rows=rows)


def write_page(work: Work) -> Run:
    """Write the page of what `dbt_build` built."""
    return meltano(work.folder / "project", "report:page", variables=environment())


def open_page(work: Work) -> Run:
    """Open the page that `write_page` wrote."""
    page = work.folder / "project" / "output" / "prod.html"
    with chromium() as browser:
        tab, started = browser.new_page(), time.monotonic()
        tab.goto(page.as_uri())
        return Run(time.monotonic() - started)
