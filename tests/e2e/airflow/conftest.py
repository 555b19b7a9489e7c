"""A Meltano project as the README of the example tells to set it up, and an Airflow."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import Sandbox
from tests.e2e.airflow.engine import Airflow, free_port
from tests.e2e.airflow.project import Project
from tests.e2e.postgres import Postgres, serve


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    with serve(free_port()) as server:
        yield server


@pytest.fixture
def project(tmp_path: Path, sandbox: Sandbox, postgres: Postgres) -> Iterator[Project]:
    project = Project(tmp_path / "project", sandbox, postgres)
    yield project
    for shard in project.taps():
        project.kill_all(shard)


@pytest.fixture
def airflow(tmp_path: Path, project: Project, postgres: Postgres) -> Airflow:
    postgres.new_database()
    airflow = Airflow(tmp_path / "airflow", postgres, project.reader.environment)
    project.reader.environment = airflow.environment
    return airflow
