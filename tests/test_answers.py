"""The file of answers as a user meets it: dead runs, files of others, a full disk."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import stat
import subprocess
from collections import Counter
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from sandbox import Clock, Fault, Sandbox, Scenario, World
from tests.disks import Disk
from tests.harness import (
    NOW,
    PROVIDERS,
    Run,
    bare,
    command,
    each_provider,
    entry,
    finish,
    follows_of,
    pages_asked,
    run,
    settings,
    start,
    truth,
    wait_until,
)

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(os.name == "nt", reason="modes and signals are POSIX's")

LENGTHS = {"long": 300, "short": 3, "empty": 0}
PAGES = {"long": 34, "short": 1, "empty": 1}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "follows.answers"


@pytest.fixture(autouse=True)
def _lists(sandbox: Sandbox) -> None:
    sandbox.world = World.of({name: follows_of(name, n) for name, n in LENGTHS.items()})
    sandbox.scenario = Scenario()


def config_of(sandbox: Sandbox, path: Path, provider: str | None) -> dict[str, Any]:
    how = {"page_size": 10, "rescan_after_hours": 12, "concurrency": 2}
    return settings(sandbox, LENGTHS, provider, responses_path=str(path), **how)


def kept(path: Path) -> list[tuple[str, str, int]]:
    """Source, username and page of the answers in the file."""
    with closing(sqlite3.connect(path)) as connection:
        query = "SELECT source, username, page FROM answers ORDER BY 1, 2, 3"
        return connection.execute(query).fetchall()


def asked(sandbox: Sandbox) -> Counter[tuple[str, str | None, int | None]]:
    """How often each page was asked for."""
    return Counter((r.provider, r.username, r.cursor) for r in sandbox.requests if r.username)


@each_provider
def test_a_run_that_is_killed_before_any_state(
    sandbox: Sandbox, tmp_path: Path, path: Path, provider: str
) -> None:
    """The next one pays for what was in flight and for what is left."""
    sandbox.scenario = Scenario(latency=0.02)
    config = config_of(sandbox, path, provider)
    process = start(tmp_path, config)
    wait_until(lambda: len(pages_asked(sandbox, provider, "long")) >= 8)
    process.kill()
    before = finish(process)
    files = list(path.parent.glob(f"{path.name}*"))
    assert len(files) == 2
    for file in files:
        check_private(sandbox, file)
    paid = len(kept(path))
    assert paid >= 8

    after = finish(start(tmp_path, config))
    assert after.exit_code == 0
    assert f"recovered {paid} answers that an earlier run paid for" in after.text("INFO")
    assert sorted(after.follows(provider)) == sorted(truth(sandbox, *LENGTHS))
    times = {r["scanned_at"] for r in before.records(f"{provider}_following")}
    assert times <= {r["scanned_at"] for r in after.records(f"{provider}_following")}
    assert sum(asked(sandbox).values()) - len(asked(sandbox)) <= 2
    scans = after.scans(provider)
    assert {scan["outcome"] for scan in scans.values()} == {"complete"}
    assert entry(after.state, provider, "long")["outcome"] == "complete"

    last = finish(start(tmp_path, config, after.state))
    assert kept(path) == []
    assert last.follows(provider) == []


@each_provider
def test_a_target_that_dies_with_everything(
    sandbox: Sandbox, path: Path, provider: str
) -> None:
    """All of it comes again as it was, without a request, whatever the budget."""
    config = config_of(sandbox, path, provider)
    first = run(config)
    sandbox.requests.clear()
    second = run({**config, f"{provider}_max_requests": 0})
    assert asked(sandbox) == {}
    for stream in (f"{provider}_following", f"{provider}_scans"):
        rows = [sorted(map(json.dumps, ended.records(stream))) for ended in (first, second)]
        assert rows[0] == rows[1]
    for name in LENGTHS:
        assert entry(second.state, provider, name) == entry(first.state, provider, name)


def test_each_provider_has_its_own_answers(sandbox: Sandbox, path: Path) -> None:
    """One that is switched off keeps its answers."""
    run(config_of(sandbox, path, None))
    sandbox.requests.clear()
    only = run(config_of(sandbox, path, "research"))
    assert sorted(only.follows("research")) == sorted(truth(sandbox, *LENGTHS))
    both = run(config_of(sandbox, path, None), only.state)
    assert sorted(both.follows("rapidapi")) == sorted(truth(sandbox, *LENGTHS))
    assert asked(sandbox) == {}


def test_answers_of_another_server_are_left_alone(sandbox: Sandbox, path: Path) -> None:
    run(config_of(sandbox, path, "rapidapi"))
    before = kept(path)
    with Sandbox(sandbox.world, clock=Clock(NOW)) as other:
        ended = run(config_of(other, path, "rapidapi"))
        assert len(asked(other)) == sum(PAGES.values())
        assert "recovered" not in ended.text()
    assert {row for row in kept(path) if sandbox.url in row[0]} == set(before)


def test_neither_a_test_nor_full_table_touches_the_file(
    sandbox: Sandbox, tmp_path: Path, path: Path
) -> None:
    config = config_of(sandbox, path, "rapidapi")
    run(config)
    path.chmod(0o644)  # opening it would make it private again
    before = path.stat(), path.read_bytes()
    program = command(tmp_path, config)
    catalog = str(full_table(tmp_path, program))
    for options in (["--test"], ["--discover"], ["--catalog", catalog]):
        ended = subprocess.run(
            [*program, *options], env=bare(), capture_output=True, check=True
        )
        assert ended.stdout or options == ["--test"]
        assert (path.stat(), path.read_bytes()) == before


def full_table(folder: Path, program: list[str]) -> Path:
    """A catalog that reads every list whole and keeps no state."""
    discovered = subprocess.run(
        [*program, "--discover"], env=bare(), capture_output=True, check=True
    )
    catalog = json.loads(discovered.stdout)
    for stream in catalog["streams"]:
        stream["replication_method"] = "FULL_TABLE"
        for item in stream["metadata"]:
            if not item["breadcrumb"]:
                item["metadata"]["forced-replication-method"] = "FULL_TABLE"
    path = folder / "catalog.json"
    path.write_text(json.dumps(catalog), encoding="utf-8")
    return path


def check_refused(ended: Run, sandbox: Sandbox, words: str) -> None:
    """One sentence, before any request."""
    assert ended.exit_code == 1
    assert words in ended.last_line
    assert "Traceback" not in ended.stderr
    assert ended.records("rapidapi_following") == []
    assert asked(sandbox) == {}


def test_a_file_that_is_not_ours(sandbox: Sandbox, tmp_path: Path, path: Path) -> None:
    path.write_text("my usernames\n", encoding="utf-8")
    ended = finish(start(tmp_path, config_of(sandbox, path, None)))
    check_refused(ended, sandbox, "is not a file of answers")
    assert path.read_text(encoding="utf-8") == "my usernames\n"


def test_a_second_run_ends_at_once(sandbox: Sandbox, tmp_path: Path, path: Path) -> None:
    sandbox.scenario = Scenario(faults=[Fault("silent", username="long", page=2)])
    config = config_of(sandbox, path, "rapidapi")
    first = start(tmp_path, config)
    wait_until(lambda: asked(sandbox).total() == 4)  # nothing is left but the silent page
    sandbox.requests.clear()
    check_refused(finish(start(tmp_path, config)), sandbox, "is in use by another run")
    first.terminate()
    assert finish(first).exit_code == 143
    sandbox.scenario = Scenario()
    assert finish(start(tmp_path, config)).exit_code == 0


def test_each_answer_is_kept_with_its_source(sandbox: Sandbox, path: Path) -> None:
    run(config_of(sandbox, path, None))
    assert {source.split()[0] for source, *_ in kept(path)} == {
        f"{p}_following" for p in PROVIDERS
    }
    check_private(sandbox, path)


def check_private(sandbox: Sandbox, path: Path) -> None:
    """Only its owner may read it, and it holds nothing of a request."""
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    content = path.read_bytes().lower()
    for setting in ("rapidapi_key", "research_client_key", "research_client_secret"):
        assert sandbox.config[setting].lower().encode() not in content
    assert not re.search(rb"clt\.[0-9a-f]+|bearer|x-rapidapi-key|authorization", content)


def test_a_disk_that_fills(sandbox: Sandbox, tmp_path: Path, path: Path) -> None:
    """One warning; the run goes on without the file, and what is kept is recovered."""
    config = config_of(sandbox, path, "rapidapi")
    limited = ["bash", "-c", 'ulimit -f 64; exec "$@"', "-", *command(tmp_path, config)]
    # Python would leave broken compiled modules behind.
    quiet = bare(PYTHONDONTWRITEBYTECODE="1")
    ended = subprocess.run(
        limited, env=quiet, capture_output=True, check=False, encoding="utf-8"
    )
    full = Run(ended.returncode, ended.stdout, ended.stderr)
    assert full.exit_code == 0
    assert full.text("WARNING").count("cannot be written any more") == 1
    assert sorted(full.follows("rapidapi")) == sorted(truth(sandbox, *LENGTHS))
    saved = len(kept(path))
    assert 0 < saved < sum(PAGES.values())
    sandbox.requests.clear()
    after = run(config)
    assert f"recovered {saved} answers" in after.text()
    assert sum(asked(sandbox).values()) == sum(PAGES.values()) - saved
    assert sorted(after.follows("rapidapi")) == sorted(truth(sandbox, *LENGTHS))


def test_a_disk_without_room(sandbox: Sandbox, tmp_path: Path) -> None:
    """It fills while answers are kept, and is full when they are to be dropped."""
    disk = Disk(tmp_path, "64k")
    config = config_of(sandbox, disk.path / "follows.answers", "rapidapi")
    path = disk.outside / "follows.answers"
    full = disk.run(command(tmp_path, config))
    assert full.exit_code == 0
    assert full.text("WARNING").count("cannot be written any more") == 1
    assert sorted(full.follows("rapidapi")) == sorted(truth(sandbox, *LENGTHS))
    saved = kept(path)
    assert 0 < len(saved) < sum(PAGES.values())

    sandbox.requests.clear()
    still = disk.run(command(tmp_path, config, full.state), is_full=True)
    assert still.exit_code == 0
    assert still.text("WARNING").count("cannot be written any more") == 1
    assert (still.follows("rapidapi"), asked(sandbox)) == ([], {})
    assert kept(path) == saved

    run({**config, "responses_path": str(path)}, full.state)
    assert kept(path) == []
