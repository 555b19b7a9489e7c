"""The file of answers: what it keeps, who may use it, and what it does on a full disk."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
import textwrap
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from tap_tiktok_following.errors import Ended
from tap_tiktok_following.model import Place
from tap_tiktok_following.state.answers import Answers, Kept
from tap_tiktok_following.text import DAY, hide

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.skipif(os.name == "nt", reason="modes and signals are POSIX's")

NOW = int(time.time())
HERE = "research_following https://here"
THERE = "research_following https://there"
ALL = sys.maxsize


def kept(username: str = "ann", page: int = 1, scanned_at: int = NOW, **more: Any) -> Kept:
    everything = {
        "started": scanned_at - 1,
        "cursor": None if page == 1 else NOW - 50 * page,
        "count": 100,
        "tries": 1,
        "as_of": scanned_at,
        "until": scanned_at + 1,
        "came_at": NOW,
        "status": 200,
        "body": f"page {page} of {username}".encode() * 100,
        **more,
    }
    return Kept(username, scanned_at, page, **everything)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "file.answers"


@pytest.fixture
def answers(path: Path) -> Iterator[Answers]:
    with closing(Answers(path)) as opened:
        yield opened


def places(answers: Answers, username: str = "ann", source: str = HERE) -> list[Place]:
    return answers.places(source, username)


def fill(path: Path, number: int, size: int = 10_000) -> None:
    """Keep a number of answers that do not compress."""
    with closing(Answers(path)) as answers:
        for page in range(1, number + 1):
            answers.keep(HERE, kept(page=page, body=os.urandom(size)))


def in_another_process(path: Path, script: str, room: int | None = None) -> str:
    """What a script prints; the size of its files is limited."""
    limit = f"resource.setrlimit(resource.RLIMIT_FSIZE, ({room}, {room}))" if room else ""
    lines = f"""
import logging, os, pathlib, resource, signal, sys
from tap_tiktok_following.errors import Ended
from tap_tiktok_following.state.answers import *
from tests.state.test_answers import *
logging.basicConfig(stream=sys.stdout)
path = pathlib.Path({str(path)!r})
{limit}
try:
{textwrap.indent(script.strip(), "    ")}
except Ended as ended:
    print(ended.sentence)
"""
    command = [sys.executable, "-c", lines]
    return subprocess.run(command, capture_output=True, check=False, text=True).stdout


# What is kept.


def test_an_answer_comes_back_as_it_was(answers: Answers) -> None:
    for answer in (kept(), kept(page=2), kept(page=3, status=404, body=b"", tries=4)):
        answers.keep(HERE, answer)
        assert answers.get(HERE, "ann", Place(NOW, answer.page)) == answer
    assert answers.get(HERE, "ann", Place(NOW, 4)) is None


def test_answers_outlive_the_process_that_kept_them(path: Path) -> None:
    with closing(Answers(path)) as answers:
        answers.keep(HERE, kept())
    with closing(Answers(path)) as answers:
        assert answers.get(HERE, "ann", Place(NOW, 1)) == kept()


def test_places_are_in_order_and_of_one_username_and_source(answers: Answers) -> None:
    for scanned_at, page in ((NOW, 2), (NOW + 5, 1), (NOW, 10), (NOW, 1)):
        answers.keep(HERE, kept(page=page, scanned_at=scanned_at))
    answers.keep(HERE, kept("ben"))
    answers.keep(THERE, kept("cat"))
    assert places(answers) == [(NOW, 1), (NOW, 2), (NOW, 10), (NOW + 5, 1)]
    assert answers.usernames(HERE) == ["ann", "ben"]
    assert answers.usernames(THERE) == ["cat"]


def test_what_is_covered_is_dropped_and_nothing_else(answers: Answers) -> None:
    for scanned_at, page in ((NOW, 1), (NOW, 2), (NOW, 3), (NOW + 5, 1)):
        answers.keep(HERE, kept(page=page, scanned_at=scanned_at))
        answers.keep(THERE, kept(page=page, scanned_at=scanned_at))
    answers.keep(HERE, kept("ben"))
    answers.keep(HERE, kept("cat"))
    answers.drop(HERE, [("ann", Place(NOW, 2)), ("ben", Place(NOW, ALL))])
    assert places(answers) == [(NOW, 3), (NOW + 5, 1)]
    assert answers.usernames(HERE) == ["ann", "cat"]
    assert len(places(answers, source=THERE)) == 4


def test_the_space_of_what_is_dropped_is_given_back(path: Path) -> None:
    fill(path, 200)
    full = path.stat().st_size
    with closing(Answers(path)) as answers:
        answers.drop(HERE, [("ann", Place(NOW, 190))])
    assert full > 2_000_000
    assert path.stat().st_size < full / 10


def test_what_no_run_takes_up_is_dropped_after_30_days(path: Path) -> None:
    with closing(Answers(path)) as answers:
        answers.keep(HERE, kept("old", came_at=NOW - 30 * DAY - 60))
        answers.keep(HERE, kept("new", came_at=NOW - 29 * DAY))
    with closing(Answers(path)) as answers:
        assert answers.usernames(HERE) == ["new"]


def test_an_answer_that_repeats_a_secret_is_not_kept(answers: Answers) -> None:
    hide("s3cret-of-the-answers")
    answers.keep(HERE, kept(body=b'{"you sent": "s3cret-of-the-answers"}'))
    assert places(answers) == []


def test_a_body_that_is_broken_is_no_answer(path: Path) -> None:
    with closing(Answers(path)) as answers:
        answers.keep(HERE, kept())
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE answers SET body = substr(body, 1, 9)")
    with closing(Answers(path)) as answers:
        assert answers.get(HERE, "ann", Place(NOW, 1)) is None


def test_a_kill_loses_nothing(path: Path) -> None:
    """Every answer that was kept is there after SIGKILL, synced or not."""
    script = """
