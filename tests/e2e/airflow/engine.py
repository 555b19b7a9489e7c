"""Airflow as a small installation runs it: three components, and PostgreSQL."""

from __future__ import annotations

import contextlib
import os
import socket
from typing import TYPE_CHECKING, Any

import pytest

from tests.documents import ROOT
from tests.e2e import processes
from tests.harness import wait_until

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.e2e.postgres import Postgres

PROGRAMS = ROOT / ".airflow" / "bin"

COMPONENTS = ("api-server", "scheduler", "dag-processor")

OVER = {"success", "failed"}


class Airflow:
    """An installation with a folder, a database and a port of its own.

    Args:
        folder: Its home, DAGs and logs are there.
        postgres: The server of its metadata database.
        environment: What its tasks find in the environment.
    """

    def __init__(
        self, folder: Path, postgres: Postgres, environment: Mapping[str, str]
    ) -> None:
        self.dags = folder / "dags"
        self.dags.mkdir(parents=True)
        self._folder = folder
        self._postgres = postgres
        self.environment = {
            **environment,
            "AIRFLOW_HOME": str(folder),
            "PATH": f"{environment['PATH']}{os.pathsep}{program('airflow').parent}",
            **_settings(postgres, free_port()),
        }

    def type(self, *arguments: str) -> str:
        """Run `airflow` with these arguments, and return what it printed."""
        command = [str(PROGRAMS / "airflow"), *arguments]
        process = processes.start(command, self.environment, self._folder)
        printed, _ = processes.finish(process)
        assert process.returncode == 0, printed
        return printed

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Run its components for a while; their output is in files of their names."""
        started = [self._start(name) for name in COMPONENTS]
        try:
            yield
        finally:
            for process in started:
                processes.end(process)

    def _start(self, component: str) -> subprocess.Popen[str]:
        log = self._folder / f"{component}.log"
        command = f'exec "$0" {component} > {log} 2>&1'
        shell = ["sh", "-c", command, str(PROGRAMS / "airflow")]
        return processes.start(shell, self.environment, self._folder)

    def wait_for_dag(self) -> None:
        """Wait until the DAG processor has found the DAG."""
        wait_until(lambda: bool(self._rows("dag")), within=600)

    def wait_for_run(self, within: float) -> str:
        """Wait until the only DAG run is over, and return its state."""
        wait_until(lambda: self._run_state() in OVER, within)
        return self._run_state()

    def _run_state(self) -> str:
        return "".join(run["state"] for run in self._rows("dag_run"))

    def tasks(self) -> list[dict[str, Any]]:
        """The last try of each task."""
        return self._rows("task_instance")

    def tries(self) -> list[dict[str, Any]]:
        """The tries before the last one."""
        return self._rows("task_instance_history")

    def _rows(self, table: str) -> list[dict[str, Any]]:
        return self._postgres.rows(table, database="airflow")

    def logs(self) -> str:
        """How the logs of all tries of tasks end."""
        return "\n".join(
            f"== {path.relative_to(self._folder)}\n{path.read_text('utf-8')[-2000:]}"
            for path in sorted(self._folder.glob("logs/dag_id=*/**/*.log"))
        )


def program(name: str) -> Path:
    """A program of Airflow's environment."""
    path = PROGRAMS / name
    if not path.exists():
        pytest.skip(f"{path} is missing: `make test-airflow` installs it")
    return path


def _settings(postgres: Postgres, port: int) -> dict[str, str]:
    where = f"postgres@/airflow?host={postgres.home}&port={postgres.port}"
    return {
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


def free_port() -> int:
    """A port on loopback that nothing listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
