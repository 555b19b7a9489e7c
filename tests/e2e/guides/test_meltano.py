"""From an empty Meltano project to rows and a state, as the README says."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import yaml

from sandbox import World
from tests.documents import runs
from tests.e2e.processes import needs_shell
from tests.e2e.reader import Reader
from tests.e2e.targets import ROOT
from tests.e2e.warehouses import JSONL
from tests.harness import DAY, NOW, follows_of

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox import Sandbox
    from tests.documents import Section

pytestmark = needs_shell

TAP = "tap-tiktok-following"
TARGET = "target-jsonl"
LENGTHS = {"charlidamelio": 250, "khaby.lame": 1}
URL = f"https://raw.githubusercontent.com/{TAP}/{TAP}/main/{TAP}.yml"


def read_yaml(name: str) -> dict[str, Any]:
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def make_reader(sandbox: Sandbox, wheel: Path, folder: Path) -> Reader:
    """Return a reader whose definitions of tap and target are this checkout's."""
    tap = read_yaml(f"{TAP}.yml") | {"pip_url": str(wheel)}
    loaders = read_yaml("meltano.yml")["plugins"]["loaders"]
    [target] = [loader for loader in loaders if loader["name"] == TARGET]
    for definition in (tap, target | {"variant": "test"}):
        path = folder / f"{definition['name']}.yml"
        path.write_text(yaml.safe_dump(definition), encoding="utf-8")
    stand_ins = {
        URL: folder / f"{TAP}.yml",
        f"meltano add {TARGET}": f"meltano add {TARGET} --from-ref {folder}/{TARGET}.yml",
        "YOUR_KEY": sandbox.config["rapidapi_key"],
    }
    (folder / "project").mkdir()
    url = {"TAP_TIKTOK_FOLLOWING_RAPIDAPI_API_URL": sandbox.url}
    return Reader(folder / "project", url, stand_ins)


@runs("README.md", "tap-tiktok-following", "shown")
@runs("README.md", "With Meltano")
def test_empty_project_has_every_follow_once(
    section: Section, shown: Section, sandbox: Sandbox, wheel: Path, tmp_path: Path
) -> None:
    reader = make_reader(sandbox, wheel, tmp_path)
    output = JSONL(reader.folder / "output")
    sandbox.world = World.of({name: follows_of(name, n) for name, n in LENGTHS.items()})
    reader.type("meltano", "init", ".")
    reader.follow(section)
    assert Counter(requests(sandbox)) == {
        ("rapidapi", "charlidamelio"): 1 + 3,  # of which one is Meltano's test
        ("rapidapi", "khaby.lame"): 1,
    }
    check_follows(output, sandbox)

    sandbox.clock.advance(DAY)
    reader.environment["TAP_TIKTOK_FOLLOWING_RESCAN_AFTER_HOURS"] = "0"  # as a day later
    sandbox.world.follow("khaby.lame", "new", at=NOW + DAY // 2)
    sandbox.requests.clear()
    reader.type("meltano", "select", TAP, "rapidapi_*", "*")
    reader.type("meltano", "select", TAP, "--exclude", "rapidapi_following", "bio")
    reader.follow(shown)
    assert Counter(requests(sandbox)) == {("rapidapi", name): 1 for name in LENGTHS}
    check_follows(output, sandbox)
    rows = output.rows("rapidapi_following")
    assert [row["username"] for row in rows if "bio" not in row] == ["new"]
    scans = Counter(row["follower_username"] for row in output.rows("rapidapi_scans"))
    assert scans == dict.fromkeys(LENGTHS, 2)


def requests(sandbox: Sandbox) -> list[tuple[str, str | None]]:
    return [(request.provider, request.username) for request in sandbox.requests]


def check_follows(output: JSONL, sandbox: Sandbox) -> None:
    """Every follow is there once."""
    rows = output.rows("rapidapi_following")
    assert Counter((row["follower_username"], row["username"]) for row in rows) == Counter(
        (name, follow.username) for name in LENGTHS for follow in sandbox.world.truth(name)
    )
