"""A third provider is a file and a line in the registry: tests/providers/third.py has both."""

from __future__ import annotations

import sys

from tests.harness import run_process, variables
from tests.server import Received, Reply, Server


def answer(request: Received) -> Reply:
    """Two pages of ann's list; bob's is private."""
    if request.headers["x-password"] != "the-third-password":
        return Reply(401)
    if request.target.startswith("/bob?"):
        return Reply(403, b'{"problem": "This account is private"}')
    if "at=&" in request.target:
        return Reply(body=b'{"accounts": [{"handle": "one"}], "older": 1700000000}')
    return Reply(body=b'{"accounts": [{"handle": "two"}]}')


def test_lists_are_read() -> None:
    with Server(answer) as server:
        config = {"third_api_url": server.url, "third_password": "the-third-password"}
        given = variables({**config, "usernames": ["ann", "bob"]})
        words = [sys.executable, "-m", "tests.providers.third", "--config=ENV"]
        ended = run_process(words, **given)
    assert ended.exit_code == 0
    records = ended.records("third_following")
    pairs = [(record["follower_username"], record["handle"]) for record in records]
    assert pairs == [("ann", "one"), ("ann", "two")]
    outcomes = {name: scan["outcome"] for name, scan in ended.scans("third").items()}
    assert outcomes == {"ann": "complete", "bob": "private"}
