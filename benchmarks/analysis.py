"""What comes after the load: the dbt models, and the page of changes in a browser."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from benchmarks.measure import ROOT, Run
from benchmarks.programs import DATABASE, ONE_REQUEST, TO_DUCKDB, make_project, meltano, sql
from tests.e2e.page.browser import chromium

if TYPE_CHECKING:
    from benchmarks.programs import Work

PAGE = "output/prod.html"

HISTORY = ROOT / "benchmarks" / "history.sql"


def dbt_build(work: Work) -> Run:
    """Build and test the models over two scans of each list, which SQL makes."""
    project = make_project(work.folder / "project")
    meltano(project, *TO_DUCKDB, variables=work.variables(**ONE_REQUEST))
    lists = f"SET VARIABLE lists = {len(work.lengths)};"
    rows = sql(project / DATABASE, lists + HISTORY.read_text(encoding="utf-8"))
    done = meltano(project, "dbt-duckdb:build", variables={"DBT_DUCKDB_PROVIDERS": "research"})
    return done._replace(rows=rows)


def write_page(work: Work) -> Run:
    """Write the page of what `dbt_build` built."""
    project = work.folder / "project"
    return meltano(project, "report:page", variables={})


def open_page(work: Work) -> Run:
    """Open the page that `write_page` wrote."""
    with chromium() as browser:
        tab, started = browser.new_page(), time.monotonic()
        tab.goto((work.folder / "project" / PAGE).as_uri())
        return Run(time.monotonic() - started)
