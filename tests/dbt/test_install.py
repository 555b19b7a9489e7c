"""The package as its users get it: `dbt deps` from git into a project of their own."""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import partial
from typing import TYPE_CHECKING

import pytest

from tests.dbt.project import PACKAGE, PROGRAMS, QUIET
from tests.documents import runs
from tests.e2e.pipe import Pipe
from tests.e2e.processes import WITHIN
from tests.e2e.warehouses import DuckDB, PostgreSQL
from tests.harness import environment, follows_of, settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sandbox import Sandbox
    from tests.documents import Section
    from tests.e2e.lists import Row
    from tests.e2e.postgres import Postgres
    from tests.e2e.warehouses import Warehouse

PUBLISHED = "https://github.com/tap-tiktok-following/tap-tiktok-following.git"
PROFILE = """\
my_research:
  target: {kind}
  outputs:
    duckdb: {{type: duckdb, path: "{path}", schema: main}}
    postgres: {{type: postgres, host: "{host}", port: 5432, user: postgres, password: "",
               dbname: postgres, schema: public}}
"""


@runs("docs/analysis.md", "In your dbt project")
@pytest.mark.parametrize("kind", ["duckdb", "postgres"])
def test_package_from_git(
    sandbox: Sandbox,
    postgres: Postgres,
    tmp_path: Path,
    section: Section,
    kind: str,
) -> None:
    """Over what the real targets have loaded, with the user's own list of usernames."""
    for name in ("ada", "bob"):
        for follow in follows_of(name, 3):
            sandbox.world.follow(name, follow.username, at=follow.at)
    warehouse: Warehouse
    models: Callable[[str], list[Row]]
    if kind == "duckdb":
        warehouse = DuckDB(tmp_path)
        models = partial(warehouse.rows, schema="main_tiktok_following")
    else:
        warehouse = PostgreSQL(postgres, "tiktok")
        models = PostgreSQL(postgres, "public_tiktok_following").rows
    Pipe(tmp_path, settings(sandbox, ["ada", "bob"]), warehouse).load()

    user = tmp_path / "user"
    (user / "seeds").mkdir(parents=True)
    lines = "username\n@Ada\nhttps://www.tiktok.com/@bob?lang=en\nzoe\n"
    (user / "seeds" / "my_usernames.csv").write_text(lines, encoding="utf-8")
    profile = PROFILE.format(kind=kind, path=tmp_path / "warehouse.duckdb", host=postgres.home)
    (user / "profiles.yml").write_text(profile, encoding="utf-8")
    repository = publish(tmp_path / "published")
    # The unit tests of the package need no warehouse that real targets have loaded: on DuckDB
    # test_build.py runs them.
    left_out = {"DBT_EXCLUDE_RESOURCE_TYPES": "unit_test"} if kind == "duckdb" else {}
    for block in section:
        if block.name:
            text = block.text.replace(PUBLISHED, f"file://{repository}")
            (user / block.name).write_text(text, encoding="utf-8")
        elif block.language == "sh":
            type_in(user, block.text, left_out)

    edges = {(row["follower_username"], row["username"]) for row in models("edges")}
    assert edges == {
        (name, f"{name}.{place}") for name in ("ada", "bob") for place in range(3)
    }
    scans = {(row["username"], row["scans"]) for row in models("coverage")}
    assert scans == {("ada", 1), ("bob", 1), ("zoe", 0)}


def publish(folder: Path) -> Path:
    """A git repository with the package as it is here, in its folder."""
    generated = shutil.ignore_patterns("target", "logs")
    shutil.copytree(PACKAGE, folder / "dbt", ignore=generated)
    git = shutil.which("git") or "git"
    identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    for command in (
        ["init", "-q", "-b", "main"],
        ["add", "."],
        ["commit", "-qm", "Published"],
        ["tag", "v0.2.0"],
    ):
        subprocess.run([git, *identity, *command], cwd=folder, check=True, timeout=WITHIN)
    return folder


def type_in(folder: Path, commands: str, more: dict[str, str]) -> None:
    path = f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}"
    variables = environment(PATH=path, **QUIET, **more)
    shell = ["sh", "-e", "-c", commands]
    answer = subprocess.run(
        shell,
        check=False,
        cwd=folder,
        env=variables,
        capture_output=True,
        text=True,
        timeout=WITHIN,
    )
    assert answer.returncode == 0, answer.stdout
