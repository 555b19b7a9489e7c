"""Forgetting a person: nothing of them is left, and nothing of others is lost."""

from __future__ import annotations

import json
import sqlite3
import zlib
from contextlib import closing
from pathlib import Path

import pytest

from sandbox import Follow, Sandbox, Scenario, World
from tests.harness import DAY, NOW, PROVIDERS, run, settings
from tests.scripts import run_script
from tests.warehouse import Warehouse, gather

SCRIPT = "examples/forget.py"
LISTS = {"ada": ["cara", "bob", "dora"], "bob": ["ada", "eve"], "cara": ["dora", "eve", "fay"]}


@pytest.fixture
def lists(sandbox: Sandbox) -> Sandbox:
    sandbox.world = World.of(
        {
            name: [Follow(other, NOW - 1000 * place) for place, other in enumerate(others, 1)]
            for name, others in LISTS.items()
        }
    )
    sandbox.scenario = Scenario(boundary="skip")
    return sandbox


def responses(path: Path) -> list[tuple[str, str]]:
    with closing(sqlite3.connect(path)) as file:
        rows = file.execute("SELECT username, body FROM responses").fetchall()
    return [(username, zlib.decompress(body).decode()) for username, body in rows]


def test_person_is_in_no_file_and_no_table(
    lists: Sandbox, tmp_path: Path, warehouse: Warehouse
) -> None:
    path = tmp_path / "follows.responses"
    first = run(settings(lists, LISTS, responses_path=str(path), page_size=2))
    (tmp_path / "state.json").write_text(json.dumps({"singer_state": first.state}), "utf-8")
    assert len(responses(path)) == 10
    options = ("--state=state.json", f"--responses={path.name}")
    delete = run_script(SCRIPT, "@Bob", *options, folder=tmp_path)

    state = json.loads((tmp_path / "state.json").read_text("utf-8"))["singer_state"]
    assert '"bob"' not in json.dumps(state)
    warehouse.load(gather(first.messages))
    warehouse.ask(delete)
    for provider in PROVIDERS:
        entries = state["bookmarks"][f"{provider}_following"]["partitions"]
        usernames = [entry["context"]["follower_username"] for entry in entries]
        assert sorted(usernames) == ["ada", "cara"]
        follows = warehouse.ask(f"FROM tiktok.{provider}_following")
        scans = warehouse.ask(f"FROM tiktok.{provider}_scans")
        assert (len(follows), len(scans)) == (5, 2)
        assert not any("bob" in row for row in follows + scans)
    # Of ada's two pages, one lists bob.
    left = responses(path)
    assert sorted(name for name, _ in left) == ["ada"] * 2 + ["cara"] * 4
    assert not any('"bob"' in body for _, body in left)


def test_sql_covers_earlier_usernames_of_an_account(
    lists: Sandbox, warehouse: Warehouse
) -> None:
    config = settings(lists, LISTS, "rapidapi", full_scan_after_days=0)
    first = run(config)
    user_id = lists.world.accounts["dora"].user_id
    lists.world.rename("dora", "dora.now")
    lists.clock.advance(DAY)
    second = run(config, first.state)
    warehouse.load(gather([*first.messages, *second.messages]))

    delete = run_script(SCRIPT, "dora.now", "--schema=tiktok", "--provider=rapidapi")
    assert "research" not in delete
    warehouse.ask(delete)
    ids = {row["user_id"] for row in warehouse.rows("tiktok.rapidapi_following")}
    assert ids
    assert user_id not in ids


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("ada\nBOB # a friend\ncara", "ada\ncara"),
        ("https://www.tiktok.com/@bob?lang=en\nbobby\n", "bobby\n"),
        ("# bob\nada\r\n@Bob\r\n", "# bob\nada\r\n"),
        ("note;Username\nbob;ada\nx;bob\n", "note;Username\nbob;ada\n"),
        ('username\n"bob"\nada\n', "username\nada\n"),
        ("bob # as @ada says\nada # as @bob says\n", "ada # as @bob says\n"),
        ("//tiktok.com/%40Bob/live\nbo\u200bb\nbob2\na_bob\n", "bob2\na_bob\n"),
        ('"id, old",username\n1,@BOB\n2,ada\n', '"id, old",username\n2,ada\n'),
        ('# "a", "b"\nusername\tat\nbob\t"1\n2"\n', '# "a", "b"\nusername\tat\n'),
        ('username;"a"\r\nbob;x\r\nada;"y"\r\n\r\n', 'username;"a"\r\nada;"y"\r\n\r\n'),
    ],
)
def test_list_keeps_all_others(tmp_path: Path, before: str, after: str) -> None:
    path = tmp_path / "names"
    path.write_bytes(before.encode())
    run_script(SCRIPT, "bob", "--usernames", "names", folder=tmp_path)
    assert path.read_bytes().decode() == after


@pytest.mark.parametrize("option", ["--state", "--responses", "--usernames"])
def test_missing_file_is_one_sentence(tmp_path: Path, option: str) -> None:
    printed = run_script(SCRIPT, "bob", option, "missing", folder=tmp_path, code=1)
    assert printed.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_files_keep_their_modes_and_links(tmp_path: Path) -> None:
    """A first run that was stopped has left an empty state."""
    (tmp_path / "private").write_text("{}", "utf-8")
    (tmp_path / "private").chmod(0o600)
    (tmp_path / "link").symlink_to("private")
    run_script(SCRIPT, "bob", "--state", "link", folder=tmp_path)
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "private").read_text("utf-8") == "{}"
    assert (tmp_path / "private").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("option", "content"),
    [
        ("--state", b'{"bookmarks": {"research_following": []}}'),
        ("--state", b'{"type": "STATE", "value": {}}'),
        ("--usernames", b"username\n" + b"a" * 140_000),
    ],
)
def test_damaged_file_is_one_sentence_and_unchanged(
    tmp_path: Path, option: str, content: bytes
) -> None:
    (tmp_path / "file").write_bytes(content)
    printed = run_script(SCRIPT, "bob", option, "file", folder=tmp_path, code=1)
    assert printed.count("\n") == 1
    assert (tmp_path / "file").read_bytes() == content
