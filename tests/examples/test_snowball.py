"""Waves of examples/snowball.py against the sandbox, each within a budget."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from sandbox import Follow, Sandbox, World
from tests import harness
from tests.dbt.project import PROGRAMS, Project
from tests.documents import section_of
from tests.harness import NOW, PROVIDERS
from tests.scripts import run_script
from tests.warehouse import Tables, Warehouse, gather

SEEDS = [f"seed{number}" for number in range(4)]
FRIENDS = [f"friend{number}" for number in range(3)]
BUDGET = 7


def make_world() -> World:
    """Seeds who follow two friends, and friends who follow two seeds.

    Each also follows two accounts that nobody else follows. A list takes two requests.
    """
    follows = {seed: [FRIENDS[n % 3], FRIENDS[(n + 1) % 3]] for n, seed in enumerate(SEEDS)}
    follows |= dict.fromkeys(FRIENDS, SEEDS[:2])
    return World.of(
        {
            name: [
                Follow(followed, NOW - 100 * place)
                for place, followed in enumerate([*made, f"only.{name}", f"one.{name}"], 1)
            ]
            for name, made in follows.items()
        },
        private={"friend2"},
    )


def test_waves_read_everyone_once(sandbox: Sandbox, tmp_path: Path) -> None:
    """Within the budget of each wave, which ends the first in the middle of a list.

    The models are built as the documentation says.
    """
    sandbox.world = make_world()
    file = tmp_path / "usernames.txt"
    lines = ["# the first wave", "@Seed0", "https://www.tiktok.com/@seed1?lang=en", *SEEDS[2:]]
    file.write_text("\n".join(lines), encoding="utf-8")
    config = harness.settings(sandbox, [], usernames_path=str(file), page_size=3)
    config |= {f"{provider}_max_requests": BUDGET for provider in PROVIDERS}
    config |= {"rescan_after_hours": 8760, "retry_unavailable_after_days": 365}
    config["concurrency"] = 1  # a budget ends both providers at the same list
    warehouse = Warehouse(str(tmp_path / "waves.duckdb"))
    project = Project(warehouse, tmp_path)
    [loop] = section_of("docs/networks.md", "Snowball samples")
    [build] = re.findall(r"meltano invoke dbt-duckdb (run .*)", loop.text)
    options = ["--size=5", "--followed-by=2", f"--dbt={PROGRAMS / 'dbt'}"]
    tables: Tables = {}
    state: dict[str, Any] = {}
    first = f"{file}: 1 usernames not read yet and 3 new ones\n"
    for code, printed in ((0, first), (1, "Nobody is left to read.\n")):
        ended = harness.run(config, state)
        assert ended.exit_code == 0
        state = ended.state
        warehouse.load(gather(ended.messages, tables))
        project.dbt(*build.split())
        script = ("examples/snowball.py", str(file), *options)
        assert run_script(*script, code=code, variables=project.variables) == printed
        sandbox.clock.advance(3600)
    requests = dict.fromkeys([*SEEDS, *FRIENDS], 2) | {"friend2": 1}
    for provider in PROVIDERS:
        asked = [(r.username, r.cursor) for r in sandbox.requests if r.provider == provider]
        assert len(set(asked)) == len(asked)
        assert Counter(name for name, _ in asked) == requests


@pytest.mark.parametrize("missing", ["names", "dbt"])
def test_what_is_missing_is_no_wave(tmp_path: Path, missing: str) -> None:
    """And ends a loop otherwise than when nobody is left."""
    names = tmp_path / "names"
    if missing != "names":
        names.write_text("ann\n", "utf-8")
    script = ("examples/snowball.py", "names", "--dbt=dbt")
    printed = run_script(*script, folder=tmp_path, code=2, variables={"PATH": ""})
    why = f"[Errno 2] No such file or directory: '{missing}'"
    assert printed == f"No wave can be chosen: {why}\n"
