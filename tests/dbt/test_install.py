"""The package as its users get it: `dbt deps` from git into a project of their own."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

from tests.dbt.project import PACKAGE, PROGRAMS, QUIET
from tests.documents import section_of
from tests.e2e.pipe import Pipe
from tests.e2e.processes import WITHIN
from tests.e2e.warehouses import PostgreSQL
from tests.harness import environment, follows_of, settings

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox import Sandbox
    from tests.e2e.postgres import Postgres

PUBLISHED = "https://github.com/tap-tiktok-following/tap-tiktok-following.git"
PROFILE = """\
my_research:
  target: prod
  outputs:
    prod: {{type: postgres, host: "{host}", port: 5432, user: postgres, password: "",
           dbname: warehouse, schema: public}}
"""


def test_package_from_git(sandbox: Sandbox, postgres: Postgres, tmp_path: Path) -> None:
    """Over what the real target has loaded, with the user's own list of usernames."""
    for name in ("ada", "bob"):
        for follow in follows_of(name, 3):
            sandbox.world.follow(name, follow.username, at=follow.at)
    Pipe(tmp_path, "PostgreSQL", settings(sandbox, ["ada", "bob"]), postgres).run()

    user = tmp_path / "user"
    (user / "seeds").mkdir(parents=True)
    lines = "username\n@Ada\nhttps://www.tiktok.com/@bob?lang=en\nzoe\n"
    (user / "seeds" / "my_usernames.csv").write_text(lines, encoding="utf-8")
    (user / "profiles.yml").write_text(PROFILE.format(host=postgres.home), encoding="utf-8")
    packages, project, build, *_ = section_of("docs/analysis.md", "In your dbt project")
    url = publish(tmp_path / "published").as_uri()
    for block in (packages, project):
        text = block.text.replace(PUBLISHED, url)
        (user / block.name).write_text(text, encoding="utf-8")
    path = f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}"
    subprocess.run(
        ["/bin/sh", "-e", "-c", build.text],
        check=True,
        cwd=user,
        env=environment(PATH=path, **QUIET),
        timeout=WITHIN,
    )

    models = PostgreSQL(postgres, "public_tiktok_following")
    edges = {(row["follower_username"], row["username"]) for row in models.rows("edges")}
    assert edges == {
        (name, f"{name}.{place}") for name in ("ada", "bob") for place in range(3)
    }
    scans = {(row["username"], row["scans"]) for row in models.rows("coverage")}
    assert scans == {("ada", 1), ("bob", 1), ("zoe", 0)}


def publish(folder: Path) -> Path:
    """Make a git repository with the package as it is here, in its folder."""
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
