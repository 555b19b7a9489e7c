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

SEEDS = ("ann", "ben", "cat", "kim")
FOLLOWED = {
    "ann": ("dee", "eve", "zed"),
    "ben": ("dee", "eve"),
    "cat": ("eve", "gus"),
    "kim": ("yan",),
    "dee": ("ann", "gus", "xia"),
    "gus": ("ann", "dee"),
}
"""Seeds follow dee and eve, who is private; gus is followed by one of them and by dee."""

WAVES = [
    "usernames.txt: 1 usernames not read yet and 2 new ones",
    "usernames.txt: 0 usernames not read yet and 1 new ones",
    "Nobody is left to read.",
]
"""The first ends before kim, because each may take three requests."""


@pytest.fixture
def project(sandbox: Sandbox, tmp_path: Path) -> Project:
    sandbox.world = World.of(
        {
            name: [Follow(other, NOW - 100 * place) for place, other in enumerate(others, 1)]
            for name, others in FOLLOWED.items()
        },
        private={"eve"},
    )
    # One list at a time, so that both providers end a wave at the same one.
    config = settings(sandbox, (), concurrency=1)
    project = Project(tmp_path, config, {"MAX_REQUESTS=2000": "MAX_REQUESTS=3"})
    del project.reader.environment["TAP_TIKTOK_FOLLOWING_USERNAMES"]
    shutil.copytree(ROOT / "examples", project.folder / "examples")
    return project


@runs("docs/networks.md", "Snowball samples")
@runs("docs/networks.md", "Files for Gephi, R and Python", "export")
def test_a_network_is_sampled_and_exported(
    section: Section, export: Section, project: Project, sandbox: Sandbox
) -> None:
    """In three waves, each within its limit, which read everyone once and lose nobody."""
    usernames = project.folder / "usernames.txt"
    usernames.write_text("".join(f"{name}\n" for name in SEEDS), encoding="utf-8")
    [loop] = section
    waves = project.reader.start(*project.reader.script(loop))
    printed, _ = finish(waves, within=3 * WITHIN)  # of three waves
    assert waves.returncode == 0, printed
    assert [line for line in printed.splitlines() if line in WAVES] == WAVES, printed
    for provider in PROVIDERS:
        assert project.follows(provider) == sorted(truth(sandbox, *FOLLOWED))
        asked = [str(r.username) for r in sandbox.requests if r.provider == provider]
        assert [sorted(wave) for wave in (asked[:3], asked[3:6], asked[6:])] == [
            ["ann", "ben", "cat"],
            ["dee", "eve", "kim"],
            ["gus"],
        ]

    project.reader.follow(export)
    folder = project.folder / "output" / "network"
    with (folder / "nodes.csv").open(encoding="utf-8", newline="") as file:
        names = {row["id"]: row["label"] for row in csv.DictReader(file)}
    with (folder / "edges.csv").open(encoding="utf-8", newline="") as file:
        edges = {(names[row["source"]], names[row["target"]]) for row in csv.DictReader(file)}
    assert edges == truth(sandbox, *FOLLOWED)