answers = Answers(path)
for page in range(1, 51):
    answers.keep(HERE, kept(page=page))
print("kept", flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    assert in_another_process(path, script) == "kept\n"
    with closing(Answers(path)) as answers:
        assert len(places(answers)) == 50


def test_what_is_kept_after_it_was_closed_is_ignored(path: Path) -> None:
    answers = Answers(path)
    answers.close()
    answers.keep(HERE, kept())
    with closing(Answers(path)) as again:
        assert places(again) == []


# Whose it is.


def test_only_its_owner_may_read_it(path: Path) -> None:
    before = os.umask(0)
    try:
        with closing(Answers(path)) as answers:
            answers.keep(HERE, kept())
            files = list(path.parent.iterdir())
            assert len(files) > 1
            assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    finally:
        os.umask(before)


def test_a_file_that_others_could_read_is_closed_to_them(path: Path) -> None:
    Answers(path).close()
    path.chmod(0o644)
    Answers(path).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def other_database(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE answers (mine)")


FOREIGN = {
    "a database of another program": other_database,
    "a text": lambda path: path.write_text("usernames\n" * 50),
    "a short text": lambda path: path.write_text("x"),
    "a folder": lambda path: path.mkdir(),
    "a pipe": getattr(os, "mkfifo", None),
}


@pytest.mark.parametrize("make", FOREIGN.values(), ids=FOREIGN)
def test_a_file_that_is_not_ours_is_left_as_it_is(path: Path, make: Any) -> None:
    make(path)
    before = path.stat()
    content = path.read_bytes() if path.is_file() else b""
    with pytest.raises(Ended) as ended:
        Answers(path)
    assert str(path) in ended.value.sentence
    assert "is not a file of answers" in ended.value.sentence
    assert path.stat().st_mode == before.st_mode
    assert (path.read_bytes() if path.is_file() else b"") == content
    assert list(path.parent.iterdir()) == [path]


def test_a_file_in_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(Ended) as ended:
        Answers(tmp_path / "missing" / "file.answers")
    assert "No such file or directory" in ended.value.sentence


def test_a_file_beside_which_nothing_can_be_written(path: Path) -> None:
    """SQLite needs a second file; nobody is told to delete the first."""
    Answers(path).close()
    path.with_name(f"{path.name}-wal").mkdir()
    with pytest.raises(Ended) as ended:
        Answers(path)
    assert "can't be written" in ended.value.sentence
    assert "delete" not in ended.value.sentence


def test_a_log_that_outlives_its_file_is_ignored(path: Path) -> None:
    """After a kill, someone deletes the file but not the log beside it."""
    script = """
answers = Answers(path)
answers.keep(HERE, kept())
os.kill(os.getpid(), signal.SIGKILL)
"""
    in_another_process(path, script)
    path.unlink()
    with closing(Answers(path)) as answers:
        assert answers.usernames(HERE) == []
        answers.keep(HERE, kept("ben"))
    with closing(Answers(path)) as answers:
        assert answers.usernames(HERE) == ["ben"]
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("spoil", ["cut off", "overwritten"])
def test_a_broken_file(path: Path, spoil: str) -> None:
    fill(path, 50)
    content = path.read_bytes()
    if spoil == "cut off":
        path.write_bytes(content[: len(content) // 2])
    else:
        path.write_bytes(content[:4096] + b"x" * (len(content) - 4096))
    with pytest.raises(Ended) as ended:
        Answers(path)
    assert "is broken" in ended.value.sentence
    assert "delete it" in ended.value.sentence


def test_an_empty_file_is_a_new_one(path: Path) -> None:
    path.touch()
    with closing(Answers(path)) as answers:
        answers.keep(HERE, kept())
        assert places(answers) == [(NOW, 1)]


def test_one_process_at_a_time(answers: Answers, path: Path) -> None:
    answers.keep(HERE, kept())
    assert "is in use by another run" in in_another_process(path, "Answers(path)")
    answers.keep(HERE, kept(page=2))
    assert len(places(answers)) == 2


# A disk that takes no more.


def test_what_no_longer_fits_is_not_kept(path: Path) -> None:
    """One warning, no error, and what was kept before stays."""
    script = """
answers = Answers(path)
for page in range(1, 101):
    answers.keep(HERE, kept(page=page, scanned_at=5, body=os.urandom(10_000)))
print(len(places(answers)))
answers.close()
"""
    said = in_another_process(path, script, room=500_000)
    assert said.count("cannot be written any more") == 1
    number = int(said.splitlines()[-1])
    assert 10 < number < 60
    with closing(Answers(path)) as answers:
        assert [page for _, page in places(answers)] == list(range(1, number + 1))


def test_where_nothing_can_be_dropped_the_rest_is_still_read(path: Path) -> None:
    fill(path, 20)
    script = """
answers = Answers(path)
answers.drop(HERE, [("ann", Place(ALL, 1))])
print(len(places(answers)), answers.get(HERE, "ann", places(answers)[0]) is not None)
"""
    said = in_another_process(path, script, room=1000)
    assert "cannot be written any more" in said
    assert said.splitlines()[-1] == "20 True"


def test_a_file_for_which_there_is_no_room_at_all(path: Path) -> None:
    script = """
answers = Answers(path)
answers.keep(HERE, kept())
print(answers.usernames(HERE))
"""
    said = in_another_process(path, script, room=1000)
    assert "cannot be written any more" in said
    assert said.splitlines()[-1] == "[]"
