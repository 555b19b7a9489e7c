"""Airflow as a small installation runs it: three components, and PostgreSQL."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.documents import ROOT
from tests.e2e import processes
from tests.e2e.postgres import Postgres
from tests.e2e.reader import Reader
from tests.harness import wait_until

PROGRAM = ROOT / ".airflow" / "bin" / "airflow"
COMPONENTS = ("api-server", "scheduler", "dag-processor")


class Airflow:
    """An installation with a home, a database and a port of its own.

    Its tasks have the environment of the reader who types its commands.
    """

    def __init__(self, folder: Path, postgres: Postgres, reader: Reader) -> None:
        if not PROGRAM.exists():
            pytest.skip(f"{PROGRAM} is missing: `make test-airflow` installs it")
        (folder / "dags").mkdir(parents=True)
        self._folder = folder
        self._database = postgres.new_database("airflow")
        port = free_port()
        where = f"postgres@/airflow?host={postgres.home}&port={postgres.port}"
        self._environment = reader.environment
        self._environment |= {
            "AIRFLOW_HOME": str(folder),
            "PATH": f"{reader.environment['PATH']}{os.pathsep}{PROGRAM.parent}",
            "AIRFLOW__API__PORT": str(port),
            "AIRFLOW__API__HOST": "127.0.0.1",
            "AIRFLOW__API_AUTH__JWT_SECRET": "the-same-secret-for-all-components-of-it",
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
            "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__PARALLELISM": "16",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"postgresql+psycopg2://{where}",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC": f"postgresql+asyncpg://{where}",
            "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(free_port()),
            "AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT": "60",  # a machine may be busy
            "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        }

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Run its components until it has found the DAG, and for a while.

        Their output is in files of their names.
        """
        started = [
            processes.start(
                ["sh", "-c", f'exec "$0" {name} > {name}.log 2>&1', str(PROGRAM)],
                self._environment,
                self._folder,
            )
            for name in COMPONENTS
        ]
        try:
            wait_until(lambda: bool(self.rows("dag")), within=600)
            yield
        finally:
            for process in started:
                processes.kill(process)

    def rows(self, table: str) -> list[dict[str, Any]]:
        """Return the rows of a table of its metadata database."""
        return self._database.rows(table)

    def logs(self) -> str:
        """Return how the logs of all tries of tasks end."""
        return "\n".join(
            f"== {path.relative_to(self._folder)}\n{path.read_text('utf-8')[-2000:]}"
            for path in sorted(self._folder.glob("logs/dag_id=*/**/*.log"))
        )


def free_port() -> int:
    """Return a port on loopback that nothing listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
