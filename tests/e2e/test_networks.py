"""The commands of docs/networks.md."""

from __future__ import annotations

import csv
import shutil
from typing import TYPE_CHECKING

import pytest

from sandbox import Follow, World
from tests.documents import ROOT, runs
from tests.e2e.processes import WITHIN, finish, needs_shell
from tests.e2e.project import Project
from tests.harness import NOW, PROVIDERS, settings, truth

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox import Sandbox
    from tests.documents import Section

pytestmark = needs_shell

SEEDS = ("ann", "ben", "cat")
FOLLOWED = {
    "ann": ("dee", "eve", "zed"),
    "ben": ("dee", "eve"),
    "cat": ("eve", "yan"),
    "dee": ("ann", "xia"),
}
"""Two of the seeds follow dee, three eve, who hides her list, and one each of the others."""


@pytest.fixture
def project(sandbox: Sandbox, tmp_path: Path) -> Project:
    sandbox.world = World.of(
        {
            name: [Follow(other, NOW - 100 * place) for place, other in enumerate(others, 1)]
            for name, others in FOLLOWED.items()
        },
        hidden_lists={"eve"},
    )
    project = Project(tmp_path, settings(sandbox, ()))
    del project.reader.environment["TAP_TIKTOK_FOLLOWING_USERNAMES"]
    shutil.copytree(ROOT / "examples", project.folder / "examples")
    return project


@runs("docs/networks.md", "Snowball samples")
@runs("docs/networks.md", "Files for Gephi, R and Python", "export")
def test_a_network_is_sampled_and_exported(
    section: Section, export: Section, project: Project, sandbox: Sandbox
) -> None:
    """The second wave is the accounts that two seeds follow; then nobody is left."""
    usernames = project.folder / "usernames.txt"
    usernames.write_text("".join(f"{name}\n" for name in SEEDS), encoding="utf-8")
    [loop] = section
    waves = project.reader.start(*project.reader.script(loop))
    printed, _ = finish(waves, within=3 * WITHIN)  # of three waves
    assert waves.returncode == 0, printed
    assert "Nobody is left to read." in printed
    assert sorted(usernames.read_text("utf-8").split()) == ["dee", "eve"]
    for provider in PROVIDERS:
        assert project.follows(provider) == sorted(truth(sandbox, *FOLLOWED))
        asked = [r.username for r in sandbox.requests if r.provider == provider]
        assert sorted(map(str, asked)) == ["ann", "ben", "cat", "dee", "eve"]

    project.reader.follow(export)
    folder = project.folder / "output" / "network"
    with (folder / "nodes.csv").open(encoding="utf-8", newline="") as file:
        names = {row["id"]: row["label"] for row in csv.DictReader(file)}
    with (folder / "edges.csv").open(encoding="utf-8", newline="") as file:
        edges = {(names[row["source"]], names[row["target"]]) for row in csv.DictReader(file)}
    assert edges == truth(sandbox, *FOLLOWED)
