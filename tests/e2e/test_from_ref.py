"""From an empty Meltano project to rows and a state, with nothing but the definition file."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from sandbox import World
from tests.e2e.targets import ROOT, tool
from tests.e2e.warehouses import JSONL
from tests.harness import NOW, bookmark, environment, follows_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from sandbox import Sandbox

TAP = "tap-tiktok-following"

TARGET = "target-jsonl"

LENGTHS = {"alice": 250, "bob": 1, "carol": 0}

DAY = 24 * 60 * 60


class Project:
    """A Meltano project.

    Args:
        folder: Where to make it.
        variables: Environment variables.
    """

    def __init__(self, folder: Path, variables: Mapping[str, str]) -> None:
        self.folder = folder / "project"
        self._environment = environment(
            MELTANO_SEND_ANONYMOUS_USAGE_STATS="false",
            XDG_STATE_HOME=str(folder),
            **variables,
        )
        self._run(folder, "init", self.folder.name)

    def meltano(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command in it, which has to end well."""
        return self._run(self.folder, *arguments)

    def add(self, definition: dict[str, Any]) -> None:
        """Add a plugin from a file with its definition."""
        path = self.folder / f"{definition['name']}.yml"
        path.write_text(yaml.safe_dump(definition), encoding="utf-8")
        self.meltano("add", definition["name"], "--from-ref", path.name)

    def _run(self, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [tool("meltano"), "--log-format=uncolored", *arguments],
            cwd=folder,
            env=self._environment,
            capture_output=True,
            check=False,
            encoding="utf-8",
        )
        assert done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
        return done


@pytest.fixture
def tap(tmp_path: Path) -> dict[str, Any]:
    """The definition file, but what it installs is built from this source."""
    build = [str(tool("uv")), "--quiet", "build", "--wheel", f"--out-dir={tmp_path}"]
    subprocess.run(build, cwd=ROOT, check=True)
    [wheel] = tmp_path.glob("*.whl")
    text = (ROOT / f"{TAP}.yml").read_text(encoding="utf-8")
    return yaml.safe_load(text) | {"pip_url": str(wheel)}  # type: ignore[no-any-return]


@pytest.fixture
def target() -> dict[str, Any]:
    """A target's definition from meltano.yml: Meltano Hub can't be asked in a test."""
    loaders = yaml.safe_load((ROOT / "meltano.yml").read_text("utf-8"))["plugins"]["loaders"]
    [definition] = [loader for loader in loaders if loader["name"] == TARGET]
    return definition | {"variant": "test"}  # type: ignore[no-any-return]


def test_an_empty_project(
    sandbox: Sandbox, tmp_path: Path, tap: dict[str, Any], target: dict[str, Any]
) -> None:
    sandbox.world = World.of({name: follows_of(name, n) for name, n in LENGTHS.items()})
    variables = dict(sandbox.env)
    key = variables.pop("TAP_TIKTOK_FOLLOWING_RAPIDAPI_KEY")
    project = Project(tmp_path, variables)
    project.add(tap)
    project.meltano("config", "set", TAP, "rapidapi_key", key)
    project.meltano("config", "set", TAP, "usernames", json.dumps([*LENGTHS]))

    tested = project.meltano("config", "test", TAP)
    assert "Plugin configuration is valid" in tested.stdout + tested.stderr

    project.meltano("select", TAP, "rapidapi_*", "*")
    project.meltano("select", TAP, "--exclude", "rapidapi_following", "bio")
    project.add(target)
    asked = run(project, sandbox)
    assert asked == {
        ("rapidapi", "alice"): 3,
        ("rapidapi", "bob"): 1,
        ("rapidapi", "carol"): 1,
    }
    check_rows(project, sandbox, scans=1)

    sandbox.clock.advance(DAY)
    sandbox.world.follow("bob", "new", at=NOW + DAY // 2)
    asked = run(project, sandbox)
    assert asked == {("rapidapi", name): 1 for name in LENGTHS}
    check_rows(project, sandbox, scans=2)
    check_state(project)


def run(project: Project, sandbox: Sandbox) -> Counter[tuple[str, str | None]]:
    """Run the pipeline, and count the requests it took for each list."""
    sandbox.requests.clear()
    project.meltano("run", TAP, TARGET)
    return Counter((request.provider, request.username) for request in sandbox.requests)


def check_rows(project: Project, sandbox: Sandbox, *, scans: int) -> None:
    """Every follow once without a bio, so many scans of each list, and nothing else."""
    output = JSONL(project.folder / "output")
    rows = output.rows("rapidapi_following")
    assert Counter((row["follower_username"], row["username"]) for row in rows) == Counter(
        (name, follow.username) for name in LENGTHS for follow in sandbox.world.truth(name)
    )
    assert {"bio" in row for row in rows} == {False}
    visits = output.rows("rapidapi_scans")
    assert Counter(row["follower_username"] for row in visits) == dict.fromkeys(LENGTHS, scans)
    assert {row["outcome"] for row in visits} <= {"complete", "unchanged"}
    assert not list(output.folder.glob("research_*"))


def check_state(project: Project) -> None:
    """Each bookmark is the time of the last scan."""
    answer = project.meltano("state", "get", f"dev:{TAP}-to-{TARGET}").stdout
    state = json.loads(answer)["singer_state"]
    assert state["bookmarks"].keys() == {"rapidapi_following", "rapidapi_scans"}
    visits = JSONL(project.folder / "output").rows("rapidapi_scans")
    for name in LENGTHS:
        last = bookmark(state, "rapidapi", name)
        assert last is not None
        assert datetime.fromisoformat(last) == max(
            row["scanned_at"] for row in visits if row["follower_username"] == name
        )
