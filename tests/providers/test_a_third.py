"""A third provider is a file and a line in the registry: tests/providers/third.py has both."""

from __future__ import annotations

import json
import sys

from tests.harness import Run, run_process, variables
from tests.server import Received, Reply, Server

PASSWORD = "the-third-password"


def answer(request: Received) -> Reply:
    """Two pages of ann's list; bob's is private."""
    password = request.headers["x-password"]
    if password != PASSWORD:
        return Reply(401, json.dumps({"problem": f"{password} is wrong"}).encode())
    if request.target.startswith("/bob?"):
        return Reply(403, b'{"problem": "This account is private"}')
    if "at=&" in request.target:
        return Reply(body=b'{"accounts": [{"handle": "one"}], "older": 1700000000}')
    return Reply(body=b'{"accounts": [{"handle": "two"}]}')


def sync(password: str) -> Run:
    with Server(answer) as server:
        config = {"third_api_url": server.url, "third_password": password}
        given = variables({**config, "usernames": ["ann", "bob"]})
        words = [sys.executable, "-m", "tests.providers.third", "--config=ENV"]
        ended = run_process(words, **given)
    assert password not in ended.stdout + ended.stderr
    return ended


def test_lists_are_read() -> None:
    ended = sync(PASSWORD)
    assert ended.exit_code == 0
    records = ended.records("third_following")
    pairs = [(record["follower_username"], record["handle"]) for record in records]
    assert pairs == [("ann", "one"), ("ann", "two")]
    outcomes = {name: scan["outcome"] for name, scan in ended.scans("third").items()}
    assert outcomes == {"ann": "complete", "bob": "private"}


def test_its_own_words_about_errors_are_used() -> None:
    ended = sync("another-password")
    assert ended.exit_code == 1
    assert ended.last_line.endswith(
        "third_following: the third provider does not know the password (HTTP 401, error: *** "
        "is wrong): check `third_password`."
    )
